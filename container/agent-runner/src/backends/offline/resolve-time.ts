import type { ParsedComponents } from "chrono-node";
import { DateTime, FixedOffsetZone } from "luxon";
import { partOfDayHours } from "./clock-words.ts";
import { dayPhrase } from "./say-time.ts";
import type { TimeWords } from "./find-times.ts";

export type Moment = { kind: "at"; at: DateTime; remark?: string } | { kind: "ask"; question: string };

const ask = (question: string): Moment => ({ kind: "ask", question });

/** From words to an instant, counted from the wall clock of `from` and in its zone; or what to ask. */
export function resolveTime({ words, date, time }: TimeWords, from: DateTime): Moment {
  if (!date && time) return timeAlone(words, time, from);
  if (!date) return ask("When shall I remind you?");
  const day = dayOf(words, date, from);
  if (day.startOf("day") < from.startOf("day")) return past(day.toFormat("cccc d LLLL yyyy"));
  if (!time) return dateAlone(words, day, from);
  const clock = clockOf(words, time);
  if (clock.unsure && clock.hour <= 6) return ask(`Do you mean ${face(clock)} or ${face(laterHalf(clock))}?`);
  const at = placed(day, clock, time);
  if (at.at > from) return at;
  // "on Sunday at 20:00", said on a Sunday at 21:00, means the next one.
  if (date.isCertain("weekday") && !date.isCertain("day")) return placed(day.plus({ weeks: 1 }), clock, time);
  return past(at.at.toFormat("cccc d LLLL yyyy, HH:mm"));
}

const past = (when: string): Moment => ask(`${when} is already past. When shall I remind you?`);

type Placed = Extract<Moment, { kind: "at" }>;

interface ClockFace {
  hour: number;
  minute: number;
  second: number;
  /** True when "5" may mean 05:00 or 17:00. */
  unsure: boolean;
}

function timeAlone(words: string, time: ParsedComponents, from: DateTime): Moment {
  const clock = clockOf(words, time);
  const today = placed(from, clock, time);
  if (today.at > from) return today;
  const later = placed(from, laterHalf(clock), time);
  if (clock.unsure && later.at > from) {
    return ask(`Do you mean ${face(laterHalf(clock))} today or ${face(clock)} tomorrow?`);
  }
  if (clock.unsure && clock.hour <= 6) return ask(`Do you mean ${face(clock)} or ${face(laterHalf(clock))} tomorrow?`);
  const tomorrow = placed(from.plus({ days: 1 }), clock, time);
  if (clock.hour === 0) return tomorrow;
  const remark = `${face(clock)} today is already past, so I took tomorrow.`;
  return { ...tomorrow, remark: tomorrow.remark ? `${remark} ${tomorrow.remark}` : remark };
}

function dateAlone(words: string, day: DateTime, from: DateTime): Moment {
  if (/^in\b/i.test(words)) return { kind: "at", at: day };
  return ask(`At what time ${dayPhrase(day, from)}?`);
}

// The year, or which of the coming Sundays, is decided here: the parser decides it by its own day.
function dayOf(words: string, date: ParsedComponents, from: DateTime): DateTime {
  const [year, month, day] = [date.get("year"), date.get("month"), date.get("day")].map((part) => part ?? 1);
  const parsed = from.set({ year: year ?? 1, month: month ?? 1, day: day ?? 1 });
  if (!date.isCertain("day") && date.isCertain("weekday") && !/\bnext\b/i.test(words)) {
    return from.plus({ days: (parsed.weekday - from.weekday + 7) % 7 });
  }
  if (date.isCertain("year")) return parsed;
  const thisYear = parsed.set({ year: from.year });
  return thisYear.startOf("day") < from.startOf("day") ? thisYear.plus({ years: 1 }) : thisYear;
}

function clockOf(words: string, time: ParsedComponents): ClockFace {
  const part = vaguePart(time);
  if (part && !time.isCertain("hour")) return { hour: partOfDayHours[part] ?? 9, minute: 0, second: 0, unsure: false };
  const hour = time.get("hour") ?? 0;
  const written = /\d[:.]\d\d|\b0\d\b/.test(words) || /\bnoon\b|\bmidnight\b/i.test(words);
  const unsure = !written && !part && !time.isCertain("meridiem") && hour >= 1 && hour < 12;
  return { hour, minute: time.get("minute") ?? 0, second: time.get("second") ?? 0, unsure };
}

function vaguePart(time: ParsedComponents): string | undefined {
  const tags = [...time.tags()].join(" ");
  if (/\/(?:tonight|night)/.test(tags)) return "night";
  return /\/(morning|afternoon|evening)/.exec(tags)?.[1];
}

const laterHalf = (clock: ClockFace): ClockFace => ({ ...clock, hour: clock.hour + 12 });

const face = ({ hour, minute }: ClockFace): string =>
  `${String(hour % 24).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;

/** Puts a clock time on a day, and says so when the clocks change just there. */
function placed(day: DateTime, { hour, minute, second }: ClockFace, time: ParsedComponents): Placed {
  const { year, month, day: date } = day;
  const wall = { year, month, day: date, hour, minute, second };
  // "in 1 day and 3 hours" counts on the wall clock, which the parser takes for UTC.
  const named = time.isCertain("timezoneOffset") && !time.tags().has("result/relativeDateAndTime");
  const offset = named ? time.get("timezoneOffset") : null;
  if (offset !== null) {
    return { kind: "at", at: DateTime.fromObject(wall, { zone: FixedOffsetZone.instance(offset) }).setZone(day.zone) };
  }
  const at = DateTime.fromObject(wall, { zone: day.zone });
  if (at.hour !== hour) {
    const remark = `The clocks go forward that night and ${face({ hour, minute, second, unsure: false })} does not exist; I took ${at.toFormat("HH:mm")}.`;
    return { kind: "at", at, remark };
  }
  const [first, second_] = at.getPossibleOffsets();
  if (!first || !second_) return { kind: "at", at };
  return {
    kind: "at",
    at: first,
    remark: `The clocks go back then and ${at.toFormat("HH:mm")} comes twice; I took the first.`,
  };
}
