import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";

/** Milliseconds. */
export interface WatchLimits {
  /** From the start to `ready`. */
  ready: number;
  /** From one frame to the next, once there is something to answer. */
  silence: number;
  /** From the start to the end. */
  whole: number;
}

export interface WatchdogOptions {
  limits: WatchLimits;
  clock: Clock;
  onExpired(failure: Failure): void;
  /** Calls them off. */
  signal: AbortSignal;
}

export interface Watchdogs {
  ready(): void;
  /** From here on silence counts. Waiting for the host's own work before that is not the runner's fault. */
  expectFrames(): void;
  frame(): void;
}

/** Starts the watch over one run; its three limits run side by side. */
export function startWatchdogs({ limits, clock, onExpired, signal }: WatchdogOptions): Watchdogs {
  const startedAt = clock.monotonic();
  let isReady = false;
  let lastFrameAt = startedAt;

  const watch = async (limit: number, since: () => number, failure: () => Failure | undefined) => {
    if (!(await outlasts(limit, since, clock, signal))) return;
    const failed = failure();
    if (failed) onExpired(failed);
  };

  void watch(
    limits.ready,
    () => startedAt,
    () => (isReady ? undefined : { class: "crash", detail: `not ready after ${limits.ready} ms` }),
  );
  void watch(
    limits.whole,
    () => startedAt,
    () => ({ class: "timeout", detail: `no answer after ${limits.whole} ms` }),
  );
  return {
    ready: () => {
      isReady = true;
    },
    expectFrames: () => {
      lastFrameAt = clock.monotonic();
      void watch(
        limits.silence,
        () => lastFrameAt,
        () => ({ class: "silence", detail: `no frame for ${limits.silence} ms` }),
      );
    },
    frame: () => {
      lastFrameAt = clock.monotonic();
    },
  };
}

/** Resolves to true when `limit` has passed since a moment that may move on, to false at the signal. */
async function outlasts(limit: number, since: () => number, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const left = () => limit - (clock.monotonic() - since());
  while (left() > 0 && !signal.aborted) {
    await clock.sleep(left(), signal);
    // A host that was held up itself first reads what came in meanwhile.
    await clock.sleep(0, signal);
  }
  return !signal.aborted;
}
