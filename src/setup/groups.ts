import { ask } from "../cli/connection.ts";
import { CommandError } from "../cli/outcome.ts";
import { listGroups, shown, type NetworkGroup } from "../cli/sync.ts";
import { systemClock } from "../clock.ts";
import type { GroupView } from "../control/groups.ts";
import type { Senders } from "../domain/group.ts";
import { connectedAs } from "./connected.ts";
import { findGroup, folderFor } from "./group-choice.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";
import { whatsAppStep } from "./whatsapp.ts";

export const groupsStep: Step = { name: "groups", title: "Further WhatsApp groups", look, run };

async function look(setup: Setup): Promise<State> {
  const link = await whatsAppStep.look(setup);
  const isWanted = setup.answers.groups.length > 0;
  const off = setup.config().settings.NANOCLAW_WHATSAPP === "off";
  if (link.kind !== "done" || off) {
    if (!isWanted) return { kind: "done", detail: "none: WhatsApp is not linked" };
    return { kind: "impossible", detail: "WhatsApp is not linked", cure: "npm run auth", waitsFor: "whatsapp" };
  }
  if (!isWanted && !setup.ui.ask) return { kind: "done", detail: "none was named (--group <name>)" };
  return { kind: "todo", detail: "" };
}

interface Rules {
  trigger: string | undefined;
  requiresTrigger: boolean | undefined;
  senders: Senders;
}

async function run(setup: Setup): Promise<Outcome> {
  await connectedAs(setup);
  const list = await listed(setup);
  const chosen = setup.answers.groups.length > 0 ? named(setup, list) : await pick(setup, list);
  const fresh = chosen.filter(({ folder }) => folder === null);
  const before = chosen.filter(({ folder }) => folder !== null).map(({ name }) => `${shown(name)}: registered before`);
  if (fresh.length === 0) return { status: "done", detail: before.join("; ") || none(list) };
  const rules = await rulesFor(setup);
  const made: string[] = [];
  for (const group of fresh) made.push(await register(setup, group, rules));
  return { status: "done", detail: [...before, ...made].join("; ") };
}

const none = (list: readonly NetworkGroup[]): string =>
  list.length === 0 ? "the linked account is in no group" : "none was chosen";

const LIST_MS = 10_000;

/** Right after the first connection the list is on its way. */
async function listed({ passing, terminal }: Setup): Promise<NetworkGroup[]> {
  const connection = await passing.connection();
  for (const since = systemClock.monotonic(); ; await systemClock.sleep(200, terminal.interrupted)) {
    const list = await listGroups({ connection });
    if (list.length > 0 || systemClock.monotonic() - since > LIST_MS || terminal.interrupted.aborted) return list;
  }
}

/** @throws {CommandError} before anything is registered, naming every one that cannot be. */
function named({ answers }: Setup, list: readonly NetworkGroup[]): NetworkGroup[] {
  const found = answers.groups.map((wanted) => findGroup(list, wanted));
  const problems = found.flatMap((one) => (one.ok ? [] : [one.problem]));
  if (problems.length > 0) throw new CommandError(problems.join("; "));
  const ids = found.flatMap((one) => (one.ok ? [one.group.jid] : []));
  return list.filter(({ jid }) => ids.includes(jid));
}

async function pick({ ui }: Setup, list: readonly NetworkGroup[]): Promise<NetworkGroup[]> {
  const open = list.filter(({ folder }) => folder === null);
  if (open.length === 0 || !ui.ask) return [];
  const choices = open.map(({ jid, name }) => ({ value: jid, label: shown(name), hint: jid }));
  const ids = await ui.ask.pickMany("In which groups should the assistant be? (none: press Enter)", choices);
  return open.filter(({ jid }) => ids.includes(jid));
}

/** Unless somebody says otherwise: the owner alone, and only when the assistant is called. */
async function rulesFor({ answers, ui, config }: Setup): Promise<Rules> {
  const { trigger, triggerRequired, senders } = answers;
  const rules = { trigger, requiresTrigger: triggerRequired ? undefined : false };
  if (senders !== undefined || !ui.ask) return { ...rules, senders: senders ?? "owner" };
  const call = trigger ?? `@${config().settings.ASSISTANT_NAME}`;
  const who = await ui.ask.choose<"owner" | "everyone">(`Who may call it there, with ${call}?`, [
    { value: "owner", label: "Only you", hint: "what others write is shown to it, marked as theirs" },
    { value: "everyone", label: "Everybody in the group" },
  ]);
  return { ...rules, senders: who };
}

async function register({ passing }: Setup, { jid, name }: NetworkGroup, rules: Rules): Promise<string> {
  const connection = await passing.connection();
  const groups = await ask<GroupView[]>(connection, "GET", "/control/groups");
  const taken = groups.map(({ folder }) => folder);
  const plain = shown(name) || "Group";
  const folder = folderFor(plain, taken);
  await ask(connection, "POST", "/control/groups", { name: plain, folder, jid, ...rules });
  return `${plain}: groups/${folder}, senders ${[rules.senders].flat().join(",")}`;
}
