import { type DateTime } from "luxon";
import { plainClockWords } from "./clock-words.ts";
import { durationMs, durationPattern } from "./duration.ts";
import { findTimes } from "./find-times.ts";
import { resolveTime, type Moment } from "./resolve-time.ts";

export interface Clock {
  /** Now, in the chat's zone. */
  now: DateTime;
  /** When the person wrote; words like "tomorrow" count from here. In the chat's zone. */
  written: DateTime;
}

export type When =
  | { kind: "at"; at: DateTime; rest: string; remark?: string }
  | { kind: "ask"; question: string; rest: string }
  | { kind: "none" };

const LATE_MS = 60_000;
/** For what is due already: soon, but as a task like any other. */
const AT_ONCE_MS = 2_000;

/** Finds the one time a text speaks of, and the text without it. */
export function findWhen(text: string, clock: Clock): When {
  const when = withinReach(findDuration(text, clock) ?? findDate(text, clock));
  if (when.kind !== "at" || when.at > clock.now) return when;
  // "in 0 seconds"
  if (when.at.toMillis() === clock.now.toMillis()) return { ...when, at: clock.now.plus({ milliseconds: AT_ONCE_MS }) };
  const remark = `That was meant for ${when.at.toFormat("HH:mm:ss")}, but I only read it now, so it comes right away.`;
  return { ...when, at: clock.now.plus({ milliseconds: AT_ONCE_MS }), remark };
}

const LAST_YEAR = 9999;

function withinReach(when: When): When {
  if (when.kind !== "at" || (when.at.isValid && when.at.year <= LAST_YEAR)) return when;
  return { kind: "ask", question: "That is too far away for me. When shall I remind you?", rest: when.rest };
}

const untilThen = new RegExp(`\\b(?:in|after)\\s+(${durationPattern})(?:'s time)?(?![\\w-])`, "gi");
const fromNow = new RegExp(`\\b(${durationPattern})\\s+from now\\b`, "gi");

// Hours, minutes and seconds are counted on the time line, not on the clock face: "in 3 hours" is
// three hours also on the night when the clocks change.
function findDuration(text: string, clock: Clock): When | undefined {
  const matches = [...text.matchAll(untilThen), ...text.matchAll(fromNow)];
  const leading = matches.find((match) => match.index === 0);
  const match = leading ?? matches.at(-1);
  if (!match) return undefined;
  // "in 1 day and 3 hours": the date parser takes such a mixture as a whole.
  if (/\b(?:days?|weeks?|months?)\s*(?:,|and)?\s*$/i.test(text.slice(0, match.index))) return undefined;
  const delayed = clock.now.diff(clock.written).toMillis() > LATE_MS;
  const at = (delayed ? clock.written : clock.now).plus({ milliseconds: durationMs(match[1] ?? "") });
  return { kind: "at", at, rest: cut(text, [match]) };
}

function findDate(text: string, clock: Clock): When {
  const plain = plainClockWords(text, clock.written);
  const found = findTimes(plain, clock.written);
  if (found.kind !== "found") return found.kind === "none" ? found : { ...found, rest: plain };
  const rest = cut(plain, found.ranges);
  const moment: Moment = resolveTime(found, clock.written);
  return { ...moment, rest };
}

interface Range {
  index: number;
  0: string;
}

function cut(text: string, ranges: Range[]): string {
  const fromTheEnd = [...ranges].sort((a, b) => b.index - a.index);
  return fromTheEnd
    .reduce((left, range) => beforePhrase(left, range) + " " + left.slice(range.index + range[0].length), text)
    .replace(/[ \t]{2,}/g, " ")
    .trim();
}

/** The date parser leaves out the "at" of "at noon". */
const beforePhrase = (text: string, range: Range): string =>
  text.slice(0, range.index).replace(/\b(?:at|on|by|for|in the)\s+$/i, "");
