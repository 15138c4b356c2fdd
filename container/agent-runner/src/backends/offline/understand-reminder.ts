import type { Intent, Schedule, Subject } from "./intent.ts";
import { findRecurrence } from "./recurrence.ts";
import { findWhen, type Clock } from "./when.ts";

const verb =
  /\b(?:remind(?:\s+(me|us|everyone|everybody|all of us|[\p{L}]+))?|(wake|alert|notify|ping)\s+(me|us)(?:\s+up)?|(?:set|create|add|make|schedule)\s+(?:me\s+|us\s+)?(?:an?\s+|the\s+)?(?:reminder|alarm)|^reminder(?=\s*:)|don't let (me|us) forget)\b/iu;

/** A reminder, or what is missing for one; nothing when the text is about something else. */
export function understandReminder(text: string, clock: Clock, replyTo?: string): Intent | undefined {
  const match = verb.exec(text);
  if (!match || isOtherUse(text, match)) return undefined;
  const person = match[1] ?? match[3] ?? match[4] ?? "me";
  if (!/^(?:me|us|everyone|everybody|all of us)$/i.test(person)) {
    return {
      kind: "ask",
      question: `I can only remind this chat. Say "remind me …" or "remind us …"; I will not reach ${person}.`,
    };
  }
  const timed = timeOf(joined(text, match, clock), clock);
  const subject = subjectOf(timed.rest, /^me$/i.test(person) ? "me" : "everybody", unsaidIn(match[0]), replyTo);
  return decide(timed, subject);
}

// "stop reminding me …" and "what did you remind me of" are not reminders.
const isOtherUse = (text: string, match: RegExpExecArray): boolean =>
  /\b(?:don't|do not|stop|never|did you|cancel|delete|remove)\b[^.]*$/i.test(text.slice(0, match.index));

/** A time before "remind me" is moved behind it: "at 17:30, remind me to stretch". Other words there are courtesy. */
function joined(text: string, match: RegExpExecArray, clock: Clock): string {
  const prelude = text.slice(0, match.index).replace(/[\s,:;-]+$/, "");
  const isTime = findRecurrence(prelude, clock.written) ?? findWhen(prelude, clock).kind !== "none";
  const before = isTime ? prelude : "";
  const after = text.slice(match.index + match[0].length).replace(/^[\s,:;-]+/, "");
  return `${after.replace(/[\s.!?]+$/, "")} ${before}`.trim();
}

type Timed =
  | { kind: "schedule"; schedule: Schedule; rest: string }
  | { kind: "ask"; question: string; rest: string }
  | { kind: "final"; answer: string; rest: string };

function timeOf(text: string, clock: Clock): Timed {
  const again = findRecurrence(text, clock.written);
  switch (again?.kind) {
    case "cron":
      return { kind: "schedule", schedule: { kind: "cron", cron: again.cron }, rest: again.rest };
    case "interval":
      return { kind: "schedule", schedule: { kind: "interval", ms: again.ms }, rest: again.rest };
    case "ask":
      return { kind: "ask", question: again.question, rest: "" };
    case "refuse":
      return { kind: "final", answer: `I did not set that. ${again.reason}`, rest: "" };
    case undefined:
      return once(text, clock);
    default:
      return again satisfies never;
  }
}

function once(text: string, clock: Clock): Timed {
  const when = findWhen(text, clock);
  if (when.kind === "none") return { kind: "ask", question: "When shall I remind you?", rest: text };
  if (when.kind === "ask") return when;
  const { at, rest, remark } = when;
  return { kind: "schedule", schedule: { kind: "once", at, ...(remark && { remark }) }, rest };
}

function subjectOf(rest: string, who: Subject["for"], unsaid: string, replyTo?: string): Subject {
  const [, link, text = ""] =
    /^[\s,:;-]*(?:for\s+(?=to\b))?(?:(to|about|of|that|for)\b)?[\s,:;-]*([\s\S]*?)[\s,;:-]*$/i.exec(rest) ?? [];
  if (/^(?:again|this|that|it)?$/i.test(text) && replyTo) return { text: quoted(replyTo), link: "none", for: who };
  if (text === "" && unsaid !== "") return { text: unsaid, link: unsaid === "wake up" ? "to" : "none", for: who };
  return { text, link: linkOf(link), for: who };
}

/** What is meant when nothing follows: "wake me at 7", "set an alarm for 7". */
function unsaidIn(verb: string): string {
  if (/^wake\b/i.test(verb)) return "wake up";
  return /\balarm$/i.test(verb) ? "alarm" : "";
}

function linkOf(word: string | undefined): Subject["link"] {
  const lower = word?.toLowerCase();
  if (lower === "to" || lower === "that") return lower;
  return lower === undefined ? "none" : "about";
}

const quoted = (text: string): string => text.replace(/^⏰ Reminder: /, "").trim();

const advice = 'Say it in one sentence, for example "remind me tomorrow at 9 to call mum".';

function decide(timed: Timed, subject: Subject): Intent {
  if (timed.kind === "final") return { kind: "ask", question: timed.answer };
  if (timed.kind === "ask") return { kind: "ask", question: `${timed.question} ${advice}` };
  if (/\band\s+(?:then\s+)?(?:at|in)\s+\d.*\bto\b/is.test(subject.text)) {
    return { kind: "ask", question: "That sounds like two reminders. Please send me one message for each." };
  }
  if (subject.text === "") return { kind: "ask", question: `What shall I remind you of? ${advice}` };
  return { kind: "remind", subject, schedule: timed.schedule };
}
