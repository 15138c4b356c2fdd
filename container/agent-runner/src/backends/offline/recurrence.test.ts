import { DateTime } from "luxon";
import { expect, test } from "vitest";
import { findRecurrence } from "./recurrence.ts";

const now = DateTime.fromISO("2026-11-22T18:00:05", { zone: "Europe/Berlin" });

test.each([
  ["every weekday at 8 to stand up", "0 8 * * 1-5", "to stand up"],
  ["to take pills every day at 7:15", "15 7 * * *", "to take pills"],
  ["every monday and thursday at 18:00 to water", "0 18 * * 1,4", "to water"],
  ["every mon, wed and fri at 6:30 to run", "30 6 * * 1,3,5", "to run"],
  ["mondays at 9 to plan", "0 9 * * 1", "to plan"],
  ["weekly on fridays at 9 to plan", "0 9 * * 5", "to plan"],
  ["every weekend at noon to rest", "0 12 * * 0,6", "to rest"],
  ["every evening at 8 to walk", "0 20 * * *", "to walk"],
  ["every morning to walk", "0 9 * * *", "to walk"],
  ["at 8 every weekday to run", "0 8 * * 1-5", "to run"],
  ["daily at 9pm: news", "0 21 * * *", ": news"],
  ["each day at quarter to 9 to go", "45 8 * * *", "to go"],
  ["on the first of the month at 9 to pay", "0 9 1 * *", "to pay"],
  ["every 15th of the month at 10 to pay", "0 10 15 * *", "to pay"],
])("%s", (text, cron, rest) => {
  expect(findRecurrence(text, now)).toEqual({ kind: "cron", cron, rest });
});

test.each([
  ["every 10 minutes to blink", 600_000],
  ["every minute to blink", 60_000],
  ["every half hour to blink", 1_800_000],
  ["every two hours to blink", 7_200_000],
  ["hourly to blink", 3_600_000],
  ["every other day to blink", 172_800_000],
])("%s", (text, ms) => {
  expect(findRecurrence(text, now)).toEqual({ kind: "interval", ms, rest: "to blink" });
});

test.each([
  ["every 59 seconds to blink", "refuse"],
  ["every year on 3 May", "refuse"],
  ["every second tuesday at 9", "refuse"],
  ["every 3 days at 9", "refuse"],
  ["on the 31st of every month at 9", "refuse"],
  ["every day at 8 and 20:00 to go", "refuse"],
  ["every day at 8 until friday to go", "refuse"],
  ["every day to go", "ask"],
  ["every day at 5 to go", "ask"],
  ["every week to go", "ask"],
  ["every month to go", "ask"],
])("%s is not set", (text, kind) => {
  expect(findRecurrence(text, now)?.kind).toBe(kind);
});

test.each(["to call every supplier at 9", "tomorrow at 9", "on monday at 9"])("%s repeats nothing", (text) => {
  expect(findRecurrence(text, now)).toBeUndefined();
});
