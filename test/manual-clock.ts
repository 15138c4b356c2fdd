import type { Clock } from "../src/domain/clock.ts";

export interface ManualClock extends Clock {
  /** Lets time pass, wall clock and monotonic alike; sleepers wake one after the other. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward or back; nobody wakes. */
  jump(ms: number): void;
  sleepers(): number;
}

interface Sleeper {
  due: number;
  wake(): void;
}

/** A clock that stands still until a test moves it. */
export function manualClock(start = Date.UTC(2026, 10, 22, 17, 0, 0)): ManualClock {
  const sleepers = new Set<Sleeper>();
  let monotonic = 0;
  let wall = start;
  const moveTo = (time: number) => {
    wall += time - monotonic;
    monotonic = time;
  };
  const nextBefore = (time: number) => [...sleepers].filter(({ due }) => due <= time).sort((a, b) => a.due - b.due)[0];

  return {
    now: () => wall,
    monotonic: () => monotonic,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const wake = () => {
          sleepers.delete(sleeper);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper = { due: monotonic + Math.max(0, ms), wake };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", wake, { once: true });
      }),
    advance: async (ms) => {
      const target = monotonic + ms;
      await settled();
      for (let next = nextBefore(target); next; next = nextBefore(target)) {
        moveTo(Math.max(monotonic, next.due));
        next.wake();
        await settled();
      }
      moveTo(target);
    },
    jump: (ms) => {
      wall += ms;
    },
    sleepers: () => sleepers.size,
  };
}

/** Everything that needs no time and no input or output has run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
