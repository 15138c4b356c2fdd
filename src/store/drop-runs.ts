import type { TaskId } from "../domain/ids.ts";
import type { Tasks } from "./tasks.ts";
import type { Turns } from "./turns.ts";

/** Runs of a task that wait to begin will not; one that has begun goes on. Needs a transaction. */
export function dropRuns(store: { tasks: Tasks; turns: Turns }, task: TaskId, reason: string, now: number): void {
  store.turns.endQueuedTask(task, now);
  store.tasks.dropWaiting(task, reason);
}
