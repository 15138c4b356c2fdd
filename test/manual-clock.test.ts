import { expect, test } from "vitest";
import { manualClock } from "./manual-clock.ts";

test("sleepers wake in the order of their time, each at its own", async () => {
  const clock = manualClock(1_000);
  const woken: [string, number][] = [];
  const sleep = async (name: string, ms: number) => {
    await clock.sleep(ms);
    woken.push([name, clock.now()]);
  };
  const all = [sleep("late", 300), sleep("soon", 100), sleep("now", 0)];
  await clock.advance(200);
  expect(woken).toEqual([
    ["now", 1_000],
    ["soon", 1_100],
  ]);
  expect([clock.now(), clock.monotonic(), clock.sleepers()]).toEqual([1_200, 200, 1]);
  await clock.advance(100);
  await Promise.all(all);
});

test("a jump moves the wall clock only", async () => {
  const clock = manualClock(1_000);
  const sleeping = clock.sleep(50);
  clock.jump(-5_000);
  expect([clock.now(), clock.monotonic(), clock.sleepers()]).toEqual([-4_000, 0, 1]);
  await clock.advance(50);
  await sleeping;
  expect(clock.now()).toBe(-3_950);
});

test("an abort ends a sleep, also before it began", async () => {
  const clock = manualClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(50, stop.signal);
  stop.abort();
  await sleeping;
  await clock.sleep(50, stop.signal);
  expect(clock.sleepers()).toBe(0);
});
