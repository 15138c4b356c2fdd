import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { passingReason } from "../store/database.ts";

const STEP_MS = 1_000;

export interface PersistOptions {
  clock: Clock;
  log: Log;
  /** Gives up; the last error is thrown. */
  signal?: AbortSignal;
  /** Milliseconds after which it gives up; absent: never. */
  patience?: number;
}

/**
 * Runs a transaction, again and again while the database is locked, the disk full or read-only:
 * what happened has to be written down, however long a person takes to make room. Other errors
 * are thrown at once.
 */
export async function persist<T>(work: () => T, { clock, log, signal, patience }: PersistOptions): Promise<T> {
  const since = clock.monotonic();
  for (let told = false; ; told = true) {
    try {
      return work();
    } catch (error) {
      const reason = passingReason(error);
      const waited = clock.monotonic() - since;
      if (reason === undefined || signal?.aborted || (patience !== undefined && waited >= patience)) throw error;
      if (!told) log.error({ reason }, "Cannot write to the database, trying again");
    }
    await clock.sleep(STEP_MS, signal);
  }
}
