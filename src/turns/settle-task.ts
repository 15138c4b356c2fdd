import { newMessageId } from "../domain/ids.ts";
import { isStale, STALE } from "../domain/missed.ts";
import { piecesFor } from "../domain/outgoing.ts";
import type { Task } from "../domain/task.ts";
import { aboutRun, lateNote, notDoneNotice } from "../domain/task-notice.ts";
import type { OutboxRow } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";
import type { Turn } from "../store/turns.ts";

export interface RunEnd {
  status: "success" | "error" | "skipped" | "cancelled";
  result: string | null;
  error: string | null;
}

/** The part of a turn's end that concerns its task: the run log, and what becomes of a one-time task. */
export function endTaskRun(store: Store, turn: Turn, end: RunEnd, now: number): void {
  const task = turn.taskId === null ? undefined : store.tasks.find(turn.taskId);
  if (!task) return;
  const wasStopped = (store.turns.find(turn.id)?.stopReason ?? null) !== null;
  const wasDropped = end.status === "cancelled" && !wasStopped && task.status === "active";
  const stale = wasDropped && isStaleRun(task, turn, now);
  store.tasks.logEnded(task.id, turn.id, stale ? { status: "skipped", result: null, error: STALE } : end, now);
  // A new time that it was given meanwhile stands, also when it has come already.
  if (task.schedule.type !== "once" || task.nextRun !== null || store.tasks.waitingCount(task.id) > 0) return;
  if (stale) giveUpStale(store, task, turn, now);
  else if (task.status === "paused" && end.status === "cancelled") store.tasks.setNextRun(task.id, turn.taskDueAt);
  else if (task.status === "active" || task.status === "paused") store.tasks.setStatus(task.id, endOfOnce[end.status]);
}

const endOfOnce = { success: "completed", error: "failed", skipped: "failed", cancelled: "cancelled" } as const;

/** Too long ago by the time its turn came. */
export const isStaleRun = ({ staleAfter }: Task, { taskDueAt }: Turn, now: number): boolean =>
  taskDueAt !== null && isStale(staleAfter, taskDueAt, now);

function giveUpStale(store: Store, task: Task, turn: Turn, now: number): void {
  store.tasks.giveUp(task.id, STALE);
  for (const text of piecesFor(turn.chat, notDoneNotice(task, turn.taskDueAt ?? now, now, "it had to wait"))) {
    store.outbox.add({
      ...{ chat: turn.chat, folder: turn.folder, messageId: newMessageId(), text, source: "notice" },
      ...{ turn: turn.id, task: task.id, requestKey: null, now },
    });
  }
}

/** The lateness of a run that began at `begunAt`, as the chat is told it; null when there is nothing to tell. */
export function latenessOf(store: Store, turn: Turn, begunAt: number): string | null {
  const task = turn.taskId === null ? undefined : store.tasks.find(turn.taskId);
  if (!task || turn.taskDueAt === null) return null;
  return lateNote({ dueAt: turn.taskDueAt, queuedAt: turn.createdAt, begunAt }, task.schedule.zone);
}

/** A sentence of the host's own about this run. */
export function aboutTurn(store: Store, turn: Turn, sentence: string, now: number): string {
  const task = turn.taskId === null ? undefined : store.tasks.find(turn.taskId);
  return task ? aboutRun(task, turn.taskDueAt ?? now, now, sentence) : sentence;
}

/**
 * What is still to be said at the end: not what the agent has said in this chat with `send_message`
 * already (D44), and before it how late the run is.
 */
export function lastWords(store: Store, turn: Turn, text: string): string {
  const said = store.outbox.ofTurn(turn.id).filter((row) => row.source === "send_message" && row.chat === turn.chat);
  const rest = wasSaid(said, piecesFor(turn.chat, text)) ? "" : text;
  const begunAt = store.turns.firstInputAt(turn.id) ?? turn.createdAt;
  const note = rest === "" && said.length === 0 ? null : latenessOf(store, turn, begunAt);
  return [note, rest].filter((part) => part !== null && part !== "").join("\n\n");
}

/** A long text became several messages, both ways. */
function wasSaid(said: readonly OutboxRow[], pieces: readonly string[]): boolean {
  const texts = said.filter(({ file, status }) => !file && status !== "failed").map(({ text }) => text);
  return texts.some((_, at) => pieces.every((piece, offset) => texts[at + offset] === piece));
}
