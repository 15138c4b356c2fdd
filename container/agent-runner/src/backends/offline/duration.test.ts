import { expect, test } from "vitest";
import { durationMs, durationPattern } from "./duration.ts";

const MINUTE = 60_000;

test.each([
  ["5 seconds", 5_000],
  ["10s", 10_000],
  ["90 min", 90 * MINUTE],
  ["a minute", MINUTE],
  ["half an hour", 30 * MINUTE],
  ["three quarters of an hour", 45 * MINUTE],
  ["an hour and a half", 90 * MINUTE],
  ["two and a half hours", 150 * MINUTE],
  ["1.5 hours", 90 * MINUTE],
  ["1 hour and 30 minutes", 90 * MINUTE],
  ["1h 30m 5s", 90 * MINUTE + 5_000],
  ["forty-five minutes", 45 * MINUTE],
])("%s", (text, ms) => {
  expect(new RegExp(`^(?:${durationPattern})$`, "i").test(text)).toBe(true);
  expect(durationMs(text)).toBe(ms);
});
