import type { ScheduleType } from "@nanoclaw/agent-runner/protocol";
import { newTaskId, type Folder, type Jid, type Parsed, type TurnId } from "./ids.ts";
import type { MissedPolicy } from "./missed.ts";
import { firstRun, knownZone, nextRun, type Schedule } from "./schedule.ts";
import type { Task } from "./task.ts";

/** As the tools and the control API name them. */
export interface TaskWishes {
  prompt?: string | undefined;
  schedule_type?: ScheduleType | undefined;
  schedule_value?: string | undefined;
  zone?: string | undefined;
  context_mode?: Task["contextMode"] | undefined;
  missed?: MissedPolicy | undefined;
  stale_after?: number | null | undefined;
}

export interface NewTaskFacts {
  wishes: TaskWishes & { prompt: string; schedule_type: ScheduleType; schedule_value: string };
  folder: Folder;
  chat: Jid;
  /** The zone where none is named. */
  zone: string;
  turn: TurnId | null;
  /** "In one second" counts from here. */
  askedAt: number;
  now: number;
  /** How many tasks of the group may still run. */
  open: number;
}

/** More than that is a loop that makes tasks. */
export const MOST_OPEN_TASKS = 500;

export function makeTask({ wishes, folder, chat, zone, turn, askedAt, now, open }: NewTaskFacts): Parsed<Task> {
  if (open >= MOST_OPEN_TASKS) {
    return refuse(
      `the group "${folder}" has ${open} tasks that are active or paused, and more than ${MOST_OPEN_TASKS} are not possible; cancel what is not needed any more first (cancel_task, or tasks cancel)`,
    );
  }
  const schedule = { type: wishes.schedule_type, value: wishes.schedule_value, zone: wishes.zone ?? zone };
  const first = firstRun(schedule, schedule.type === "once" ? askedAt : now);
  if (!first.ok) return first;
  const task: Task = {
    id: newTaskId(),
    folder,
    chat,
    prompt: wishes.prompt,
    schedule,
    contextMode: wishes.context_mode ?? "group",
    missed: wishes.missed ?? "latest",
    staleAfter: wishes.stale_after ?? null,
    status: "active",
    nextRun: first.value,
    lastRun: null,
    lastResult: null,
    createdAt: now,
    createdTurn: turn,
  };
  return { ok: true, value: task };
}

export interface ChangedTask {
  task: Task;
  /** Runs of the old schedule that have not begun are not wanted any more. */
  rescheduled: boolean;
}

/** What is not named stays; a new schedule begins to count now. */
export function changeTask(task: Task, wishes: TaskWishes, askedAt: number, now: number): Parsed<ChangedTask> {
  if (!isOpen(task)) return over(task);
  if (Object.values(wishes).every((wish) => wish === undefined)) return refuse("name at least one thing to change");
  const schedule = newSchedule(task.schedule, wishes);
  if (!schedule.ok) return schedule;
  const changed: Task = {
    ...task,
    prompt: wishes.prompt ?? task.prompt,
    schedule: schedule.value,
    contextMode: wishes.context_mode ?? task.contextMode,
    missed: wishes.missed ?? task.missed,
    staleAfter: wishes.stale_after === undefined ? task.staleAfter : wishes.stale_after,
  };
  if (isSame(task.schedule, schedule.value)) return { ok: true, value: { task: changed, rescheduled: false } };
  const first = firstRun(schedule.value, schedule.value.type === "once" ? askedAt : now);
  return first.ok ? { ok: true, value: { task: { ...changed, nextRun: first.value }, rescheduled: true } } : first;
}

export function pauseTask(task: Task): Parsed<Task> {
  if (task.status === "paused") return refuse(`task ${task.id} is paused already`);
  return isOpen(task) ? { ok: true, value: { ...task, status: "paused" } } : over(task);
}

/** What fell into the pause was not wanted: the next run is the first one after now. */
export function resumeTask(task: Task, now: number): Parsed<Task> {
  if (task.status === "active") return refuse(`task ${task.id} is not paused`);
  if (!isOpen(task)) return over(task);
  const next = nextAfterPause(task, now);
  if (next === null) {
    return refuse(
      `the time of task ${task.id} (${task.schedule.value}, ${task.schedule.zone}) passed while it was paused; give it a new one first (update_task, or tasks update)`,
    );
  }
  return { ok: true, value: { ...task, status: "active", nextRun: next } };
}

export function cancelTask(task: Task): Parsed<Task> {
  if (!isOpen(task)) return refuse(`task ${task.id} is ${task.status} already`);
  return { ok: true, value: { ...task, status: "cancelled", nextRun: null } };
}

/** An interval keeps its grid. */
function nextAfterPause({ schedule, nextRun: planned }: Task, now: number): number | null {
  if (schedule.type === "interval" && planned !== null) {
    return planned > now ? planned : nextRun(schedule, planned, now);
  }
  const first = firstRun(schedule, now);
  return first.ok ? first.value : null;
}

function newSchedule(old: Schedule, wishes: TaskWishes): Parsed<Schedule> {
  const { schedule_type: type = old.type, schedule_value: value = old.value, zone = old.zone } = wishes;
  if (type !== old.type && wishes.schedule_value === undefined) {
    return refuse(`a change to schedule_type "${type}" needs its schedule_value, too`);
  }
  const known = knownZone(zone);
  return known.ok ? { ok: true, value: { type, value, zone } } : known;
}

/** An interval has no use for its zone. */
const isSame = (old: Schedule, wanted: Schedule): boolean =>
  old.type === wanted.type && old.value === wanted.value && (old.type === "interval" || old.zone === wanted.zone);

const isOpen = ({ status }: Task): boolean => status === "active" || status === "paused";

const over = ({ id, status }: Task): Parsed<never> =>
  refuse(`task ${id} is ${status} already and cannot be changed; make a new one`);

const refuse = (problem: string): Parsed<never> => ({ ok: false, problem });
