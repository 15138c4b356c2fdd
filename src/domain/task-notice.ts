import { DateTime } from "luxon";
import { durationWords } from "./duration.ts";
import { isOnTime } from "./missed.ts";
import { cutAtCharacter } from "./prompt.ts";
import type { Task } from "./task.ts";

/** Waiting for others is part of the day; this long it is worth a word. */
const LONG_WAIT_MS = 10 * 60_000;

export interface RunFacts {
  dueAt: number;
  /** When the host saw that it was due. */
  queuedAt: number;
  /** When it began. */
  begunAt: number;
}

/** `(due 08:00, 2 h 10 min late: I was not running)`; null for a run that is not late. */
export function lateNote({ dueAt, queuedAt, begunAt }: RunFacts, zone: string): string | null {
  const late = begunAt - dueAt;
  const wasDown = !isOnTime(dueAt, queuedAt);
  if (!wasDown && late < LONG_WAIT_MS) return null;
  return `(due ${dueWords(dueAt, begunAt, zone)}, ${durationWords(late)} late: ${wasDown ? "I was not running" : "it had to wait"})`;
}

/** The same for the agent, which writes what the note is put before. */
export const lateNoteForAgent = (note: string): string =>
  `This run is late ${note}. The chat is told so by itself; let your answer fit the time it is now.`;

/** A one-time task that will not be done. */
export function notDoneNotice(task: Task, dueAt: number, now: number, why: string): string {
  const { zone } = task.schedule;
  const due = dueWords(dueAt, now, zone);
  return `Not done: ${taskName(task)} (due ${due}, ${durationWords(now - dueAt)} ago: ${why}). Tell me if it is still wanted.`;
}

/** Nobody asked just now, so a sentence about a run must say which. */
export const aboutRun = (task: Task, dueAt: number, now: number, sentence: string): string =>
  `${taskName(task)} (due ${dueWords(dueAt, now, task.schedule.zone)}): ${sentence}`;

const taskName = ({ prompt }: Task): string => {
  const line = prompt.replace(/\s+/g, " ").trim();
  return `The task “${line.length > 80 ? `${cutAtCharacter(line, 79)}…` : line}”`;
};

/** The time alone on the same day. */
function dueWords(dueAt: number, now: number, zone: string): string {
  const due = DateTime.fromMillis(dueAt, { zone, locale: "en-GB" });
  const sameDay = due.hasSame(DateTime.fromMillis(now, { zone }), "day");
  return due.toFormat(sameDay ? "HH:mm" : "ccc d LLL, HH:mm");
}
