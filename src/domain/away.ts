import { DateTime } from "luxon";
import type { Away } from "./message.ts";

/** Who waited for less need not be told. */
const WORTH_TELLING_MS = 5 * 60_000;

/** What a chat is told whose messages could not reach us for a while; null when that was short. */
export function awayNotice({ from, to }: Away, zone: string): string | null {
  if (to - from <= WORTH_TELLING_MS) return null;
  const [start, end] = [from, to].map((at) => DateTime.fromMillis(at, { zone, locale: "en-GB" }));
  if (!start || !end) return null;
  const form = start.hasSame(end, "day") ? "HH:mm" : "ccc d LLL, HH:mm";
  return `I was away from ${start.toFormat(form)} to ${end.toFormat(form)}; answering now.`;
}
