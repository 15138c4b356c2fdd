import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";

export interface BeatOptions {
  clock: Clock;
  log: Log;
  stop: AbortSignal;
  link: { isInPlace(): boolean; store: { prune(now: number): void } };
  groups: { noteNew(): void };
  ledger: { alive(at: number): void };
  isConnected(): boolean;
  /** The link's folder was moved away. */
  giveUp(): void;
}

const BEAT_MS = 1_000;
const ALIVE_MS = 30_000;
/** A start has enough to do. */
const FIRST_PRUNE_MS = 10 * 60_000;
const PRUNE_MS = 60 * 60_000;

/** Notes that the link works, and notices that its folder was moved away. */
export async function beat(options: BeatOptions): Promise<void> {
  const { link, ledger, groups, clock, log, stop } = options;
  const aliveIsDue = every(clock, ALIVE_MS, 0);
  const pruneIsDue = every(clock, PRUNE_MS, FIRST_PRUNE_MS);
  while (!stop.aborted) {
    try {
      if (!link.isInPlace()) {
        log.warn({}, "The WhatsApp link was moved away");
        return options.giveUp();
      }
      if (aliveIsDue() && options.isConnected()) ledger.alive(clock.now());
      groups.noteNew();
      if (pruneIsDue()) link.store.prune(clock.now());
    } catch (error) {
      log.error({ error: (error as Error).message }, "Cannot note that WhatsApp is connected");
    }
    await clock.sleep(BEAT_MS, stop);
  }
}

function every(clock: Clock, pause: number, first: number): () => boolean {
  let due = clock.monotonic() + first;
  return () => {
    if (clock.monotonic() < due) return false;
    due = clock.monotonic() + pause;
    return true;
  };
}
