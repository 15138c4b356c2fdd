import { DateTime } from "luxon";
import type { TaskView } from "../../protocol/index.ts";
import { reminderText } from "./reminder-prompt.ts";
import { momentPhrase } from "./say-time.ts";

const TITLE_LENGTH = 100;

/** What a task is about, in one line. */
export function taskTitle(task: TaskView): string {
  return shortened(reminderText(task.prompt) ?? `“${task.prompt}”`);
}

export function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1).trimEnd()}…` : line;
}

/** When a task runs, in the zone of the person who asks. */
export function taskTimes(task: TaskView, now: DateTime): string {
  if (task.status === "paused") return `${repetition(task) ?? "once"}, paused`;
  const next = nextRun(task, now);
  const often = repetition(task);
  if (!next) return often ?? "no next time";
  return often ? `${often}, next ${next}` : next;
}

export function nextRun(task: TaskView, now: DateTime): string | undefined {
  if (task.next_run === null) return undefined;
  const next = DateTime.fromISO(task.next_run, { zone: now.zone });
  return next.isValid ? momentPhrase(next, now) : undefined;
}

/** "every weekday at 08:00"; nothing for a task that runs once. */
export function repetition(task: TaskView): string | undefined {
  if (task.schedule_type === "once") return undefined;
  return task.schedule_type === "interval" ? every(Number(task.schedule_value)) : ofCron(task.schedule_value);
}

function every(ms: number): string {
  const units = [
    ["day", 86_400_000],
    ["hour", 3_600_000],
    ["minute", 60_000],
    ["second", 1_000],
  ] as const;
  const [unit, size] = units.find(([, unitMs]) => ms % unitMs === 0) ?? ["second", 1_000];
  const count = ms / size;
  return count === 1 ? `every ${unit}` : `every ${count} ${unit}s`;
}

const dayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function ofCron(cron: string): string {
  const fields = /^(\d+) (\d+) (\d+|\*) \* ([\d,]+|1-5|\*)$/.exec(cron);
  if (!fields) return `by the schedule ${cron}`;
  const [, minute = "", hour = "", date = "*", days = "*"] = fields;
  return `${daysPhrase(date, days)} at ${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
}

function daysPhrase(date: string, days: string): string {
  if (date !== "*") return `on day ${date} of every month`;
  if (days === "*") return "every day";
  if (days === "1-5") return "every weekday";
  const names = days.split(",").map((day) => dayNames[Number(day) % 7] ?? day);
  return `every ${listed(names)}`;
}

export function listed(items: string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Reasons of the host, which may lack the full stop. */
export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
