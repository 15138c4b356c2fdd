import { Cron } from "croner";
import { IANAZone } from "luxon";

const MINUTE_MS = 60_000;
/** No zone changes twice within this time. */
const CALM_MS = 48 * 60 * 60_000;

/**
 * When five cron fields come next after `after`, by the zone's wall clock: a time that a spring
 * night leaves out comes once, right after the gap; one that an autumn night has twice comes the
 * first time. Where every hour is meant, the second pass of that hour counts as well, as "every
 * ten minutes" must not fall silent for an hour. Null: never. Throws what croner has to say of fields that are none.
 */
export function cronAfter(fields: string, zone: string, after: number): number | null {
  const slots = new Cron(fields, { timezone: "UTC", paused: true });
  const first = firstPass(slots, zone, after);
  if (!meansEveryHour(fields.trim().split(/\s+/)[1] ?? "")) return first;
  const elapsed = new Cron(fields, { timezone: zone, paused: true }).nextRun(new Date(after))?.getTime() ?? null;
  return first === null || elapsed === null ? (first ?? elapsed) : Math.min(first, elapsed);
}

/** However it is written: `*`, a step of one, `0-23`. The parser itself is asked, on a day of 24 hours. */
function meansEveryHour(hours: string): boolean {
  if (hours === "*" || /^\d+$/.test(hours)) return hours === "*";
  const day = new Cron(`0 ${hours} * * *`, { timezone: "UTC", paused: true });
  const starts = Array.from({ length: 24 }, (_, hour) => hour * 60 * MINUTE_MS);
  return starts.every((start) => day.nextRun(new Date(start - 1_000))?.getTime() === start);
}

/** A wall clock without a zone is one in UTC, which has no gaps. */
function firstPass(slots: Cron, zone: string, after: number): number | null {
  let wall = after + offsetAt(zone, after);
  for (;;) {
    const next = slots.nextRun(new Date(wall))?.getTime();
    if (next === undefined) return null;
    const instant = firstInstant(zone, next);
    if (instant > after) return instant;
    wall = next; // the second pass of a doubled hour: it was there already
  }
}

/** The first instant at which the zone's clocks show `wall`, or the end of the gap that swallows it. */
function firstInstant(zone: string, wall: number): number {
  const before = offsetAt(zone, wall - CALM_MS);
  const afterwards = offsetAt(zone, wall + CALM_MS);
  const shows = (offset: number) => offsetAt(zone, wall - offset) === offset;
  if (shows(before)) return wall - before;
  return shows(afterwards) ? wall - afterwards : changeBetween(zone, wall - afterwards, wall - before);
}

/** When the zone's offset changes: after `from`, not after `to`. */
function changeBetween(zone: string, from: number, to: number): number {
  const old = offsetAt(zone, from);
  let [low, high] = [Math.floor(from / MINUTE_MS), Math.ceil(to / MINUTE_MS)];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle * MINUTE_MS) === old) low = middle;
    else high = middle;
  }
  return high * MINUTE_MS;
}

const offsetAt = (zone: string, at: number): number => IANAZone.create(zone).offset(at) * MINUTE_MS;
