import { DateTime } from "luxon";
import { newTaskId, type Folder, type TaskId } from "../domain/ids.ts";
import { cleanText } from "../domain/message.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import { firstRun, type Schedule } from "../domain/schedule.ts";
import type { Task, TaskStatus } from "../domain/task.ts";
import type { ForkRun, ForkTask } from "../store/fork-database.ts";
import type { TaskRun } from "../store/tasks.ts";
import type { PlannedGroup } from "./plan-groups.ts";
import { readTime } from "./read-time.ts";

export interface TaskFacts {
  tasks: readonly ForkTask[];
  groups: readonly PlannedGroup[];
  /** The old system counted in the machine's own zone. */
  zone: string;
  now: number;
}

export interface TaskPlan {
  tasks: Task[];
  /** By the old id: some had none. */
  ids: ReadonlyMap<string, TaskId>;
  /** Did not come along, with the reason. */
  left: string[];
  notes: string[];
}

export function planTasks({ tasks, groups, zone, now }: TaskFacts): TaskPlan {
  const plan = { tasks: [] as Task[], ids: new Map<string, TaskId>(), left: [] as string[], notes: [] as string[] };
  for (const row of tasks) {
    const group = groups.find(({ from }) => from === row.folder);
    if (!group) {
      plan.left.push(`${named(row)}: its group ${JSON.stringify(row.folder)} is not there any more.`);
      continue;
    }
    const type = readType(row.scheduleType);
    if (!type) {
      plan.left.push(`${named(row)}: its schedule is of an unknown kind (${String(row.scheduleType)}).`);
      continue;
    }
    const { task, problems } = planTask(row, type, group, zone, now);
    plan.tasks.push(task);
    if (row.id !== null) plan.ids.set(row.id, task.id);
    for (const problem of problems) plan.notes.push(`${named(row)}: ${problem}`);
  }
  return plan;
}

const RESUME = "to go on: nanoclaw tasks resume";

interface Planned {
  task: Task;
  problems: string[];
}

function planTask(row: ForkTask, type: Schedule["type"], group: PlannedGroup, zone: string, now: number): Planned {
  const problems: string[] = [];
  const { chat, isItsOwn } = chatOf(row, group);
  const timing = planTiming(row, type, zone, now);
  let status = readStatus(row.status);
  const isOpen = status === "active" || status === "paused";
  const pause = (problem: string, cure: string) => {
    problems.push(`${problem} It is paused; ${cure} ${row.id ?? ""}`);
    status = "paused";
  };
  if (isOpen && timing.problem !== undefined) pause(timing.problem, "give it another time: nanoclaw tasks update");
  if (isOpen && !isItsOwn)
    pause(`it was for ${String(row.chat)}, which is not this group's chat; here it is for ${chat}.`, RESUME);
  if (row.status !== null && !known.has(row.status)) pause(`its state "${row.status}" is not known.`, RESUME);
  const task: Task = {
    ...{ id: (row.id === null ? newTaskId() : row.id) as TaskId, folder: group.folder, chat, status },
    prompt: cleanText(row.prompt ?? ""),
    schedule: { type, value: timing.value, zone },
    contextMode: row.contextMode === "group" ? "group" : "isolated",
    ...{ missed: "latest", staleAfter: null, createdTurn: null },
    nextRun: isOpen ? timing.nextRun : null,
    lastRun: readTime(row.lastRun) ?? null,
    lastResult: row.lastResult === null ? null : cutAtCharacter(cleanText(row.lastResult), 2_000),
    createdAt: readTime(row.createdAt) ?? now,
  };
  return { task, problems };
}

function chatOf(row: ForkTask, { folder, chats }: PlannedGroup) {
  const own = chats.find(({ jid }) => jid === row.chat);
  const chat = own ?? chats[0];
  return { chat: chat?.jid ?? localOf(folder), isItsOwn: own !== undefined };
}

const localOf = (folder: Folder) => `local:${folder}` as Task["chat"];

interface Timing {
  value: string;
  nextRun: number | null;
  /** Why it cannot run as it stands. */
  problem?: string;
}

/** The time that the old system had planned stays; where it had none, one is found. */
function planTiming(row: ForkTask, type: Schedule["type"], zone: string, now: number): Timing {
  const given = cleanText(row.scheduleValue ?? "").trim();
  const planned = readTime(row.nextRun);
  if (type === "once") return planOnce(given, planned, zone, now);
  const first = firstRun({ type, value: given, zone }, now);
  if (!first.ok) return { value: given, nextRun: null, problem: first.problem };
  const isTooFar = planned !== undefined && type === "interval" && planned > now + Number(given);
  return { value: given, nextRun: planned === undefined || isTooFar ? first.value : planned };
}

/** One whose time passed while nothing ran is made up for, as the old system did. */
function planOnce(given: string, planned: number | undefined, zone: string, now: number): Timing {
  const own = DateTime.fromISO(given, { zone });
  const at = planned ?? (own.isValid && own.toMillis() > now ? own.toMillis() : undefined);
  if (at === undefined)
    return { value: given, nextRun: null, problem: `its time ${JSON.stringify(given)} is over or unreadable.` };
  const value = own.isValid ? given : (DateTime.fromMillis(at, { zone }).toISO({ includeOffset: false }) ?? given);
  return { value, nextRun: at };
}

const types: readonly Schedule["type"][] = ["cron", "interval", "once"];
const readType = (text: string | null) => types.find((type) => type === text);

const known = new Map<string, TaskStatus>([
  ["active", "active"],
  ["paused", "paused"],
  ["completed", "completed"],
  ["cancelled", "cancelled"],
  ["failed", "failed"],
]);
const readStatus = (text: string | null): TaskStatus => known.get(text ?? "active") ?? "paused";

const named = ({ id, prompt }: ForkTask): string =>
  `Task ${id ?? "without an id"} ("${cutAtCharacter(cleanText(prompt ?? ""), 60)}")`;

/** A run of the old system as our log has it. */
export function planRun(run: ForkRun): TaskRun | undefined {
  const runAt = readTime(run.runAt);
  if (runAt === undefined) return undefined;
  const duration = Number(run.durationMs);
  return {
    ...{ dueAt: runAt, runAt, status: run.status === "success" ? "success" : "error" },
    durationMs: Number.isFinite(duration) && duration >= 0 ? Math.round(duration) : null,
    result: run.result === null ? null : cleanText(run.result),
    error: run.error === null ? null : cleanText(run.error),
  };
}
