import { systemClock } from "../../src/clock.ts";
import type { Clock } from "../../src/domain/clock.ts";

/** A clock that runs `factor` times as fast, so that back-offs of minutes pass in seconds. */
export function fastClock(factor: number): Clock {
  const began = systemClock.now();
  const zero = systemClock.monotonic();
  const passed = () => (systemClock.monotonic() - zero) * factor;
  return {
    now: () => Math.round(began + passed()),
    monotonic: passed,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
  };
}

export interface JumpingClock extends Clock {
  /** Sets the wall clock forward or back, as a person or a time server does. */
  jump(ms: number): void;
}

export function jumpingClock(): JumpingClock {
  let offset = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + offset,
    jump: (ms) => {
      offset += ms;
    },
  };
}
