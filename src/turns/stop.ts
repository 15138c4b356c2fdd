import type { Clock } from "../domain/clock.ts";
import { newTurnId, type Folder, type Jid, type TurnId } from "../domain/ids.ts";
import type { Store } from "../store/store.ts";
import type { Turn } from "../store/turns.ts";
import { settleStopped, STOPPED_AND_TOLD } from "./settle.ts";
import type { TurnRunner } from "./turn.ts";

export interface StopWhere {
  folder: Folder;
  /** Null: all of the group's. */
  chat: Jid | null;
  /** The chat that hears of it from whoever asked; the others are told when it is done. */
  answeredIn: Jid | null;
}

export interface Stopping {
  /** To be ended now. The ledger remembers it: a host that dies before ends them when it is back. */
  running: readonly TurnId[];
  /** Turns and chats with messages that waited; they are over. */
  waiting: number;
}

/**
 * Writes down that a person wants the end of what runs and of what waits, up to the newest message;
 * what comes later is answered as ever. Nothing of a turn goes out after this.
 */
export function askStop(store: Store, { folder, chat, answeredIn }: StopWhere, now: number): Stopping {
  const reasonFor = (turn: Pick<Turn, "chat">) => (turn.chat === answeredIn ? STOPPED_AND_TOLD : "stopped");
  return store.transaction(() => {
    const waitingChats = store.groups
      .chatsOf(folder)
      .map(({ jid }) => jid)
      .filter((jid) => (chat === null || jid === chat) && hasWaiting(store, jid));
    for (const jid of waitingChats) queueTurn(store, folder, jid, now);
    const open = store.turns.openIn(folder).filter((turn) => chat === null || turn.chat === chat);
    const [queued, running] = [open.filter(isQueued), open.filter((turn) => !isQueued(turn))];
    for (const turn of open) {
      store.turns.askStop(turn.id, reasonFor(turn));
      store.outbox.dropUnsent(turn.id);
    }
    for (const turn of running) takeAll(store, turn);
    for (const turn of queued) settleStopped({ store, turn, attempt: 0, now });
    // Runs that were missed while the host was down stand in line as well.
    const missed = store.tasks.dropWaitingIn(folder, chat, "stopped");
    return { running: running.map(({ id }) => id), waiting: queued.length + missed };
  });
}

const isQueued = ({ status }: Turn): boolean => status === "queued";

/** Messages that no turn has taken in hand yet. */
function hasWaiting(store: Store, chat: Jid): boolean {
  if (store.turns.openMessageTurn(chat)) return false;
  return store.messages.newestCall(chat, store.turns.answeredSeq(chat), store.messages.newestIn(chat)) !== undefined;
}

/** So that `why` finds what became of them. */
function queueTurn(store: Store, folder: Folder, chat: Jid, now: number): void {
  const queueSeq = store.messages.newestSeq();
  const fixed = { kind: "message", taskId: null, taskDueAt: null, status: "queued" } as const;
  store.turns.add({ id: newTurnId(), folder, chat, queueSeq, dueAt: now, now, ...fixed });
}

/** What waits behind a running turn ends with it; what comes while it ends must not. */
function takeAll(store: Store, turn: Turn): void {
  if (turn.kind !== "message") return;
  const fromSeq = turn.fromSeq ?? store.turns.answeredSeq(turn.chat) + 1;
  store.turns.fixRange(turn.id, fromSeq, Math.max(turn.toSeq ?? 0, store.messages.newestIn(turn.chat)));
}

export interface StopGroupOptions {
  store: Store;
  clock: Clock;
  end: TurnRunner["end"];
  /** Notices were written. */
  onOutbox(): void;
}

/** Ends what runs and what waits in a group, because a person asked for it; returns how many turns. */
export function stopGroup({ store, clock, end, onOutbox }: StopGroupOptions, folder: Folder): number {
  const { running, waiting } = askStop(store, { folder, chat: null, answeredIn: null }, clock.now());
  for (const turn of running) end(turn, "stopped");
  onOutbox();
  return running.length + waiting;
}

export interface EndTurnsOptions {
  store: Store;
  clock: Clock;
  /** Milliseconds in all. */
  budget: number;
  drain(): Promise<void>;
  end: TurnRunner["end"];
}

/** What TERM, KILL and the last entries of the ledger may take of the budget. */
const LONGEST_LAST_PART_MS = 7_000;

/**
 * The host stops: running turns may finish until the budget is nearly used, then they are cut off
 * and go on at the next start.
 */
export async function endTurns({ store, clock, budget, drain, end }: EndTurnsOptions): Promise<void> {
  const drained = new AbortController();
  const draining = drain().finally(() => drained.abort());
  const lastPart = Math.min(LONGEST_LAST_PART_MS, budget / 2);
  await clock.sleep(budget - lastPart, drained.signal);
  if (!drained.signal.aborted) for (const { id } of store.turns.running()) end(id, "shutdown");
  await Promise.race([draining, clock.sleep(lastPart, drained.signal)]);
}
