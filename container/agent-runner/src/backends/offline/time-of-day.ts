export interface TimeOfDay {
  hour: number;
  minute: number;
  /** True when "5" may mean 05:00 or 17:00. */
  unsure: boolean;
}

const meridiem = "(?:\\s*(am|pm|a\\.m\\.|p\\.m\\.)(?![\\w]))?";
const oclock = "(?:\\s*o'?clock)?";
const pattern =
  `(?:(?:at|@)\\s*(\\d{1,2})(?:[:.](\\d\\d))?${meridiem}${oclock}(?!\\w|:\\d)` +
  `|\\b(\\d{1,2}):(\\d\\d)${meridiem}|\\b(\\d{1,2})\\s*(am|pm)\\b|(?:at\\s+)?\\b(noon|midnight)\\b)`;

/** The time of day next to a place in the text, else the last one in it, and the text without it. */
export function findTimeOfDay(before: string, after: string): { time: TimeOfDay | undefined; rest: string } {
  const following = new RegExp(`^[\\s,:]*${pattern}`, "i").exec(after);
  if (following) return { time: timeOf(following), rest: join(before, after.slice(following[0].length)) };
  const preceding = new RegExp(`${pattern}\\s*,?\\s*$`, "i").exec(before);
  if (preceding) return { time: timeOf(preceding), rest: join(before.slice(0, preceding.index), after) };
  const whole = join(before, after);
  const last = [...whole.matchAll(new RegExp(pattern, "gi"))].at(-1);
  if (!last) return { time: undefined, rest: whole };
  return { time: timeOf(last), rest: join(whole.slice(0, last.index), whole.slice(last.index + last[0].length)) };
}

function timeOf(match: RegExpExecArray): TimeOfDay | undefined {
  const word = match[9]?.toLowerCase();
  if (word) return { hour: word === "noon" ? 12 : 0, minute: 0, unsure: false };
  const [hour = "", minute] = [match[1] ?? match[4] ?? match[7], match[2] ?? match[5]];
  const half = (match[3] ?? match[6] ?? match[8])?.toLowerCase();
  const time = { hour: hourOf(Number(hour), half), minute: Number(minute ?? 0) };
  if (time.hour > 23 || time.minute > 59) return undefined;
  return {
    ...time,
    unsure: !half && minute === undefined && !hour.startsWith("0") && time.hour >= 1 && time.hour <= 6,
  };
}

function hourOf(hour: number, half: string | undefined): number {
  if (!half || hour > 12) return hour;
  return (hour % 12) + (half.startsWith("p") ? 12 : 0);
}

const join = (before: string, after: string): string => `${before.trimEnd()} ${after.replace(/^[\s,]+/, "")}`.trim();
