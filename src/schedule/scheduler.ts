import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { afterClockJump } from "../domain/schedule.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import type { Store } from "../store/store.ts";
import { claimTask, claimWaiting } from "./claim-task.ts";

export interface SchedulerOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** A task was added or changed: the next due time may be sooner. */
  wake: WakeUp;
  /** A task's turn was put in the line. */
  onWork(): void;
}

export interface Scheduler {
  start(): void;
  /** May be repeated. */
  stop(): Promise<void>;
}

/** Longest sleep: a clock that jumps, or a machine that slept, is noticed within this time. */
const LONGEST_NAP_MS = 1_000;
const PER_PASS = 50;
/** Smaller steps back are corrections of the clock. */
const JUMP_MS = 60_000;

/**
 * Puts a turn in the line for each task that is due. The next run is fixed in the same transaction,
 * before anything runs: a crash neither repeats nor forgets one.
 */
export function createScheduler({ store, clock, log, wake, onWork }: SchedulerOptions): Scheduler {
  const stopping = new AbortController();
  let loop: Promise<void> | undefined;
  let nextDue: number | undefined;
  let skew = Infinity;

  /** The wall clock went back, or this is the start: nothing must wait for a time it once showed. */
  const noticeJump = () => {
    const now = clock.now();
    const measured = now - clock.monotonic();
    if (measured <= skew - JUMP_MS) pullIn(now);
    // Not before that is done: a database that fails must not make it forget the jump.
    skew = measured;
  };

  const pullIn = (now: number) => {
    store.tasks.pullInIntervals(now);
    for (const { id, schedule, nextRun: next, lastRun, createdAt } of store.tasks.crons()) {
      const sooner = next === null ? next : afterClockJump(schedule, next, Math.max(lastRun ?? 0, createdAt), now);
      if (sooner !== next) store.tasks.setNextRun(id, sooner);
    }
  };

  const pass = () => {
    for (let due = claimDue(); due.length > 0; due = claimDue()) {
      for (const { task, queued } of due) log.info({ task: task.id, group: task.folder, queued }, "Task due");
      onWork();
    }
    claimMissed();
    nextDue = store.tasks.nextDue();
  };

  /** Missed runs of one task come one after the other: each end of a turn wakes this loop. */
  const claimMissed = () => {
    if (store.tasks.waitingRuns(1).length === 0) return;
    const begun = store.transaction(() =>
      store.tasks.waitingRuns(PER_PASS).map((run) => claimWaiting(store, run, clock.now())),
    );
    log.info({ runs: begun.length }, "Missed tasks made up for");
    onWork();
  };

  const claimDue = () =>
    store.transaction(() => {
      const now = clock.now();
      return store.tasks.due(now, PER_PASS).map((task) => ({ task, queued: claimTask(store, task, now) }));
    });

  const work = async () => {
    log.info({}, "Scheduler loop started");
    while (!stopping.signal.aborted) {
      try {
        noticeJump();
        pass();
      } catch (error) {
        log.error({ error: (error as Error).message }, "Cannot read the schedule, trying again");
        nextDue = clock.now() + LONGEST_NAP_MS;
      }
      await untilDue();
    }
  };

  /**
   * Short naps without touching the database, so that the wall clock decides and not the timer. A
   * clock that was set back ends them, too.
   */
  const untilDue = async () => {
    const woken = wake.next();
    const over = AbortSignal.any([stopping.signal, woken]);
    const due = nextDue ?? Infinity;
    for (let now = clock.now(); ; now = clock.now()) {
      await clock.sleep(Math.max(5, Math.min(LONGEST_NAP_MS, due - now)), over);
      if (over.aborted || clock.now() >= due || clock.now() < now) return;
    }
  };

  return {
    start: () => {
      loop ??= work();
    },
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}
