const units: readonly { letters: readonly string[]; word: string; ms: number }[] = [
  { letters: ["d", "day", "days"], word: "d", ms: 86_400_000 },
  { letters: ["h", "hour", "hours"], word: "h", ms: 3_600_000 },
  { letters: ["m", "min", "minute", "minutes"], word: "min", ms: 60_000 },
  { letters: ["s", "sec", "second", "seconds"], word: "s", ms: 1_000 },
];

/** `2 h 10 min`: the two largest parts, as nobody wants the seconds of a day, unless more are asked for. */
export function durationWords(ms: number, parts = 2): string {
  const first = units.findIndex((unit) => ms >= unit.ms);
  if (first === -1) return "0 s";
  let rest = ms;
  const words = units.slice(first, first + parts).map((unit) => {
    const count = Math.floor(rest / unit.ms);
    rest -= count * unit.ms;
    return count === 0 ? "" : `${count} ${unit.word}`;
  });
  return words.filter((part) => part !== "").join(" ");
}

/** Milliseconds of `90m`, `2h`, `1 day`, `1h30m`; a number alone is milliseconds. Undefined: it is none. */
export function parseDuration(text: string): number | undefined {
  const given = text.trim().toLowerCase();
  if (/^\d+$/.test(given)) return safe(Number(given));
  if (!/^(\d+\s*[a-z]+\s*)+$/.test(given)) return undefined;
  let total = 0;
  for (const [, count, letters = ""] of given.matchAll(/(\d+)\s*([a-z]+)/g)) {
    const unit = units.find((one) => one.letters.includes(letters));
    if (!unit) return undefined;
    total += Number(count) * unit.ms;
  }
  return safe(total);
}

const safe = (ms: number): number | undefined => (Number.isSafeInteger(ms) ? ms : undefined);
