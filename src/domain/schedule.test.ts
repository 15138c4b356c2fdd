import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import { firstRun, nextRun, type Schedule } from "./schedule.ts";

const at = (time: string, zone: string): number => DateTime.fromISO(time, { zone }).toMillis();
const iso = (ms: number | null, zone: string): string | null =>
  ms === null ? null : DateTime.fromMillis(ms, { zone }).toISO({ suppressMilliseconds: true });
const schedule = (type: Schedule["type"], value: string, zone = "Europe/Berlin"): Schedule => ({ type, value, zone });
const first = (wanted: Schedule, now: string) => {
  const run = firstRun(wanted, at(now, wanted.zone));
  return run.ok ? iso(run.value, wanted.zone) : run.problem;
};

describe("the first run", () => {
  test.each([
    ["a time today", schedule("once", "2026-11-22T19:00:00"), "2026-11-22T18:00", "2026-11-22T19:00:00+01:00"],
    ["with an offset", schedule("once", "2026-11-22T19:00:00Z"), "2026-11-22T18:00", "2026-11-22T20:00:00+01:00"],
    ["left out in spring", schedule("once", "2027-03-28T02:30:00"), "2027-03-27T20:00", "2027-03-28T03:30:00+02:00"],
    ["every weekday", schedule("cron", "0 8 * * 1-5"), "2026-11-20T18:00", "2026-11-23T08:00:00+01:00"],
    ["in the minute itself", schedule("cron", "0 8 * * *"), "2026-11-22T08:00", "2026-11-23T08:00:00+01:00"],
    ["a leap day", schedule("cron", "0 0 29 2 *"), "2026-11-22T08:00", "2028-02-29T00:00:00+01:00"],
    ["in its zone", schedule("cron", "0 8 * * *", "Asia/Tokyo"), "2026-11-22T08:00", "2026-11-23T08:00:00+09:00"],
    ["an odd zone", schedule("cron", "0 8 * * *", "Asia/Kathmandu"), "2026-11-22T07:59", "2026-11-22T08:00:00+05:45"],
    ["an interval", schedule("interval", "60000"), "2026-11-22T18:00:07", "2026-11-22T18:01:07+01:00"],
    ["ten years", schedule("interval", "315576000000"), "2026-11-22T18:00", "2036-11-22T06:00:00+01:00"],
    ["a long interval", schedule("interval", "31536000000"), "2026-11-22T18:00", "2027-11-22T18:00:00+01:00"],
  ])("%s", (_name, wanted, now, expected) => {
    expect(first(wanted, now)).toBe(expected);
  });

  test.each([
    ["past", schedule("once", "2026-11-22T17:59:59"), /in the past: it is 2026-11-22 18:00:00 in Europe\/Berlin/],
    ["right now", schedule("once", "2026-11-22T18:00:00"), /in the past/],
    ["no time", schedule("once", "tomorrow"), /"tomorrow" is no ISO 8601 time/],
    ["no such day", schedule("once", "2026-02-30T10:00:00"), /is no ISO 8601 time/],
    ["no zone", schedule("once", "2026-11-23T10:00:00", "Mars/Olympus"), /"Mars\/Olympus" is no IANA time zone/],
    ["an empty zone", schedule("cron", "0 8 * * *", ""), /is no IANA time zone/],
    ["too often", schedule("interval", "59999"), /too short; the shortest is 60000 ms/],
    ["never stopping", schedule("interval", "0"), /too short/],
    ["NaN", schedule("interval", "NaN"), /is no interval/],
    ["negative", schedule("interval", "-60000"), /is no interval/],
    ["exponent", schedule("interval", "6e4"), /is no interval/],
    ["beyond numbers", schedule("interval", "9".repeat(30)), /is no interval/],
    ["more than ten years", schedule("interval", "315576000001"), /too long; the longest is 315576000000 ms/],
    ["a step that no number holds with now", schedule("interval", "9007199254740991"), /too long/],
    ["a year of six digits", schedule("once", "+275760-09-01T00:00:00Z"), /too far off; the last year .* 9999/],
    ["six fields", schedule("cron", "*/5 * * * * *"), /give five cron fields/],
    ["a nickname", schedule("cron", "@daily"), /give five cron fields/],
    ["no cron", schedule("cron", "a b c d e"), /is no schedule/],
    ["minute 60", schedule("cron", "60 8 * * *"), /is no schedule/],
    ["31 February", schedule("cron", "0 0 31 2 *"), /never comes/],
  ])("is refused: %s", (_name, wanted, problem) => {
    const run = firstRun(wanted, at("2026-11-22T18:00:00", "Europe/Berlin"));
    expect(run.ok ? "taken" : run.problem).toMatch(problem);
  });

  test("of a time that an autumn night has twice is one of the two, and once", () => {
    const run = firstRun(schedule("once", "2026-10-25T02:30:00"), at("2026-10-24T12:00", "Europe/Berlin"));
    expect(iso(run.ok ? run.value : null, "Europe/Berlin")).toMatch(/^2026-10-25T02:30:00\+0[12]:00$/);
  });
});

describe("the run after that", () => {
  const daily = schedule("cron", "30 2 * * *");
  const runsFrom = (wanted: Schedule, start: string, count: number) => {
    let due = at(start, wanted.zone);
    return Array.from({ length: count }, () => {
      due = nextRun(wanted, due, due) ?? NaN;
      return iso(due, wanted.zone);
    });
  };

  test("a daily half past two comes once in the spring night that leaves it out, and goes on at its time", () => {
    const runs = runsFrom(daily, "2027-03-27T02:30", 3);
    expect(runs.filter((run) => run?.startsWith("2027-03-28"))).toHaveLength(1);
    expect(runs.filter((run) => run === "2027-03-29T02:30:00+02:00")).toHaveLength(1);
  });

  test("a daily half past two comes once in the autumn night that has it twice", () => {
    const runs = runsFrom(daily, "2026-10-24T02:30", 2);
    expect(runs[0]).toMatch(/^2026-10-25T02:30:00/);
    expect(runs[1]).toBe("2026-10-26T02:30:00+01:00");
  });

  test("eight o'clock stays eight o'clock over the change", () => {
    expect(runsFrom(schedule("cron", "0 8 * * *"), "2026-10-24T08:00", 2)).toEqual([
      "2026-10-25T08:00:00+01:00",
      "2026-10-26T08:00:00+01:00",
    ]);
  });

  test("once never comes again", () => {
    expect(nextRun(schedule("once", "2026-11-22T19:00:00"), 5, 10)).toBeNull();
  });

  test.each([
    [1_000_000, 1_000_000, 1_060_000],
    [1_000_000, 1_000_250, 1_060_000],
    [1_000_000, 1_059_999, 1_060_000],
    [1_000_000, 1_060_000, 1_120_000],
    [1_000_000, 999_000, 1_060_000],
    [1_000_000, 1_600_001, 1_660_000],
  ])("an interval due at %i and claimed at %i runs next at %i: no drift, no burst", (due, now, next) => {
    expect(nextRun(schedule("interval", "60000"), due, now)).toBe(next);
  });

  test("cron runs that were missed are passed over", () => {
    const due = at("2026-11-20T08:00", "Europe/Berlin");
    const now = at("2026-11-24T12:00", "Europe/Berlin");
    expect(iso(nextRun(schedule("cron", "0 8 * * 1-5"), due, now), "Europe/Berlin")).toBe("2026-11-25T08:00:00+01:00");
  });

  test("a clock that went back does not repeat a cron run", () => {
    const due = at("2026-11-22T08:00", "Europe/Berlin");
    expect(iso(nextRun(schedule("cron", "0 8 * * *"), due, due - 5_000), "Europe/Berlin")).toBe(
      "2026-11-23T08:00:00+01:00",
    );
  });
});
