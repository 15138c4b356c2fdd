import type { Clock } from "../domain/clock.ts";
import type { Folder } from "../domain/ids.ts";
import type { Store } from "../store/store.ts";
import { settleStopped } from "./settle.ts";
import type { TurnRunner } from "./turn.ts";

export interface StopGroupOptions {
  store: Store;
  clock: Clock;
  end: TurnRunner["end"];
  /** Notices were written. */
  onOutbox(): void;
}

/** Ends what runs and what waits in a group, because a person asked for it; returns how many turns. */
export function stopGroup({ store, clock, end, onOutbox }: StopGroupOptions, folder: Folder): number {
  const open = store.turns.openIn(folder);
  for (const turn of open) {
    if (turn.status === "queued") {
      settleStopped({ store, turn, attempt: 0, now: clock.now() });
    } else {
      // Kept in the ledger, too: the run may not have begun yet.
      store.turns.askStop(turn.id, "stopped");
      end(turn.id, "stopped");
    }
  }
  onOutbox();
  return open.length;
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
