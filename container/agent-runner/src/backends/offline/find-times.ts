import { GB } from "chrono-node/en";
import type { ParsedResult, ParsedComponents } from "chrono-node";
import type { DateTime } from "luxon";

/** What a phrase says about a time; whatever it leaves open is missing. */
export interface TimeWords {
  /** The words themselves, of the date and of the time. */
  words: string;
  date?: ParsedComponents;
  time?: ParsedComponents;
}

export type FoundTimes =
  | ({ kind: "found"; ranges: { index: number; 0: string }[] } & TimeWords)
  | { kind: "ask"; question: string }
  | { kind: "none" };

/**
 * The phrase that is meant as the time: the one at the beginning, else the one at the end. Others
 * belong to what the reminder says ("buy 2 pm tickets at 17:30").
 */
export function findTimes(text: string, reference: DateTime): FoundTimes {
  const phrases = parse(text, reference).filter((phrase) => isTime(phrase, text));
  const first = phrases.find((phrase) => /^[\s,:-]*(?:(?:on|at|by)\s+)?$/i.test(text.slice(0, phrase.index)));
  const last = phrases.find((phrase) => /^[\s.,!?;:]*$/.test(text.slice(phrase.index + phrase.text.length)));
  const main = first ?? last ?? phrases[0];
  if (!main) return { kind: "none" };
  if (!first && !last && phrases.length > 1) {
    return { kind: "ask", question: "I see more than one time in that. Which one do you mean?" };
  }
  return combined(main, partner(main, phrases));
}

// The wall clock is given as if it were UTC: what comes back is wall clock too, whatever the
// process's own zone is, and daylight saving is left to the caller.
function parse(text: string, reference: DateTime): ParsedResult[] {
  const instant = reference.setZone("utc", { keepLocalTime: true }).toJSDate();
  return GB.parse(text, { instant, timezone: 0 }, { forwardDate: true });
}

function isTime(phrase: ParsedResult, text: string): boolean {
  const words = phrase.text.toLowerCase();
  if (/^(?:now|last \w+|\d+ ?[a-z])$/.test(words)) return false;
  // "in a few minutes": the parser takes three, but nobody said so.
  if (/\b(?:few|some|several)\b/.test(words)) return false;
  // "sun cream", "sat nav", "wed": a short weekday counts only where it cannot be another word.
  const before = text.slice(0, phrase.index).toLowerCase();
  if (/^(?:mon|tue|wed|thu|fri|sat|sun)$/.test(words)) return /\b(?:on|next|this)\s+$/.test(before);
  return hasDate(phrase.start) || hasTime(phrase.start);
}

const tagged = (words: ParsedComponents, pattern: RegExp): boolean =>
  [...words.tags()].some((tag) => pattern.test(tag));

export const hasDate = (words: ParsedComponents): boolean =>
  words.isCertain("day") || words.isCertain("weekday") || tagged(words, /relativeDate/);

export const hasTime = (words: ParsedComponents): boolean =>
  words.isCertain("hour") ||
  tagged(words, /casualReference\/(?:morning|afternoon|evening|night|tonight|noon|midnight)/);

/** "tomorrow … at 9": a date alone and a time alone belong together. */
function partner(main: ParsedResult, phrases: ParsedResult[]): ParsedResult | undefined {
  const missing = hasDate(main.start) ? (hasTime(main.start) ? undefined : "time") : "date";
  const wanted = phrases.filter((phrase) => {
    if (phrase === main) return false;
    if (missing === "time") return hasTime(phrase.start) && !hasDate(phrase.start);
    return missing === "date" && hasDate(phrase.start) && !hasTime(phrase.start);
  });
  return wanted.length === 1 ? wanted[0] : undefined;
}

function combined(main: ParsedResult, other: ParsedResult | undefined): FoundTimes {
  const phrases = other ? [main, other] : [main];
  const date = phrases.find((phrase) => hasDate(phrase.start))?.start;
  const time = phrases.find((phrase) => hasTime(phrase.start))?.start;
  return {
    kind: "found",
    words: phrases.map((phrase) => phrase.text).join(" "),
    ranges: phrases.map((phrase) => ({ index: phrase.index, 0: phrase.text })),
    ...(date && { date }),
    ...(time && { time }),
  };
}
