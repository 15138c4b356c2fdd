import { expect, test } from "vitest";
import { durationWords, parseDuration } from "./duration.ts";

test.each([
  [0, "0 s"],
  [59_000, "59 s"],
  [61_000, "1 min 1 s"],
  [7_800_000, "2 h 10 min"],
  [7_200_000, "2 h"],
  [86_400_000 + 59_000, "1 d"],
  [3 * 86_400_000 + 5 * 3_600_000 + 1, "3 d 5 h"],
])("%i ms are %s", (ms, words) => {
  expect(durationWords(ms)).toBe(words);
});

test.each([
  ["90m", 5_400_000],
  ["2h", 7_200_000],
  ["1 day", 86_400_000],
  ["1h30m", 5_400_000],
  ["1 h 30 min", 5_400_000],
  ["60000", 60_000],
  ["90 seconds", 90_000],
  ["soon", undefined],
  ["", undefined],
  ["-5m", undefined],
  ["1.5h", undefined],
  ["2 fortnights", undefined],
  ["9".repeat(30), undefined],
])("%j is read as %s ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
