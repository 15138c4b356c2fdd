import type { Intent, Which } from "./intent.ts";

const ordinals: Record<string, number> = {
  first: 1,
  second: 2,
  third: 3,
  fourth: 4,
  fifth: 5,
  sixth: 6,
  seventh: 7,
  eighth: 8,
  ninth: 9,
  tenth: 10,
  last: -1,
};

const verbs = /^(cancel|delete|remove|undo|drop|clear|stop|forget|end)\b\s*(.*)$/is;
const stopReminding =
  /^(?:stop reminding me|(?:don't|do not) remind me)(?:\s+(?:to|about|of|that))?\s*(.*?)(?:\s+any\s?more)?[.!]*$/is;

export function understandCancel(text: string): Intent | undefined {
  const stopped = stopReminding.exec(text);
  const [, verb = "", object] = verbs.exec(text) ?? [];
  const rest = stopped?.[1] ?? object;
  if (rest === undefined) return undefined;
  // "forget it", "stop the war": with these verbs only a word that belongs to reminders makes it ours.
  if (!stopped && /^(?:drop|clear|stop|forget|end)$/i.test(verb) && !isAboutReminders(rest)) return undefined;
  const words = rest.replace(/[.!?]+$/, "").trim();
  return { kind: "cancel", which: whichOf(words) ?? byWords(words) };
}

function whichOf(words: string): Which | undefined {
  const id = /\btask-[a-z0-9]{8}\b/.exec(words)?.[0];
  if (id) return { kind: "id", id };
  if (
    /^(?:all|everything|all of them|them all|(?:all )?(?:of )?(?:the |my )?(?:reminders|tasks))(?: (?:reminders|tasks))?$/i.test(
      words,
    )
  ) {
    return { kind: "all" };
  }
  if (/^(?:it|that|this|(?:that|this|the|my) (?:one|reminder|task))?$/i.test(words)) return { kind: "only" };
  const numbers = numbersIn(words);
  return numbers.length > 0 ? { kind: "numbers", numbers } : undefined;
}

// Only sentences made of nothing but numbers: "the 9 o'clock reminder" is no number 9.
function numbersIn(words: string): number[] {
  const items = words
    .toLowerCase()
    .split(/(?:[\s,&]|\b(?:the|and|number|numbers|no|nr|reminder|reminders|task|tasks|one|ones|#)\b|#)+/)
    .filter((item) => item !== "");
  const numbers = items.map((item) => ordinals[item] ?? Number(/^(\d{1,3})(?:st|nd|rd|th)?\.?$/.exec(item)?.[1]));
  return numbers.every((number) => Number.isInteger(number)) ? [...new Set(numbers)] : [];
}

const isAboutReminders = (words: string): boolean => /\b(?:reminders?|tasks?|alarms?|ones?)\b/i.test(words);

function byWords(words: string): Which {
  const telling = words
    .replace(/\b(?:the|my|a|an|reminders?|tasks?|alarms?|one|about|to|for|of|that|please)\b/gi, " ")
    .replace(/["“”'.,]/g, " ")
    .replace(/\s+/g, " ")
    .trim();
  return telling === "" ? { kind: "only" } : { kind: "words", words: telling };
}
