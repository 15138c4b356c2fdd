import { newMessageId, newTurnId } from "../domain/ids.ts";
import { isOnTime, MOST_CATCH_UP, planDue, STALE } from "../domain/missed.ts";
import { piecesFor } from "../domain/outgoing.ts";
import type { Task } from "../domain/task.ts";
import { notDoneNotice } from "../domain/task-notice.ts";
import type { Store } from "../store/store.ts";
import type { WaitingRun } from "../store/tasks.ts";

/**
 * A task is due: its next run is fixed, and what becomes of this one and of those that were missed,
 * in the caller's transaction.
 * @returns whether a turn was queued.
 */
export function claimTask(store: Store, task: Task, now: number): boolean {
  const due = task.nextRun ?? now;
  if (store.groups.chat(task.chat)?.folder !== task.folder) return endOrphan(store, task, due);
  const { run, passed, next } = planDue(task, due, now);
  store.tasks.setNextRun(task.id, next);
  for (const { dueAt, reason } of passed) store.tasks.logSkipped(task.id, dueAt, reason);
  const [first, ...others] = run;
  if (first === undefined) {
    if (task.schedule.type === "once") giveUp(store, task, due, now);
    return false;
  }
  if (store.turns.openTaskTurn(task.id)) {
    // A one-time task has no next time: it was given this one while the run before was not over.
    const waits = task.schedule.type === "once" || (task.missed === "all" && !isOnTime(first, now));
    if (waits) addWaiting(store, task, run);
    else store.tasks.logSkipped(task.id, first, "the run before was not over yet");
    return false;
  }
  store.tasks.logQueued(task.id, queueTurn(store, task, first, now), first);
  addWaiting(store, task, others);
  return true;
}

/** A missed run whose turn has come, the ones before it being over. */
export function claimWaiting(store: Store, { id, task: taskId, dueAt }: WaitingRun, now: number): void {
  const task = store.tasks.find(taskId);
  if (task) store.tasks.logBegun(id, queueTurn(store, task, dueAt, now));
}

/** Nobody is left to do it for, or to tell. */
function endOrphan(store: Store, task: Task, due: number): boolean {
  store.tasks.cancel(task.id);
  store.tasks.logSkipped(task.id, due, "its chat is not registered for its group any more; the task was cancelled");
  return false;
}

/** Restarts in a row must not heap up more than one of them may. */
function addWaiting(store: Store, task: Task, dues: readonly number[]): void {
  const room = Math.max(0, MOST_CATCH_UP - store.tasks.waitingCount(task.id));
  for (const due of room === 0 ? [] : dues.slice(-room)) store.tasks.logWaiting(task.id, due);
}

/** It would have run once, and does not: whoever counts on it must know. */
function giveUp(store: Store, task: Task, due: number, now: number): void {
  const reason = task.missed === "skip" ? "missed while the host was not running" : STALE;
  store.tasks.giveUp(task.id, reason);
  for (const text of piecesFor(task.chat, notDoneNotice(task, due, now, "I was not running"))) {
    store.outbox.add({
      ...{ chat: task.chat, folder: task.folder, messageId: newMessageId(), text, source: "notice" },
      ...{ turn: null, task: task.id, requestKey: null, now },
    });
  }
}

function queueTurn(store: Store, task: Task, dueAt: number, now: number) {
  const id = newTurnId();
  store.turns.add({
    id,
    folder: task.folder,
    chat: task.chat,
    kind: "task",
    taskId: task.id,
    taskDueAt: dueAt,
    status: "queued",
    queueSeq: store.messages.newestSeq(),
    dueAt: now,
    now,
  });
  return id;
}
