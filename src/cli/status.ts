import type { Command } from "commander";
import type { GroupView } from "../control/groups.ts";
import { humanInZone } from "../domain/zone.ts";
import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import { ask, connect } from "./connection.ts";
import { columns, json, safeForTerminal } from "./display.ts";
import type { Terminal } from "./terminal.ts";

interface Status {
  running: boolean;
  pid: number;
  startedAt: number;
  now: number;
  runtime: string;
  agent: string;
  channels: { name: string; connected: boolean; detail: string }[];
  groups: { folder: string; name: string }[];
  runningTurns: { id: string; folder: string; kind: string; attempts: number; createdAt: number }[];
  waitingTurns: { id: string; folder: string; kind: string; dueAt: number; failureClass: string | null }[];
  unsent: number;
  /** Chats that were registered for another WhatsApp account; nothing is answered there. */
  heldChats: { jid: string; folder: string; account: string | null }[];
  nextTasks: TaskView[];
  lastFailures: {
    folder: string;
    status: string;
    failureClass: string | null;
    failureDetail: string | null;
    endedAt: number;
  }[];
}

/** `status`, `why`, `stop` and `new`: what the assistant is doing, why it did or did not answer, its end, a new start. */
export function addLooking(program: Command, terminal: Terminal): void {
  program
    .command("status")
    .description("What runs, what waits, what comes next, what failed last.")
    .option("--json", "as JSON")
    .action(async (options: { json?: true }) => {
      const config = terminal.config();
      using connection = await connect(config);
      const groups = await ask<GroupView[]>(connection, "GET", "/control/groups");
      const held = groups.flatMap(({ chats }) => chats.filter((chat) => chat.held));
      const heldChats = held.map(({ jid, folder, account }) => ({ jid, folder, account }));
      const status = { ...(await ask<Omit<Status, "heldChats">>(connection, "GET", "/control/status")), heldChats };
      terminal.stdout.write(options.json ? json(status) : describe(status, config.zone));
    });
  program
    .command("why")
    .description("Why the newest message of a chat was, or was not, answered.")
    .argument("[chat]", "a group's folder or a chat's id", "main")
    .option("--json", "as JSON")
    .action(async (chat: string, options: { json?: true }) => {
      using connection = await connect(terminal.config());
      const why = await ask<{ lines: string[]; message?: { text: string } }>(
        connection,
        "GET",
        `/control/why?chat=${encodeURIComponent(chat)}`,
      );
      const about = why.message ? [`"${safeForTerminal(why.message.text)}"`] : [];
      terminal.stdout.write(options.json ? json(why) : `${[...about, ...why.lines].join("\n")}\n`);
    });
  program
    .command("stop")
    .description("End what the assistant is doing in a group, and what waits there to be tried again.")
    .argument("<group>", "the group's folder")
    .action(async (group: string) => {
      using connection = await connect(terminal.config());
      const { stopped } = await ask<{ stopped: number }>(
        connection,
        "POST",
        `/control/groups/${encodeURIComponent(group)}/stop`,
      );
      terminal.stdout.write(
        stopped === 0 ? `Nothing runs or waits in ${group}.\n` : `Stopped in ${group}: ${stopped}.\n`,
      );
    });
  program
    .command("new")
    .description("Let the agent begin a new conversation in a group. Files, tasks and what search finds stay.")
    .argument("<group>", "the group's folder")
    .action(async (group: string) => {
      using connection = await connect(terminal.config());
      const { folder } = await ask<{ folder: string }>(
        connection,
        "POST",
        `/control/groups/${encodeURIComponent(group)}/new`,
      );
      terminal.stdout.write(`The next message in ${folder} begins a new conversation.\n`);
    });
}

function describe(status: Status, zone: string): string {
  const at = (time: number) => humanInZone(time, zone);
  const list = (title: string, rows: string[][]) =>
    rows.length === 0 ? [] : [`${title}:`, columns(rows.map((row) => ["  " + row[0], ...row.slice(1)]))];
  const head = status.running
    ? [
        `Host: runs since ${at(status.startedAt)} (process ${status.pid}), agent ${status.agent}, runtime ${status.runtime}`,
      ]
    : ["Host: does not run. Start it with: npm start"];
  return [
    ...head,
    ...list(
      "Channels",
      status.channels.map(({ name, connected, detail }) => [
        name,
        connected ? "connected" : "not connected",
        safeForTerminal(detail),
      ]),
    ),
    ...list(
      "Groups",
      status.groups.map(({ folder, name }) => [folder, safeForTerminal(name)]),
    ),
    ...list(
      "Held (registered for another WhatsApp account; go on there with: nanoclaw groups confirm)",
      status.heldChats.map(({ jid, folder, account }) => [folder, jid, `+${account}`]),
    ),
    ...list(
      "Running",
      status.runningTurns.map((turn) => [
        turn.folder,
        turn.kind,
        `attempt ${turn.attempts}`,
        `for ${seconds(status.now - turn.createdAt)}`,
      ]),
    ),
    ...list(
      "Waiting",
      status.waitingTurns.map((turn) => [turn.folder, turn.kind, turn.failureClass ?? "", `due ${at(turn.dueAt)}`]),
    ),
    ...list(
      "Next tasks",
      status.nextTasks.map((task) => [
        task.task_id,
        task.group,
        task.next_run ?? "running",
        safeForTerminal(task.prompt).slice(0, 50),
      ]),
    ),
    ...list(
      "Last failures",
      status.lastFailures.map((turn) => [
        turn.folder,
        turn.status,
        at(turn.endedAt),
        `${turn.failureClass ?? ""}: ${turn.failureDetail ?? ""}`.slice(0, 200),
      ]),
    ),
    ...(status.unsent > 0 ? [`Unsent messages: ${status.unsent}`] : []),
    "",
  ].join("\n");
}

const seconds = (ms: number): string => `${Math.round(ms / 1000)} s`;
