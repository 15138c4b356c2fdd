import { DateTime } from "luxon";
import { durationWords } from "../domain/duration.ts";
import { humanInZone } from "../domain/zone.ts";
import { columns, safeForTerminal } from "./display.ts";
import type { Status } from "./status-needs.ts";

/** For people, in lines of at most `width`. */
export function statusText(status: Status, zone: string, width: number): string {
  const lines = [
    ...hostLines(status, zone),
    ...section("Channels", channelRows(status, zone), width),
    ...section("Groups", groupRows(status), width),
    ...section("Held (registered for another WhatsApp account)", heldRows(status), width),
    ...section("Running", runningRows(status), width),
    ...section("Waiting", waitingRows(status, zone), width),
    ...section("Next tasks", taskRows(status, zone), width),
    ...section("Last failures", failureRows(status, zone), width),
    ...section("Unsent messages", unsentRows(status), width),
    ...section("Versions", versionRows(status), width),
    ...section("Needs you", needRows(status), width),
  ];
  return `${lines.join("\n")}\n`;
}

function hostLines({ running, startedAt, pid, agent, runtime, service }: Status, zone: string): string[] {
  const host = running
    ? [`Host: runs since ${humanInZone(startedAt, zone)} (process ${pid})`, `Agent: ${agent}, runtime ${runtime}`]
    : ["Host: does not run. Start it with: npm start"];
  return [
    ...host,
    `Service: ${serviceWords[service.kind]}${service.kind === "running" && service.pid ? ` (process ${service.pid})` : ""}`,
  ];
}

const serviceWords: Record<Status["service"]["kind"], string> = {
  running: "running",
  stopped: "stopped",
  "not-installed": "not installed (npm run nanoclaw -- service install)",
  "no-manager": "nothing on this machine manages services",
  unknown: "not known",
};

type Rows = readonly (readonly string[])[];

/** Everything that others wrote comes by here. The last column is broken into lines. */
function section(title: string, rows: Rows, width: number): string[] {
  if (rows.length === 0) return [];
  const clean = rows.map((row) => row.map((cell) => safeForTerminal(cell).replaceAll(/\s*\n\s*/g, " ")));
  const heads = columns(clean.map((row) => row.slice(0, -1))).split("\n");
  const widest = Math.max(...heads.map(({ length }) => length));
  const indent = 2 + (widest === 0 ? 0 : widest + 2);
  const lines = clean.flatMap((row, at) => {
    const text = wrap(row.at(-1) ?? "", Math.max(20, width - indent));
    return text.map((line, index) => `${`  ${index === 0 ? heads[at] : ""}`.padEnd(indent)}${line}`.trimEnd());
  });
  return [`${title}:`, ...lines];
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(" ", width);
    const end = space > width / 2 ? space : width;
    lines.push(rest.slice(0, end));
    rest = rest.slice(end).trimStart();
  }
  return [...lines, rest];
}

const channelRows = ({ channels, now }: Status, zone: string): Rows =>
  channels.map(({ name, connected, detail, since }) => [
    name,
    connected ? "connected" : "not connected",
    [detail, ...(since ? [`since ${shortTime(since, now, zone)}`] : [])].filter(Boolean).join(", "),
  ]);

const groupRows = ({ groups }: Status): Rows =>
  groups.map(({ folder, name, chats }) => [
    folder,
    name,
    chats.map(({ jid, held }) => (held ? `${jid} (held)` : jid)).join(", ") || "no chat",
  ]);

const heldRows = ({ heldChats }: Status): Rows =>
  heldChats.map(({ jid, folder, account }) => [folder, `${jid} of +${account}; go on with: nanoclaw groups confirm`]);

const runningRows = ({ runningTurns, now }: Status): Rows =>
  runningTurns.map((turn) => [
    turn.folder,
    turn.kind,
    `for ${durationWords(now - turn.startedAt)}${turn.attempts > 1 ? `, attempt ${turn.attempts}` : ""}, in ${turn.chat}`,
  ]);

function waitingRows({ waitingTurns, inLine, now }: Status, zone: string): Rows {
  const retries = waitingTurns.map((turn) => [
    turn.folder,
    turn.kind,
    [
      turn.dueAt > now ? `until ${shortTime(turn.dueAt, now, zone)}` : "for a free place",
      `in ${turn.chat}`,
      ...(turn.failureClass === null ? [] : [`${turn.failureClass}: ${turn.failureDetail ?? ""}`]),
    ].join(", "),
  ]);
  return [...retries, ...inLine.map(({ folder, chat }) => [folder, "message", `for a free place, in ${chat}`])];
}

const taskRows = ({ nextTasks, now }: Status, zone: string): Rows =>
  nextTasks.map((task) => [
    task.task_id,
    task.group,
    `${whenNext(task, now, zone)}: ${task.words}. ${task.prompt.slice(0, 60)}`,
  ]);

function whenNext({ status, nextRunAt }: Status["nextTasks"][number], now: number, zone: string): string {
  if (status === "paused") return "paused";
  return nextRunAt === null ? "runs now" : shortTime(nextRunAt, now, zone);
}

const failureRows = ({ lastFailures, now }: Status, zone: string): Rows =>
  lastFailures.map((turn) => [
    turn.folder,
    shortTime(turn.endedAt ?? now, now, zone),
    `${turn.status}, ${turn.failureClass ?? "no reason known"}: ${turn.failureDetail ?? ""}`.slice(0, 240),
  ]);

const unsentRows = ({ unsentChats, now }: Status): Rows =>
  unsentChats.map(({ chat, folder, count, since }) => [
    folder,
    `${count} to ${chat}, the oldest for ${durationWords(now - since)}`,
  ]);

const imageWords: Record<NonNullable<Status["image"]>["state"], string> = {
  ready: "made from these sources",
  "other-source": "made from other sources (npm run nanoclaw -- doctor --fix)",
  "other-version": "of another version (npm run nanoclaw -- doctor --fix)",
  "no-image": "not built",
  "no-engine": "the container engine does not answer",
  "no-client": "there is no container engine",
  unknown: "not known",
};

function versionRows({ versions, image, kiroCli }: Status): Rows {
  const agent = [
    ...(image ? [`image ${image.name}: ${imageWords[image.state]}`] : []),
    ...(kiroCli === null ? [] : [`kiro-cli ${kiroCli}`]),
  ];
  const own = `NanoClaw ${versions.nanoclaw}, Node ${versions.node}, Baileys ${versions.baileys}`;
  return [own, ...agent].map((line) => [line]);
}

const needRows = ({ needs }: Status): Rows => needs.map(({ what, cure }) => [`${what} -> ${cure}`]);

/** As short as the day allows. */
function shortTime(at: number, now: number, zone: string): string {
  const [then, today] = [at, now].map((time) => DateTime.fromMillis(time, { zone, locale: "en-GB" }));
  if (!then || !today) return String(at);
  if (then.hasSame(today, "day")) return then.toFormat("HH:mm");
  return then.toFormat(then.hasSame(today, "year") ? "ccc d LLL, HH:mm" : "ccc d LLL yyyy, HH:mm");
}
