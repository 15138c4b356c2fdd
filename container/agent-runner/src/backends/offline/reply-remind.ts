import { DateTime } from "luxon";
import type { TaskView, ToolArguments } from "../../protocol/index.ts";
import type { Intent, Schedule, Subject } from "./intent.ts";
import type { Desk, Done, Situation } from "./desk.ts";
import { reminderPrompt } from "./reminder-prompt.ts";
import { nextRun, repetition, sentence, shortened } from "./say-task.ts";
import { momentPhrase } from "./say-time.ts";

type Remind = Extract<Intent, { kind: "remind" }>;
type NewTask = ToolArguments<"schedule_task">;

const SAME_TIME_MS = 120_000;

export async function replyRemind({ subject, schedule }: Remind, situation: Situation): Promise<string> {
  const { desk, now, zone, person, repeated } = situation;
  const task = { prompt: reminderPrompt(subject, person), ...scheduleArguments(schedule, zone) };
  const earlier = repeated ? await alreadySet(task, schedule, desk) : undefined;
  const set: Done<TaskView> = earlier ? { ok: true, value: earlier } : await desk.schedule(task);
  if (!set.ok) return `I could not set that reminder: ${sentence(set.reason)}`;
  const remark = schedule.kind === "once" && schedule.remark ? ` ${schedule.remark}` : "";
  return `OK. I will remind ${whom(subject)} ${times(set.value, schedule, now)} (${zone}).${remark}`;
}

function scheduleArguments(schedule: Schedule, zone: string): Omit<NewTask, "prompt"> {
  switch (schedule.kind) {
    case "once":
      return onceArguments(schedule.at, zone);
    case "cron":
      return { schedule_type: "cron", schedule_value: schedule.cron, zone };
    case "interval":
      return { schedule_type: "interval", schedule_value: String(schedule.ms), zone };
    default:
      return schedule satisfies never;
  }
}

// A local time names no single moment in the hour that an autumn night has twice; UTC always does.
function onceArguments(at: DateTime, zone: string): Omit<NewTask, "prompt"> {
  const local = at.setZone(zone);
  const [chosen, name] = local.getPossibleOffsets().length > 1 ? [local.toUTC(), "UTC"] : [local, zone];
  const value = chosen.toISO({ includeOffset: false, suppressMilliseconds: true }) ?? "";
  return { schedule_type: "once", schedule_value: value, zone: name };
}

async function alreadySet(task: NewTask, schedule: Schedule, desk: Desk): Promise<TaskView | undefined> {
  const tasks = await desk.tasks();
  if (!tasks.ok) return undefined;
  return tasks.value.find((old) => old.prompt === task.prompt && isSameSchedule(old, task, schedule));
}

function isSameSchedule(old: TaskView, task: NewTask, schedule: Schedule): boolean {
  if (old.schedule_type !== task.schedule_type) return false;
  if (schedule.kind !== "once") return old.schedule_value === task.schedule_value;
  // "in 5 minutes" counts from a later moment in the second attempt.
  const next = old.next_run === null ? NaN : DateTime.fromISO(old.next_run).toMillis();
  return Math.abs(next - schedule.at.toMillis()) < SAME_TIME_MS;
}

function times(task: TaskView, schedule: Schedule, now: DateTime): string {
  if (schedule.kind === "once") return momentPhrase(schedule.at, now);
  const first = nextRun(task, now);
  return `${repetition(task) ?? "again and again"}${first ? `, first ${first}` : ""}`;
}

function whom({ text, link, for: who }: Subject): string {
  const short = shortened(text);
  const person = who === "me" ? "you" : "you all";
  if (link === "none") return `${person} of “${short}”`;
  return `${person} ${link} ${who === "me" ? toSecondPerson(short) : short}`;
}

const secondPerson: Record<string, string> = { my: "your", me: "you", mine: "yours", myself: "yourself" };

const toSecondPerson = (text: string): string =>
  text.replace(/\b(?:my|me|mine|myself)\b/g, (word) => secondPerson[word] ?? word);
