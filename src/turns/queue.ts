import type { Clock } from "../domain/clock.ts";
import { LONGEST_WAIT_MS } from "../domain/failure.ts";
import { newFrameToken, newTurnId, type Folder, type TurnId } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import type { Store } from "../store/store.ts";
import type { Waiting } from "../store/turns.ts";

export interface Claim {
  turn: TurnId;
  attempt: number;
}

export interface QueueOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Turns at once, over all groups. */
  limit: number;
  /** Somebody may have work. */
  wake: WakeUp;
  /** Sees an attempt through until its process or container is gone. Never rejects. */
  run(claim: Claim): Promise<void>;
}

export interface Queue {
  start(): void;
  /** A turn that an earlier host began: its folder is busy until `done`. */
  occupy(folder: Folder, done: Promise<void>): void;
  running(): number;
  /** Resolves when nothing of that folder runs; at once when nothing does. */
  idle(folder: Folder): Promise<void>;
  /** Takes no new work; resolves when every running turn has ended. May be repeated. */
  drain(): Promise<void>;
}

/** A net below the wake-ups, and how fast a jump of the clock is noticed. */
const POLL_MS = 1_000;

/**
 * Gives free slots to whoever waited longest, one turn per folder. The ledger is the line: a crash
 * loses nobody's place.
 */
export function createQueue({ store, clock, log, limit, wake, run }: QueueOptions): Queue {
  const busy = new Map<Folder, Promise<void>>();
  const stopping = new AbortController();
  let loop: Promise<void> | undefined;

  const occupy = (folder: Folder, done: Promise<void>) => {
    const freed = done.finally(() => {
      // Meanwhile somebody else may have taken it over.
      if (busy.get(folder) === freed) busy.delete(folder);
      wake.now();
    });
    busy.set(folder, freed);
  };

  const claimNext = (): { claim: Claim; folder: Folder } | undefined =>
    store.transaction(() => {
      const now = clock.now();
      const next = store.turns.waiting(now).find(({ folder }) => !busy.has(folder));
      if (!next) return undefined;
      const turn = next.turn ?? beginTurn(store, next, now);
      store.turns.setRunning(turn);
      return {
        claim: { turn, attempt: store.turns.startAttempt(turn, newFrameToken(), now) },
        folder: next.folder,
      };
    });

  const fill = () => {
    while (busy.size < limit && !stopping.signal.aborted) {
      const claimed = claimNext();
      if (!claimed) return;
      occupy(claimed.folder, run(claimed.claim));
    }
  };

  const work = async () => {
    while (!stopping.signal.aborted) {
      const now = clock.now();
      try {
        undoClockJump(store, now);
        fill();
      } catch (error) {
        log.error({ error: (error as Error).message }, "Cannot claim a turn, trying again");
      }
      await clock.sleep(nap(store, clock, now), AbortSignal.any([stopping.signal, wake.next()]));
    }
  };

  return {
    start: () => {
      loop ??= work();
    },
    occupy,
    running: () => busy.size,
    idle: async (folder) => {
      while (busy.has(folder)) await busy.get(folder)?.catch(() => {});
    },
    drain: async () => {
      stopping.abort();
      await loop;
      await Promise.allSettled(busy.values());
    },
  };
}

/** A due time further off than any wait we give comes from a clock that jumped back: look now. */
function undoClockJump(store: Store, now: number): void {
  if (store.turns.nextDue(now + LONGEST_WAIT_MS) !== undefined) store.turns.pullIn(now, LONGEST_WAIT_MS);
}

function beginTurn(store: Store, waiting: Waiting, now: number): TurnId {
  const id = newTurnId();
  const { folder, chat, queueSeq } = waiting;
  const fixed = { kind: "message", taskId: null, taskDueAt: null, status: "running" } as const;
  store.turns.add({ id, folder, chat, queueSeq, dueAt: now, now, ...fixed });
  return id;
}

/** What was due before `seen` waits for a slot or its folder, and these wake the loop. */
function nap(store: Store, clock: Clock, seen: number): number {
  try {
    const due = store.turns.nextDue(seen);
    return Math.max(10, Math.min(POLL_MS, due === undefined ? POLL_MS : due - clock.now()));
  } catch {
    return POLL_MS; // the database is busy; the next pass says so
  }
}
