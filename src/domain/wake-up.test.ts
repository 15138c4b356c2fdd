import { expect, test } from "vitest";
import { createWakeUp } from "./wake-up.ts";

test("wakes who sleeps", () => {
  const wake = createWakeUp();
  const signal = wake.next();
  expect(signal.aborted).toBe(false);
  wake.now();
  expect(signal.aborted).toBe(true);
});

test("keeps one call for who was not asleep yet, however many there were", () => {
  const wake = createWakeUp();
  wake.now();
  wake.now();
  expect(wake.next().aborted).toBe(true);
  expect(wake.next().aborted).toBe(false);
});
