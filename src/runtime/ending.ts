import type { Clock } from "../domain/clock.ts";
import type { Running } from "./runtime.ts";

export interface EndingOptions {
  running: Running;
  /** Milliseconds between the steps. */
  grace: number;
  clock: Clock;
  /** Aborts when process or container is gone. */
  gone: AbortSignal;
}

export interface Ending {
  /** Ends the run: input closed and TERM, after the grace KILL. May be repeated. */
  now(): void;
  /** The run has no more to do: it may leave by itself within the grace, and is ended after that. */
  soon(): void;
}

export function createEnding({ running, grace, clock, gone }: EndingOptions): Ending {
  let begun = false;
  const escalate = async () => {
    running.stdin?.destroy();
    running.signal("TERM");
    await clock.sleep(grace, gone);
    // What is gone gets no signal: its number may be another's by now.
    if (!gone.aborted) running.signal("KILL");
  };
  const now = () => {
    if (begun || gone.aborted) return;
    begun = true;
    void escalate();
  };
  return { now, soon: () => void clock.sleep(grace, gone).then(now) };
}
