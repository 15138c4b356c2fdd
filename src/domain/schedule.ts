import { DateTime } from "luxon";
import type { ScheduleType } from "@nanoclaw/agent-runner/protocol";
import { cronAfter } from "./cron.ts";
import type { Parsed } from "./ids.ts";
import { isZone } from "./zone.ts";

export interface Schedule {
  type: ScheduleType;
  /** cron: five fields; interval: milliseconds; once: local ISO time, or one with an offset. */
  value: string;
  zone: string;
}

/** A shorter interval is a bill, not a plan. */
export const MIN_INTERVAL_MS = 60_000;
/** Ten years: a longer one is a slip of the pen. */
export const MAX_INTERVAL_MS = 10 * 365.25 * 86_400_000;
/** The end of the year 9999: whatever is read or shown of a later time breaks somewhere. */
export const LAST_TIME = 253_402_300_799_999;

/** Checks a schedule and finds its first run. A `once` that is past is refused. */
export function firstRun(schedule: Schedule, now: number): Parsed<number> {
  const zone = knownZone(schedule.zone);
  if (!zone.ok) return zone;
  const first = firstOf(schedule, now);
  if (!first.ok || (Number.isSafeInteger(first.value) && first.value <= LAST_TIME)) return first;
  return refuse(`"${schedule.value}" is too far off; the last year that can be named is 9999.`);
}

export const knownZone = (zone: string): Parsed<string> =>
  isZone(zone) ? { ok: true, value: zone } : refuse(`"${zone}" is no IANA time zone; use one like Europe/Berlin.`);

function firstOf(schedule: Schedule, now: number): Parsed<number> {
  switch (schedule.type) {
    case "once":
      return firstOnce(schedule, now);
    case "interval":
      return firstInterval(schedule.value, now);
    case "cron":
      return firstCron(schedule, now);
    default:
      return schedule.type satisfies never;
  }
}

/**
 * The run after the one that was due at `due`; null when there is none. Runs that were missed are
 * passed over, and an interval keeps its own grid, so nothing drifts.
 */
export function nextRun(schedule: Schedule, due: number, now: number): number | null {
  switch (schedule.type) {
    case "once":
      return null;
    case "interval": {
      const step = Number(schedule.value);
      return due + step * Math.max(1, Math.floor((now - due) / step) + 1);
    }
    case "cron":
      return cronAfter(schedule.value, schedule.zone, Math.max(due, now));
    default:
      return schedule.type satisfies never;
  }
}

/** A clock that went back further than this since a task's last run was wrong by then, or is now. */
const JUMP_MS = 60 * 60_000;

/**
 * The next run of a `cron` after the clock went back by more than an hour since `lastSeen` (its
 * last run, or its making); otherwise the one it has. A slot that had its run under the other clock
 * comes again: once too often beats silence until that time.
 */
export function afterClockJump(schedule: Schedule, next: number, lastSeen: number, now: number): number {
  if (lastSeen <= now + JUMP_MS) return next;
  const first = firstRun(schedule, now);
  return first.ok ? Math.min(next, first.value) : next;
}

function firstOnce(schedule: Schedule, now: number): Parsed<number> {
  const at = DateTime.fromISO(schedule.value, { zone: schedule.zone });
  if (!at.isValid) {
    return refuse(`"${schedule.value}" is no ISO 8601 time; write it like 2026-11-23T09:00:00.`);
  }
  if (at.toMillis() <= now) {
    const clock = DateTime.fromMillis(now, { zone: schedule.zone }).toFormat("yyyy-MM-dd HH:mm:ss");
    return refuse(`${schedule.value} is in the past: it is ${clock} in ${schedule.zone}.`);
  }
  return { ok: true, value: at.toMillis() };
}

function firstInterval(value: string, now: number): Parsed<number> {
  const step = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(step)) {
    return refuse(`"${value}" is no interval; give whole milliseconds, e.g. 3600000 for an hour.`);
  }
  if (step < MIN_INTERVAL_MS) {
    return refuse(`An interval of ${value} ms is too short; the shortest is ${MIN_INTERVAL_MS} ms (one minute).`);
  }
  if (step > MAX_INTERVAL_MS) {
    return refuse(`An interval of ${value} ms is too long; the longest is ${MAX_INTERVAL_MS} ms (ten years).`);
  }
  return { ok: true, value: now + step };
}

function firstCron(schedule: Schedule, now: number): Parsed<number> {
  if (schedule.value.trim().split(/\s+/).length !== 5) {
    return refuse(`"${schedule.value}" is no schedule; give five cron fields: minute hour day month weekday.`);
  }
  try {
    const next = cronAfter(schedule.value, schedule.zone, now);
    return next === null ? refuse(`"${schedule.value}" never comes; check day and month.`) : { ok: true, value: next };
  } catch (error) {
    return refuse(`"${schedule.value}" is no schedule: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const refuse = (problem: string): Parsed<never> => ({ ok: false, problem });
