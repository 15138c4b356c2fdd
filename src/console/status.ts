import type { Scope } from "../domain/console.ts";
import type { StatusFacts, TaskLine, Waiting } from "../domain/console-words.ts";
import type { RegisteredChat } from "../domain/group.ts";
import { MAIN } from "../domain/ids.ts";
import type { Task } from "../domain/task.ts";
import type { Store } from "../store/store.ts";

/** What an answer may tell of: everything, one group, or one chat. */
export interface View {
  store: Store;
  chat: RegisteredChat;
  scope: Scope;
  now: number;
}

type Affairs = Pick<StatusFacts, "running" | "waiting" | "tasks" | "unsent" | "lastFailure">;

export function affairsOf(view: View): Affairs {
  const { store, scope } = view;
  const failed = store.turns.lastFailed(LATEST_FAILURES).find((turn) => isSeen(view, turn));
  const detail = failed?.failureDetail && scope !== "chat" ? `: ${failed.failureDetail}` : "";
  return {
    running: store.turns
      .running()
      .filter((turn) => isSeen(view, turn))
      .map((turn) => ({ where: whereOf(view, turn), kind: turn.kind, since: turn.createdAt })),
    waiting: waitingIn(view),
    tasks: tasksIn(view),
    unsent: scope === "host" ? store.outbox.pendingCount() : 0,
    lastFailure: failed && {
      where: whereOf(view, failed),
      what: `${failed.failureClass ?? failed.status}${detail}`,
      at: failed.endedAt ?? failed.createdAt,
    },
  };
}

/** Of a chat that failed longer ago than that, others have failed often since. */
const LATEST_FAILURES = 200;

function waitingIn(view: View): Waiting[] {
  const { store, scope, now } = view;
  const retries = store.turns
    .queued()
    .filter((turn) => isSeen(view, turn) && turn.attempts > 0)
    .map((turn) => ({
      where: whereOf(view, turn),
      dueAt: turn.dueAt,
      // The whole reason is the owner's affair.
      reason:
        turn.failureClass && scope !== "chat" ? `${turn.failureClass}: ${turn.failureDetail ?? ""}` : turn.failureClass,
    }));
  const inLine = store.turns
    .waiting(now)
    .filter((one) => isSeen(view, one) && !hasFailed(store, one.turn))
    .map((one) => ({ where: whereOf(view, one), dueAt: null, reason: null }));
  return [...inLine, ...retries];
}

const hasFailed = (store: Store, turn: string | null): boolean =>
  turn !== null && (store.turns.find(turn)?.attempts ?? 0) > 0;

/** More than any answer shows. */
const MOST_TASKS = 1_000;

export function tasksIn(view: View): TaskLine[] {
  const { store, chat, scope } = view;
  return store.tasks
    .open(scope === "host" ? null : chat.folder, MOST_TASKS)
    .filter((task) => isSeen(view, task))
    .map((task) => lineOf(task, whereOf(view, task)));
}

const lineOf = ({ id, nextRun, status, schedule, prompt }: Task, where: string | null): TaskLine => ({
  ...{ where, id, nextRun, prompt },
  paused: status === "paused",
  repeats: schedule.type !== "once",
});

type Placed = Pick<RegisteredChat, "folder"> & { chat: RegisteredChat["jid"] };

function isSeen({ chat, scope }: View, of: Placed): boolean {
  if (scope === "host") return true;
  return scope === "group" ? of.folder === chat.folder : of.chat === chat.jid;
}

/** Others than the group that asks are named. */
const whereOf = ({ scope, store }: View, { folder }: Placed): string | null =>
  scope === "host" && folder !== MAIN ? (store.groups.find(folder)?.name ?? folder) : null;
