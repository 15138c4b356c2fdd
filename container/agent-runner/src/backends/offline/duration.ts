const numbers: Record<string, number> = {
  a: 1,
  an: 1,
  one: 1,
  two: 2,
  three: 3,
  four: 4,
  five: 5,
  six: 6,
  seven: 7,
  eight: 8,
  nine: 9,
  ten: 10,
  eleven: 11,
  twelve: 12,
  fifteen: 15,
  twenty: 20,
  thirty: 30,
  forty: 40,
  "forty-five": 45,
  fifty: 50,
  sixty: 60,
  ninety: 90,
};

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const numberPattern = `(?:\\d+(?:[.,]\\d+)?|${Object.keys(numbers)
  .sort((a, b) => b.length - a.length)
  .join("|")})`;
const unitPattern = "(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h)\\b";
const part = `(?:half an hour|(?:a )?quarter of an hour|three quarters of an hour|${numberPattern} and a half ${unitPattern}|${numberPattern}\\s*${unitPattern}(?: and a half)?)`;

/** Matches hours, minutes and seconds in figures or words: "an hour and 20 minutes", "90 s". */
export const durationPattern = `${part}(?:(?:\\s*,\\s*|\\s+and\\s+|\\s+)${part})*`;

/** A number as `numberPattern` matches it. */
export function numberOf(word: string): number {
  return numbers[word.toLowerCase()] ?? Number(word.replace(",", "."));
}

/** Milliseconds of a text that `durationPattern` matched. */
export function durationMs(text: string): number {
  const parts = text.toLowerCase().match(new RegExp(part, "g")) ?? [];
  return Math.round(parts.reduce((sum, one) => sum + partMs(one), 0));
}

function partMs(text: string): number {
  if (text.startsWith("half an")) return HOUR / 2;
  if (text.startsWith("three quarters")) return (HOUR / 4) * 3;
  if (text.endsWith("quarter of an hour")) return HOUR / 4;
  const [, count = "1", unit = "s"] = new RegExp(`^(${numberPattern})(?: and a half)?\\s*([a-z]+)`).exec(text) ?? [];
  const half = text.includes("and a half") ? 0.5 : 0;
  return (numberOf(count) + half) * unitMs(unit);
}

function unitMs(unit: string): number {
  if (unit.startsWith("h")) return HOUR;
  return unit.startsWith("m") ? MINUTE : SECOND;
}
