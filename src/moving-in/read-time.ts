import { LAST_TIME } from "../domain/schedule.ts";

/** A time as the fork wrote it, ISO, or as others did, a number of seconds or milliseconds; undefined: unreadable. */
export function readTime(text: string | null): number | undefined {
  const given = text?.trim() ?? "";
  if (given === "") return undefined;
  const number = /^\d+(\.\d+)?$/.test(given) ? Number(given) : undefined;
  // Ten digits of seconds last until the year 2286.
  const at = number === undefined ? Date.parse(given) : Math.floor(number < 1e11 ? number * 1_000 : number);
  return Number.isFinite(at) && at >= 0 && at <= LAST_TIME ? at : undefined;
}
