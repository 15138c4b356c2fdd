import { expect, test } from "vitest";
import { manualClock, settled } from "../../../test/manual-clock.ts";
import { latestVersion } from "./serve-link-version.ts";

const never = () => new Promise<never>(() => {});
const running = () => new AbortController().signal;

test("the newest version is the one that the page has", async () => {
  const page = { version: [2, 3000, 7] as [number, number, number], isLatest: true };
  const clock = manualClock();
  expect(await latestVersion(clock, running(), () => Promise.resolve(page))).toEqual([2, 3000, 7]);
  expect(clock.sleepers()).toBe(0);
});

test("a page that does not answer is waited for ten seconds, and then let go", async () => {
  const clock = manualClock();
  let asked: AbortSignal | undefined;
  const found = latestVersion(clock, running(), ({ signal }) => ((asked = signal), never()));
  await clock.advance(10_000);
  expect(await found).toBeUndefined();
  expect(asked?.aborted).toBe(true);
});

test("a stop does not wait for the page", async () => {
  const stop = new AbortController();
  const found = latestVersion(manualClock(), stop.signal, never);
  stop.abort();
  await settled();
  expect(await found).toBeUndefined();
});

test("a page that cannot be had, or that has nothing, gives no version", async () => {
  const clock = manualClock();
  expect(await latestVersion(clock, running(), () => Promise.reject(new Error("offline")))).toBeUndefined();
  const old = { version: [2, 3000, 1] as [number, number, number], isLatest: false };
  expect(await latestVersion(clock, running(), () => Promise.resolve(old))).toBeUndefined();
});
