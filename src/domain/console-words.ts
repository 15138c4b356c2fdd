import { DateTime } from "luxon";
import type { ConsoleCommand } from "./rights.ts";

/** Answers of the console: Markdown without tables, read on a phone. Times are epoch milliseconds. */

const helpLines: Record<ConsoleCommand, string> = {
  "/help": "these commands",
  "/status": "what runs, what waits, what comes next",
  "/stop": "ends what runs and what waits here",
  "/new": "the next message begins a new conversation",
  "/tasks": "what is scheduled",
  "/why": "what became of the newest message",
  "/groups": "the groups of this assistant",
};

export const helpText = (commands: readonly ConsoleCommand[]): string =>
  [
    "The machine itself answers these, also while the assistant is busy or broken:",
    ...commands.map((command) => `- \`${command}\` ${helpLines[command]}`),
  ].join("\n");

export interface StatusFacts {
  assistantName: string;
  zone: string;
  now: number;
  startedAt: number;
  channels: readonly { name: string; connected: boolean; detail: string; since: number | null }[];
  running: readonly { where: string | null; kind: "message" | "task"; since: number }[];
  waiting: readonly Waiting[];
  tasks: readonly TaskLine[];
  unsent: number;
  lastFailure: { where: string | null; what: string; at: number } | undefined;
}

/** `where` is null in an answer about one chat alone. */
export interface Waiting {
  where: string | null;
  /** Null: for a free place. */
  dueAt: number | null;
  /** Why it was not answered yet. */
  reason: string | null;
}

export interface TaskLine {
  where: string | null;
  id: string;
  /** Null: it runs now. */
  nextRun: number | null;
  paused: boolean;
  repeats: boolean;
  prompt: string;
}

const MOST_LINES = 5;
const MOST_TASKS = 20;
const SHOWN_PROMPT = 60;

export function statusText(facts: StatusFacts): string {
  const { zone, now, running, waiting, tasks, unsent, lastFailure } = facts;
  const time = (at: number) => timeOf(at, now, zone);
  return [
    `**${facts.assistantName}** runs since ${time(facts.startedAt)} (${zone}).`,
    ...facts.channels.map((channel) => channelLine(channel, time)),
    ...(running.length === 0 ? ["Nothing runs."] : [`Running: ${running.length}`]),
    ...few(running, (turn) => `${inGroup(turn.where)}${kindWords[turn.kind]}, for ${lengthOf(now - turn.since)}`),
    ...(waiting.length === 0 ? ["Nothing waits."] : [`Waiting: ${waiting.length}`]),
    ...few(waiting, (one) => `${inGroup(one.where)}${waitWords(one, time)}`),
    ...(tasks.length === 0 ? [] : [`Next tasks:`]),
    ...few(tasks, (task) => taskLine(task, time)),
    ...(unsent === 0 ? [] : [`Not sent yet: ${unsent}`]),
    ...(lastFailure ? [`Last failure: ${inGroup(lastFailure.where)}${lastFailure.what}, ${time(lastFailure.at)}`] : []),
  ].join("\n");
}

const kindWords = { message: "an answer", task: "a task" } as const;
const inGroup = (where: string | null): string => (where === null ? "" : `${inline(where)}: `);

function channelLine(
  { name, connected, detail, since }: StatusFacts["channels"][number],
  time: (at: number) => string,
): string {
  if (!connected) return `${name}: not connected (${inline(detail)})`;
  return since === null ? `${name}: connected` : `${name}: connected since ${time(since)}`;
}

const waitWords = ({ dueAt, reason }: Waiting, time: (at: number) => string): string =>
  dueAt === null ? "for a free place" : `tried again ${time(dueAt)}${reason === null ? "" : ` (${inline(reason)})`}`;

export function tasksText(tasks: readonly TaskLine[], { zone, now }: { zone: string; now: number }): string {
  if (tasks.length === 0) return "Nothing is scheduled here.";
  const lines = few(tasks, (task) => taskLine(task, (at) => timeOf(at, now, zone)), MOST_TASKS);
  return [`Scheduled (${zone}):`, ...lines].join("\n");
}

function taskLine({ where, id, nextRun, paused, repeats, prompt }: TaskLine, time: (at: number) => string): string {
  const next = paused ? "paused" : nextRun === null ? "now" : time(nextRun);
  return `${inGroup(where)}${next}${repeats ? ", again and again" : ""}: ${inline(prompt)} (\`${id}\`)`;
}

export function groupsText(groups: readonly { folder: string; name: string; chats: readonly string[] }[]): string {
  const lines = few(groups, ({ folder, name, chats }) => `\`${folder}\` ${inline(name)}: ${chats.join(", ")}`, 50);
  return [`Groups: ${groups.length}`, ...lines].join("\n");
}

/** @param ranFor how long the longest of what is ended now has run; undefined: nothing ran. */
export function stopText({ ranFor, waited }: { ranFor: number | undefined; waited: number }): string {
  if (ranFor === undefined && waited === 0) return "Nothing runs or waits here.";
  const ran = ranFor === undefined ? [] : [`what ran for ${lengthOf(ranFor)}`];
  return `Stopped: ${[...ran, ...(waited === 0 ? [] : [`what waited (${waited})`])].join(" and ")}.`;
}

export const NEW_TEXT = "The next message begins a new conversation. Files, notes, tasks and what search finds stay.";

export const whyText = (about: { text: string; lines: readonly string[] } | undefined): string =>
  about === undefined
    ? "Nobody has written here yet."
    : [`> ${about.text.trim() === "" ? "(no text)" : inline(about.text)}`, "", ...about.lines].join("\n");

/** The chat's own time, as short as it is clear: without the day on the same day. */
function timeOf(at: number, now: number, zone: string): string {
  const [then, today] = [at, now].map((time) => DateTime.fromMillis(time, { zone, locale: "en-GB" }));
  if (!then || !today) return String(at);
  if (then.hasSame(today, "day")) return then.toFormat("HH:mm");
  return then.toFormat(then.hasSame(today, "year") ? "ccc d LLL, HH:mm" : "ccc d LLL yyyy, HH:mm");
}

function lengthOf(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function few<T>(all: readonly T[], line: (one: T) => string, most = MOST_LINES): string[] {
  const lines = all.slice(0, most).map((one) => `- ${line(one)}`);
  return all.length > most ? [...lines, `- and ${all.length - most} more`] : lines;
}

/** One line; other people's words must not become the host's formatting. */
function inline(text: string): string {
  const line = text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[*~`<>[\]]/g, "")
    .trim();
  const cut = [...line].slice(0, SHOWN_PROMPT).join("");
  return cut === line ? line : `${cut}…`;
}
