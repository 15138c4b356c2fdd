import { type DateTime } from "luxon";
import { partOfDayHours, plainClockWords } from "./clock-words.ts";
import { numberOf, numberPattern } from "./duration.ts";
import { findTimeOfDay, type TimeOfDay } from "./time-of-day.ts";

export type Recurrence =
  | { kind: "cron"; cron: string; rest: string }
  | { kind: "interval"; ms: number; rest: string }
  | { kind: "ask"; question: string }
  | { kind: "refuse"; reason: string };

const dayNames = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const dayName = "(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:days?)?";
const dayList = `${dayName}(?:(?:\\s*,\\s*(?:and\\s+)?|\\s+and\\s+|\\s*&\\s*)(?:every\\s+|on\\s+)?${dayName}\\b)*`;
const part = "(?:morning|afternoon|evening|night)";

const unsupported =
  /\b(?:every|each)\s+(?:year|birthday)\b|\b(?:yearly|annually)\b|\b(?:every|each)\s+(?:second|third|fourth|last|other)\s+(?:sun|mon|tue|wed|thu|fri|sat)|\b(?:first|second|third|fourth|last)\s+\w+day\s+of\s+(?:the|every|each)\s+month|\blast day of\b/i;
const limited =
  /\b(?:until|till)\s+(?:\d|noon|midnight|tomorrow|tonight|next|the end|[a-z]+day\b)|\bfor (?:the next )?\w+ (?:days|weeks|months|hours)\b/i;
const interval = new RegExp(
  `\\b(?:every|each)\\s+(half(?: an)?\\s+|other\\s+|${numberPattern}\\s*)?(seconds?|secs?|s|minutes?|mins?|min|hours?|hrs?|h|days?|weeks?)\\b|\\b(hourly)\\b`,
  "i",
);
const days = new RegExp(
  `\\b(?:weekly\\s+)?(?:every|each)\\s+(weekdays?|work(?:ing)?\\s?days?|day|weekend|single day|${part}|${dayList}(?:\\s+${part})?)\\b|\\b(daily)\\b|\\b(?:weekly\\s+)?(?:on\\s+)?(weekdays|weekends|(?:${dayList}(?<=s)))\\b`,
  "i",
);
const month =
  /\b(?:(?:on|every)\s+)?(?:the\s+)?(first|\d{1,2}(?:st|nd|rd|th)?)(?:\s+day)?\s+of\s+(?:the|every|each)\s+month\b|\b(?:(?:every|each)\s+month|monthly)(?:\s+on\s+(?:the\s+)?(first|\d{1,2}(?:st|nd|rd|th)?))?/i;

/** The repetition that a text asks for, and the text without it; nothing when it asks for none. */
export function findRecurrence(text: string, now: DateTime): Recurrence | undefined {
  if (unsupported.test(text)) {
    return { kind: "refuse", reason: "I can only repeat by minutes, hours, days of the week, or a day of the month." };
  }
  const repeated = [month, interval, days].some((pattern) => pattern.test(text));
  if (repeated && limited.test(text)) {
    return {
      kind: "refuse",
      reason: "A repeated reminder goes on until it is cancelled; I cannot end it at a set time.",
    };
  }
  const onMonth = month.exec(text);
  if (onMonth) return monthly(text, onMonth, now);
  const every = interval.exec(text);
  if (every && !isDaily(every)) return byInterval(text, every);
  const onDays = days.exec(text);
  return onDays ? byDays(text, onDays, now) : undefined;
}

const isDaily = ([, count, unit]: RegExpExecArray): boolean => !count && unit?.toLowerCase() === "day";

function byInterval(text: string, match: RegExpExecArray): Recurrence {
  const [, count = "1", unit = "hour"] = match;
  if (/^week$/i.test(unit) && !match[1])
    return { kind: "ask", question: "On which day of the week, and at what time?" };
  const word = count.trim().toLowerCase();
  const factor = word.startsWith("half") ? 0.5 : word === "other" ? 2 : numberOf(word);
  const ms = Math.round(factor * unitMs(unit));
  if (ms < 60_000) {
    return { kind: "refuse", reason: "The shortest interval is one minute, so that a chat is not flooded." };
  }
  const [before, after] = around(text, match);
  const { time, rest } = findTimeOfDay(before, after);
  if (time && /^[dw]/i.test(unit)) {
    return { kind: "refuse", reason: "I can repeat after some days only by counting from now, not at a time of day." };
  }
  return { kind: "interval", ms, rest: time ? `${before} ${after}`.trim() : rest };
}

function unitMs(unit: string): number {
  const sizes: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
  return sizes[unit.charAt(0).toLowerCase()] ?? 0;
}

function byDays(text: string, match: RegExpExecArray, now: DateTime): Recurrence {
  const words = (match[1] ?? match[2] ?? match[3] ?? "").toLowerCase();
  return atTime(text, match, now, words, `* * ${weekdays(words)}`);
}

function weekdays(words: string): string {
  if (/weekday|work/.test(words)) return "1-5";
  if (/weekend/.test(words)) return "0,6";
  const named = words.match(new RegExp(`\\b${dayName}\\b`, "g")) ?? [];
  const numbers = named.map((name) => dayNames.findIndex((day) => day.startsWith(name.slice(0, 3))));
  return numbers.length > 0 ? [...new Set(numbers)].sort().join(",") : "*";
}

function monthly(text: string, match: RegExpExecArray, now: DateTime): Recurrence {
  const word = (match[1] ?? match[2])?.toLowerCase();
  if (!word) return { kind: "ask", question: "On which day of the month, and at what time?" };
  const day = word === "first" ? 1 : Number.parseInt(word, 10);
  if (day < 1 || day > 31) return { kind: "refuse", reason: `A month has no day ${day}.` };
  if (day > 28)
    return { kind: "refuse", reason: `Not every month has a day ${day}; the 28th is the last that all have.` };
  return atTime(text, match, now, "", `${day} * *`);
}

function atTime(text: string, match: RegExpExecArray, now: DateTime, words: string, daysOfCron: string): Recurrence {
  const [before, after] = around(text, match).map((piece) => plainClockWords(piece, now)) as [string, string];
  const { time, rest } = findTimeOfDay(before, after);
  const partOfDay = /morning|afternoon|evening|night/.exec(words)?.[0];
  const clock = time ? inPart(time, partOfDay) : vague(partOfDay);
  if (!clock) return { kind: "ask", question: "At what time of the day?" };
  if (clock.unsure) {
    return { kind: "ask", question: `Do you mean ${clock.hour} in the morning or ${clock.hour} in the afternoon?` };
  }
  if (/^(?:and|,|&)\s*(?:at\s+)?\d/i.test(rest)) {
    return { kind: "refuse", reason: "One reminder has one time of day; please make two." };
  }
  return { kind: "cron", cron: `${clock.minute} ${clock.hour} ${daysOfCron}`, rest };
}

function inPart(time: TimeOfDay, partOfDay: string | undefined): TimeOfDay {
  if (!partOfDay) return time;
  const later = partOfDay !== "morning" && time.hour < 12;
  return { hour: later ? time.hour + 12 : time.hour, minute: time.minute, unsure: false };
}

function vague(partOfDay: string | undefined): TimeOfDay | undefined {
  const hour = partOfDay ? partOfDayHours[partOfDay] : undefined;
  return hour === undefined ? undefined : { hour, minute: 0, unsure: false };
}

function around(text: string, match: RegExpExecArray): [string, string] {
  return [text.slice(0, match.index).trim(), text.slice(match.index + match[0].length).trim()];
}
