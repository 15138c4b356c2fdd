import type { Request, ToolArguments } from "@nanoclaw/agent-runner/protocol";
import { cancelTask, changeTask, makeTask, pauseTask, resumeTask } from "../domain/change-task.ts";
import type { Folder, Parsed, TurnId } from "../domain/ids.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import { judge, scopeOf, type Action } from "../domain/rights.ts";
import { taskView, type Task } from "../domain/task.ts";
import { dropRuns } from "../store/drop-runs.ts";
import type { Store } from "../store/store.ts";
import { folderOf, placeOf, Refusal, type Call, type ExecuteOptions } from "./call.ts";

/** What `list_tasks` shows at most, and how much of each prompt, so that a response stays small. */
const MOST_TASKS = 100;
const LISTED_PROMPT = 1_000;

export function listTasks({ options, caller }: Call) {
  const tasks = options.store.tasks.open(scopeOf(caller), MOST_TASKS);
  return { tasks: tasks.map((task) => taskView({ ...task, prompt: cutAtCharacter(task.prompt, LISTED_PROMPT) })) };
}

export function scheduleTask(call: Call, wishes: ToolArguments<"schedule_task">) {
  const { options, turn, chat, now } = call;
  const folder = folderOf(call);
  const zone = zoneOf(options, folder);
  const open = options.store.tasks.openCount(folder);
  const task = orRefuse(makeTask({ wishes, folder, chat, zone, turn: turn.id, askedAt: askedAt(call), now, open }));
  options.store.tasks.add(task);
  return taskView(task);
}

export function updateTask(call: Call, { task_id, ...wishes }: ToolArguments<"update_task">) {
  const { store } = call.options;
  const { task, rescheduled } = orRefuse(
    changeTask(taskNamed(call, task_id, "update_task"), wishes, askedAt(call), call.now),
  );
  store.tasks.update(task);
  if (rescheduled) dropRuns(store, task.id, "its schedule was changed", call.now);
  return taskView(task);
}

export function pauseTaskNow(call: Call, { task_id }: ToolArguments<"pause_task">) {
  return keep(call, orRefuse(pauseTask(taskNamed(call, task_id, "pause_task"))), "it was paused");
}

export function resumeTaskNow(call: Call, { task_id }: ToolArguments<"resume_task">) {
  return keep(call, orRefuse(resumeTask(taskNamed(call, task_id, "resume_task"), call.now)), null);
}

export function cancelTaskNow(call: Call, { task_id }: ToolArguments<"cancel_task">) {
  return keep(call, orRefuse(cancelTask(taskNamed(call, task_id, "cancel_task"))), "it was cancelled");
}

/** @param dropped why runs that wait to begin do not; null: they do. */
function keep({ options: { store }, now }: Call, task: Task, dropped: string | null) {
  store.tasks.update(task);
  if (dropped !== null) dropRuns(store, task.id, dropped, now);
  return taskView(task);
}

/** Another group's task is not told from one that is not there. */
function taskNamed({ options: { store }, caller }: Call, id: string, action: Action): Task {
  const task = store.tasks.find(id);
  if (task) {
    const chat = { ...placeOf(store, task.chat), folder: task.folder };
    if (judge({ actor: { kind: "agent", folder: caller }, action, chat }).allowed) return task;
  }
  throw new Refusal(`there is no task ${id} in this group; list_tasks shows what there is`);
}

function orRefuse<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new Refusal(parsed.problem);
}

/**
 * The time that the agent was told. "In one second" may be past when a slow agent asks for it, and
 * is then due at once.
 */
const askedAt = ({ options: { store }, request, now }: Call): number => Math.min(now, inputAt(store, request) ?? now);

const inputAt = (store: Store, { turn, attempt }: Request) => store.turns.attempt(turn as TurnId, attempt)?.inputAt;

export const zoneOf = ({ store, zone }: ExecuteOptions, folder: Folder): string =>
  store.groups.find(folder)?.settings.zone ?? zone;
