import { expect, test } from "vitest";
import { scheduleWords } from "./schedule-words.ts";

test.each([
  ["cron", "0 8 * * 1-5", "At 08:00, Monday through Friday (Europe/Berlin)"],
  ["cron", "*/15 * * * *", "Every 15 minutes (Europe/Berlin)"],
  ["cron", "30 9 1 * *", "At 09:30, on day 1 of the month (Europe/Berlin)"],
  ["cron", "0 18 * * 5#2", "At 18:00, on the second Friday of the month (Europe/Berlin)"],
  ["cron", "~ what", "By the schedule ~ what (Europe/Berlin)"],
  ["interval", "5400000", "Every 1 h 30 min"],
  ["interval", "60000", "Every 1 min"],
  ["once", "2026-11-23T09:00:00", "Once, Mon 23 Nov 2026, 09:00:00 (Europe/Berlin)"],
  ["once", "2026-11-23T08:00:00Z", "Once, Mon 23 Nov 2026, 09:00:00 (Europe/Berlin)"],
] as const)("%s %s is told as: %s", (type, value, words) => {
  expect(scheduleWords({ type, value, zone: "Europe/Berlin" })).toBe(words);
});
