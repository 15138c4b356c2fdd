import { DateTime, IANAZone } from "luxon";
import { describe, expect, test } from "vitest";
import { firstRun, nextRun, type Schedule } from "./schedule.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** All zones change at such a time, and all schedules here fall on one. */
const STEP_MS = 15 * MINUTE_MS;

/** Years with both changes, half an hour, at midnight, at odd dates; and one without any. */
const places: [zone: string, from: string, to: string][] = [
  ["Europe/Berlin", "2026-01-01", "2027-01-01"],
  ["America/New_York", "2026-01-01", "2027-01-01"],
  ["Australia/Lord_Howe", "2026-01-01", "2027-01-01"],
  ["Asia/Kathmandu", "2026-01-01", "2027-01-01"],
  ["America/Sao_Paulo", "2018-01-01", "2019-01-01"],
  ["Africa/Casablanca", "2026-01-01", "2027-01-01"],
];

const format = "yyyy-MM-dd HH:mm";

/** Every quarter of the zone's clocks with the instants that show it, found by looking, not by a rule. */
function clocks(zone: string, from: number, to: number): Map<string, number[]> {
  const shown = new Map<string, number[]>();
  for (let at = from; at < to; at += STEP_MS) {
    const wall = new Date(at + IANAZone.create(zone).offset(at) * MINUTE_MS);
    const text = wall.toISOString().slice(0, 16).replace("T", " ");
    shown.set(text, [...(shown.get(text) ?? []), at]);
  }
  return shown;
}

function runsOf(schedule: Schedule, from: number, to: number): number[] {
  const runs: number[] = [];
  const first = firstRun(schedule, from - 1);
  for (let at = first.ok ? first.value : null; at !== null && at < to; at = nextRun(schedule, at, at)) runs.push(at);
  return runs;
}

/** Wall times of a year that `hours` and `minutes` name. */
function wanted(from: string, to: string, hours: number[], minutes: number[]): string[] {
  const times: string[] = [];
  for (let day = DateTime.fromISO(from, { zone: "utc" }); day < DateTime.fromISO(to, { zone: "utc" });) {
    for (const hour of hours) for (const minute of minutes) times.push(day.set({ hour, minute }).toFormat(format));
    day = day.plus({ days: 1 });
  }
  return times;
}

/** Around when the zone's offset changes; any day where it never does. */
function changes(zone: string, from: number, to: number): number[] {
  const days = Array.from({ length: Math.floor((to - from) / DAY_MS) - 4 }, (_, at) => from + (at + 2) * DAY_MS);
  const offset = (at: number) => IANAZone.create(zone).offset(at);
  const found = days.filter((day) => offset(day) !== offset(day + DAY_MS));
  return found.length > 0 ? found : days.slice(0, 1);
}

describe.each(places)("a year in %s (D47: schedules and prompts share one zone)", (zone, fromDay, toDay) => {
  const at = (day: string) => DateTime.fromISO(day, { zone }).toMillis();
  const [from, to] = [at(fromDay), at(toDay)];
  const shown = clocks(zone, from, to);

  /** When a wall time should fire: the first time it is shown, or right after the gap that swallows it. */
  const due = (wall: string): number => {
    for (let text = wall; ;) {
      const instant = shown.get(text)?.[0];
      if (instant !== undefined) return instant;
      text = DateTime.fromFormat(text, format, { zone: "utc" }).plus({ minutes: 15 }).toFormat(format);
    }
  };

  test.each<[string, number[], number[]]>([
    ["30 2 * * *", [2], [30]],
    ["15 2 * * *", [2], [15]],
    ["45 1 * * *", [1], [45]],
    ["0 0 * * *", [0], [0]],
    ["30 23 * * *", [23], [30]],
    ["15 1,2,3 * * *", [1, 2, 3], [15]],
    ["*/30 1-2 * * *", [1, 2], [0, 30]],
    ["0 */6 * * *", [0, 6, 12, 18], [0]],
  ])("%s: each local slot fires once, what a gap swallows right after it", (value, hours, minutes) => {
    const expected = [...new Set(wanted(fromDay, toDay, hours, minutes).map(due))].sort((a, b) => a - b);
    const runs = runsOf({ type: "cron", value, zone }, from, to);
    expect(runs).toEqual(expected);
  });

  test.each(["*", "*/1", "0-23", "0-11,12-23"])(
    "30 %s * * *: an hour that comes twice is no hour of silence",
    (every) => {
      const hours = Array.from({ length: 24 }, (_, hour) => hour);
      for (const day of changes(zone, from, to)) {
        const [begin, end] = [day - 2 * DAY_MS, day + 2 * DAY_MS];
        const all = [...shown].filter(([text]) => text.endsWith(":30")).flatMap(([, instants]) => instants);
        const expected = new Set([...all, ...wanted(fromDay, toDay, hours, [30]).map(due)]);
        const near = [...expected].filter((time) => time >= begin && time < end).sort((a, b) => a - b);
        expect(runsOf({ type: "cron", value: `30 ${every} * * *`, zone }, begin, end)).toEqual(near);
      }
    },
  );

  test("an interval knows no clocks: every 90 minutes is every 90 minutes", () => {
    const step = 90 * MINUTE_MS;
    const runs = runsOf({ type: "interval", value: String(step), zone }, from, to);
    expect(runs.every((run, index) => run === from - 1 + step * (index + 1))).toBe(true);
    expect(runs.length).toBeGreaterThan(5_000);
  });
});
