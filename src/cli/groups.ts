import { Option, type Command } from "commander";
import type { GroupView } from "../control/groups.ts";
import type { Senders } from "../domain/group.ts";
import { ask, connect } from "./connection.ts";
import { columns, json, safeForTerminal } from "./display.ts";
import { groupSettings, type SettingFlags } from "./group-flags.ts";
import { addRemove } from "./groups-remove.ts";
import { addSync } from "./sync.ts";
import type { Terminal } from "./terminal.ts";

interface ChatFlags {
  trigger?: string;
  /** Commander's name for `--no-trigger-required`. */
  triggerRequired: boolean;
  senders?: string;
}

type AddFlags = SettingFlags & ChatFlags & { jid?: string; name: string; folder: string; join?: true; json?: true };
type SetFlags = SettingFlags & Partial<ChatFlags> & { name?: string; unset?: string[]; json?: true };

export function addGroups(program: Command, terminal: Terminal): void {
  const groups = program.command("groups").description("The groups that the assistant serves, and their settings.");
  groups
    .command("list")
    .description("All groups with their chats and settings.")
    .option("--json", "as JSON")
    .action(async (options: { json?: true }) => {
      using connection = await connect(terminal.config());
      const list = await ask<GroupView[]>(connection, "GET", "/control/groups");
      terminal.stdout.write(options.json ? json(list) : `${columns(list.flatMap(rows))}\n`);
    });
  addAdd(groups, terminal);
  addSet(groups, terminal);
  addConfirm(groups, terminal);
  addSync(groups, terminal);
  addRemove(groups, terminal);
}

function addConfirm(groups: Command, terminal: Terminal): void {
  groups
    .command("confirm")
    .description("Go on in chats that were registered for another WhatsApp account than the one linked now.")
    .argument("[folder]", "of one group only")
    .option("--json", "as JSON")
    .action(async (folder: string | undefined, options: { json?: true }) => {
      using connection = await connect(terminal.config());
      const list = await ask<GroupView[]>(connection, "POST", "/control/groups/confirm", { folder });
      terminal.stdout.write(options.json ? json(list) : `Confirmed:\n${columns(list.flatMap(rows))}\n`);
    });
}

function addAdd(groups: Command, terminal: Terminal): void {
  const command = groups
    .command("add")
    .description("Register a chat as a group. Without --jid the group has a local chat only.")
    .option("--jid <jid>", "the chat's id, e.g. 120363…@g.us, or a person's number")
    .requiredOption("--name <name>", "what the group is called")
    .requiredOption("--folder <folder>", "its folder below groups/")
    .option("--join", "add the chat to a group that exists already");
  withChatFlags(command)
    .option("--no-trigger-required", "answer every message of allowed senders")
    .option("--json", "as JSON")
    .action(async (flags: AddFlags) => {
      using connection = await connect(terminal.config());
      const group = await ask<GroupView>(connection, "POST", "/control/groups", {
        name: flags.name,
        folder: flags.folder,
        jid: flags.jid,
        join: flags.join,
        trigger: flags.trigger,
        requiresTrigger: flags.jid === undefined || flags.triggerRequired ? undefined : false,
        senders: parseSenders(flags.senders),
        settings: groupSettings(flags),
      });
      warnOfSharing(flags, terminal);
      terminal.stdout.write(
        flags.json
          ? json(group)
          : `Registered:\n${columns(rows(group))}\nTalk to it: npm run nanoclaw -- chat --group ${group.folder}\n`,
      );
    });
}

function addSet(groups: Command, terminal: Terminal): void {
  const command = groups
    .command("set")
    .description("Change a group's settings; what is not named stays.")
    .argument("<folder>")
    .option("--name <name>", "what the group is called")
    .option("--unset <setting...>", "put a setting back to the host's own, e.g. --unset timeout");
  withChatFlags(command)
    .addOption(new Option("--trigger-required", "answer only when called by the trigger"))
    .addOption(new Option("--no-trigger-required", "answer every message of allowed senders"))
    .option("--json", "as JSON")
    .action(async (folder: string, flags: SetFlags) => {
      using connection = await connect(terminal.config());
      const unset = Object.fromEntries((flags.unset ?? []).map((name) => [camelCase(name), null]));
      const group = await ask<GroupView>(connection, "PATCH", `/control/groups/${encodeURIComponent(folder)}`, {
        name: flags.name,
        trigger: flags.trigger,
        requiresTrigger: flags.triggerRequired,
        senders: parseSenders(flags.senders),
        settings: { ...unset, ...groupSettings(flags) },
      });
      warnOfSharing(flags, terminal);
      terminal.stdout.write(flags.json ? json(group) : `Now:\n${columns(rows(group))}\n`);
    });
}

function warnOfSharing({ shareLogin }: SettingFlags, terminal: Terminal): void {
  if (!shareLogin) return;
  terminal.stderr.write(
    "Its turns now get a copy of your agent login while they run: everybody who writes in this group can have the agent show or use it. With senders `everyone` a refreshed login is not taken back, and you may have to log in again. An API key (KIRO_API_KEY) is safer.\n",
  );
}

function withChatFlags(command: Command): Command {
  return command
    .option("--trigger <text>", "what calls the assistant, instead of @<ASSISTANT_NAME>")
    .option("--senders <who>", "who may start turns: owner, everyone, or numbers separated by commas")
    .option("--guests <how>", "what others write there: shown to the agent, marked as guests', or hidden from it")
    .option("--agent <name>", "kiro or offline")
    .option("--model <name>", "the agent's model")
    .option("--zone <zone>", "IANA time zone, e.g. Europe/Berlin")
    .option("--timeout <ms>", "longest turn")
    .option("--silence-timeout <ms>", "longest silence of the agent")
    .option("--idle-timeout <ms>", "end of an idle container in long-lived mode")
    .option("--memory <size>", "memory of a turn, e.g. 4GiB")
    .option("--cpus <number>", "processors of a turn")
    .option("--pids <number>", "processes of a turn")
    .option("--shm <size>", "shared memory of a turn")
    .option("--file-size <size>", "largest file a turn may write")
    .option("--group-size <size>", "how large the group's folder may grow")
    .option("--network <mode>", "bridge or none")
    .option(
      "--mount <folder...>",
      "folders of this machine to show to the group, each as <here>:<inside>, with :rw to let it write",
    )
    .option("--mcp <name...>", "your own MCP servers that the group may use")
    .option("--share-login", "let the group's turns use the owner's agent login");
}

function rows({ folder, name, chats, settings }: GroupView): string[][] {
  const set = Object.entries(settings).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const head = [folder, safeForTerminal(name), set.join(" ")];
  return [head, ...chats.map((chat) => ["", chat.jid, chatWords(chat)])];
}

function chatWords({ folder, requiresTrigger, trigger, senders, held, account }: GroupView["chats"][number]): string {
  const call = requiresTrigger ? `trigger ${trigger ?? "@<assistant's name>"}` : "no trigger needed";
  const wait = held ? `; HELD: it is +${account}'s, go on with: nanoclaw groups confirm ${folder}` : "";
  return `${call}, senders ${Array.isArray(senders) ? senders.join(",") : senders}${wait}`;
}

export function parseSenders(text: string | undefined): Senders | undefined {
  if (text === undefined || text === "owner" || text === "everyone") return text;
  return text
    .split(",")
    .map((id) => id.trim())
    .filter(Boolean);
}

const camelCase = (name: string): string => name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
