import { isHeld } from "../domain/group.ts";
import type { Folder, Jid } from "../domain/ids.ts";
import { scheduleWords } from "../domain/schedule-words.ts";
import { taskView } from "../domain/task.ts";
import { lastRetention } from "../store/retention-report.ts";
import { LINKED_ACCOUNT } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import type { Turn } from "../store/turns.ts";

/** What the ledger knows of what runs, waits, comes next and failed. Times are epoch milliseconds. */
export type LedgerStatus = ReturnType<typeof ledgerStatus>;

const NEXT_TASKS = 5;
const LAST_FAILURES = 3;

export function ledgerStatus(store: Store, now: number) {
  return {
    now,
    kiroSeen: store.settings.get("kiro-login-seen") === "true",
    groups: groupsOf(store),
    runningTurns: store.turns.running().map((turn) => ({
      ...{ ...named(turn), attempts: turn.attempts, createdAt: turn.createdAt },
      startedAt: store.turns.attempt(turn.id, turn.attempts)?.startedAt ?? turn.createdAt,
    })),
    waitingTurns: store.turns.queued().map((turn) => ({
      ...{ ...named(turn), attempts: turn.attempts, dueAt: turn.dueAt },
      ...{ failureClass: turn.failureClass, failureDetail: turn.failureDetail },
    })),
    /** Chats with messages that no turn has taken up yet. */
    inLine: store.turns
      .waiting(now)
      .filter(({ turn }) => turn === null)
      .map(({ folder, chat }) => ({ folder, chat })),
    unsent: store.outbox.pendingCount(),
    unsentChats: store.outbox.pendingChats(),
    nextTasks: store.tasks.open(null, NEXT_TASKS).map((task) => ({
      ...{ ...taskView(task), words: scheduleWords(task.schedule), nextRunAt: task.nextRun },
    })),
    lastFailures: store.turns.lastFailed(LAST_FAILURES).map((turn) => ({
      ...{ ...named(turn), status: turn.status, endedAt: turn.endedAt },
      ...{ failureClass: turn.failureClass, failureDetail: turn.failureDetail },
    })),
    /** When what is too old was looked for, and what was removed; null: not yet. */
    retention: lastRetention(store.settings) ?? null,
  };
}

const named = ({ id, folder, chat, kind }: Turn) => ({ id, folder, chat, kind });

interface GroupStatus {
  folder: Folder;
  name: string;
  agent: string | null;
  /** `held`: registered for another account; nothing is answered there. */
  chats: { jid: Jid; name: string; account: string | null; held: boolean }[];
}

function groupsOf(store: Store): GroupStatus[] {
  const linked = store.settings.get(LINKED_ACCOUNT);
  return store.groups.list().map(({ folder, name, settings }) => ({
    ...{ folder, name, agent: settings.agent ?? null },
    chats: store.groups
      .chatsOf(folder)
      .map((chat) => ({ jid: chat.jid, name: chat.name, account: chat.account, held: isHeld(chat, linked) })),
  }));
}
