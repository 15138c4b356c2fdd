import type { DateTime } from "luxon";

/** "today", "tomorrow, Monday 23 November", "on Friday 27 November", with the year when it is another. */
export function dayPhrase(day: DateTime, now: DateTime): string {
  const english = day.setLocale("en-GB");
  const days = Math.round(day.startOf("day").diff(now.startOf("day"), "days").days);
  const date = english.toFormat(day.year === now.year ? "cccc d LLLL" : "cccc d LLLL yyyy");
  if (days === 0) return "today";
  return days === 1 ? `tomorrow, ${date}` : `on ${date}`;
}

/** The time of day, with seconds only where there are any. */
export function clockPhrase(at: DateTime): string {
  return at.toFormat(at.second === 0 ? "HH:mm" : "HH:mm:ss");
}

export function momentPhrase(at: DateTime, now: DateTime): string {
  const day = dayPhrase(at, now);
  return `${day}${day.startsWith("tomorrow") ? "," : ""} at ${clockPhrase(at)}`;
}
