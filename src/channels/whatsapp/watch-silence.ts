import type { Clock } from "../../domain/clock.ts";

export interface SilenceWatch {
  heard(): void;
}

/** The server answers a ping every 30 seconds. */
const LONGEST_SILENCE_MS = 60_000;
const LOOK_MS = 10_000;

/**
 * Calls `onSilence` once when nothing was heard for too long: a connection that is open and dead, a
 * handshake that hangs, a machine that slept. Baileys itself looks only after a handshake.
 */
export function watchSilence(clock: Clock, signal: AbortSignal, onSilence: () => void): SilenceWatch {
  let last = clock.now();
  const watch = async () => {
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      if (signal.aborted) return;
      // A wall clock that was set back must not make it wait.
      last = Math.min(last, clock.now());
      if (clock.now() - last > LONGEST_SILENCE_MS) return onSilence();
    }
  };
  void watch();
  return { heard: () => (last = clock.now()) };
}
