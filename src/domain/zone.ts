import { DateTime, IANAZone } from "luxon";

export const isZone = (zone: string): boolean => IANAZone.isValidZone(zone);

/** ISO 8601 with offset, to the second, in that zone: `2026-11-22T18:00:05+01:00`. */
export function isoInZone(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toISO({ suppressMilliseconds: true, precision: "second" }) ?? String(at);
}

/** The same to the millisecond, for times that come back as a question. */
export function exactIsoInZone(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toISO() ?? String(at);
}

/** For people: `Sun 22 Nov 2026, 18:00:05 (Europe/Berlin)`. */
export function humanInZone(at: number, zone: string): string {
  return `${DateTime.fromMillis(at, { zone, locale: "en-GB" }).toFormat("ccc d LLL yyyy, HH:mm:ss")} (${zone})`;
}

/** Of a moment that is near: `18:00 (Europe/Berlin)`. */
export function timeInZone(at: number, zone: string): string {
  return `${DateTime.fromMillis(at, { zone }).toFormat("HH:mm")} (${zone})`;
}
