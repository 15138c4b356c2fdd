import { describe, expect, test } from "vitest";
import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";
import { startWatchdogs } from "./watchdogs.ts";

/** Time that moves only when a test says so. */
function createHandClock() {
  let time = 1_000;
  let sleepers: { at: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => time,
    monotonic: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        sleepers.push({ at: time + ms, wake: resolve });
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const pass = async (ms: number) => {
    const end = time + ms;
    for (;;) {
      await new Promise(setImmediate); // whoever was woken sleeps again
      const next = Math.min(...sleepers.map(({ at }) => at));
      if (next > end) break;
      time = Math.max(time, next);
      const due = sleepers.filter(({ at }) => at <= time);
      sleepers = sleepers.filter(({ at }) => at > time);
      for (const { wake } of due) wake();
    }
    time = end;
  };
  return { clock, pass };
}

function startWatch(changed: Partial<Record<"ready" | "silence" | "whole", number>> = {}) {
  const { clock, pass } = createHandClock();
  const over = new AbortController();
  const expired: Failure[] = [];
  const dogs = startWatchdogs({
    limits: { ready: 30, silence: 100, whole: 1_000, ...changed },
    clock,
    onExpired: (failure) => expired.push(failure),
    signal: over.signal,
  });
  return { dogs, pass, over, expired: () => expired.map((failure) => failure.class) };
}

describe("watchdogs", () => {
  test("a runner that is not ready in time has crashed", async () => {
    const { pass, expired } = startWatch();
    await pass(29);
    expect(expired()).toEqual([]);
    await pass(1);
    expect(expired()).toEqual(["crash"]);
  });

  test("silence counts from the input on: what the host takes to make it is not the runner's", async () => {
    const { dogs, pass, expired } = startWatch();
    dogs.ready();
    await pass(500);
    expect(expired()).toEqual([]);
    dogs.expectFrames();
    await pass(99);
    expect(expired()).toEqual([]);
    await pass(1);
    expect(expired()).toEqual(["silence"]);
  });

  test("every frame breaks the silence", async () => {
    const { dogs, pass, expired } = startWatch();
    dogs.ready();
    dogs.expectFrames();
    for (let frame = 0; frame < 8; frame += 1) {
      await pass(99);
      dogs.frame();
    }
    expect(expired()).toEqual([]);
    await pass(100);
    expect(expired()).toEqual(["silence"]);
  });

  test("the whole turn has its time, however lively it is", async () => {
    const { dogs, pass, expired } = startWatch({ silence: 10_000 });
    dogs.ready();
    dogs.expectFrames();
    await pass(999);
    dogs.frame();
    expect(expired()).toEqual([]);
    await pass(1);
    expect(expired()).toEqual(["timeout"]);
  });

  test("a frame that waited while the host was held up counts", async () => {
    const { clock, pass } = createHandClock();
    const expired: Failure[] = [];
    let held = false;
    const dogs = startWatchdogs({
      limits: { ready: 30, silence: 100, whole: 10_000 },
      clock: {
        ...clock,
        sleep: (ms, signal) => {
          // The host comes back late, and reads what there is before it goes on.
          if (ms === 0 && held) dogs.frame();
          return clock.sleep(ms, signal);
        },
      },
      onExpired: (failure) => expired.push(failure),
      signal: new AbortController().signal,
    });
    dogs.ready();
    dogs.expectFrames();
    held = true;
    await pass(150);
    expect(expired).toEqual([]);
  });

  test("nothing expires after it is called off", async () => {
    const { pass, over, expired } = startWatch();
    over.abort();
    await pass(10_000);
    expect(expired()).toEqual([]);
  });

  test("a limit longer than one timer of the system holds", async () => {
    const { clock, pass } = createHandClock();
    const expired: Failure[] = [];
    startWatchdogs({
      limits: { ready: 5_000, silence: 5_000, whole: 5_000 },
      clock: { ...clock, sleep: (ms, signal) => clock.sleep(Math.min(ms, 1_000), signal) },
      onExpired: (failure) => expired.push(failure),
      signal: new AbortController().signal,
    });
    await pass(4_999);
    expect(expired).toEqual([]);
    await pass(1);
    expect(expired.map((failure) => failure.class)).toEqual(["crash", "timeout"]);
  });
});
