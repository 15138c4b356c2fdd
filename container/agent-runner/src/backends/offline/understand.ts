import type { Intent } from "./intent.ts";
import { understandCancel } from "./understand-cancel.ts";
import { isCommand, isOtherLanguage } from "./not-for-us.ts";
import { understandReminder } from "./understand-reminder.ts";
import type { Clock } from "./when.ts";

export interface Words {
  text: string;
  /** What the message quotes, if it does. */
  replyTo?: string | undefined;
}

/** What a message asks for. */
export function understand({ text, replyTo }: Words, clock: Clock): Intent {
  const plain = withoutPoliteness(text);
  return (
    smallTalk(text.trim()) ??
    smallTalk(plain) ??
    understandReminder(plain, clock, replyTo) ??
    understandCancel(plain) ??
    (isList(plain) ? { kind: "list" } : undefined) ??
    understandSearch(plain) ??
    (isCommand(plain) ? { kind: "command" } : undefined) ??
    (isOtherLanguage(text) ? { kind: "not-english" } : { kind: "unknown" })
  );
}

const opening =
  /^(?:(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening))(?:\s+(?:there|you))?\b[\s,.!]*|(?:please|pls|ok|okay|so|and|also|then)\b[\s,]+|(?:can|could|would|will) you (?:please )?)+(?=[^\s.,!?])/i;
const closing = /[\s,.!]*\b(?:please|pls|thanks|thank you|thx)(?:\s+(?:a lot|so much|very much))?[\s.!]*$/i;

function withoutPoliteness(text: string): string {
  const straight = text.replace(/[\u2018\u2019]/g, "'").trim();
  const left = straight.replace(opening, "").replace(closing, "").trim();
  return left === "" ? straight : left;
}

function smallTalk(text: string): Intent | undefined {
  const words = text.toLowerCase().replace(/[\s.!?,]+$/, "");
  if (
    /^(?:help(?: me)?|\?+|commands|what can you do(?: for me)?|what do you do|how does this work|who are you|what are you)$/.test(
      words,
    )
  ) {
    return { kind: "help" };
  }
  if (/^(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening))(?: (?:there|you))?$/.test(words))
    return { kind: "hello" };
  if (/^(?:many )?(?:thanks|thank you|thx|ty|cheers)(?: (?:a lot|so much|very much|you))?$/.test(words))
    return { kind: "thanks" };
  return /^(?:ok|okay|great|perfect|fine|good|nice|cool|👍)$/.test(words) ? { kind: "silent-yes" } : undefined;
}

function isList(text: string): boolean {
  return (
    /^(?:list|show|display)\b.*\b(?:reminders?|tasks?|scheduled?)\b/i.test(text) ||
    /^(?:what|which|how many)\b.*\b(?:reminders?|tasks?)\b.*(?:\bhave\b|\bset\b|\bactive\b|\bthere\b|\bscheduled\b|\bmy\b|\?)/i.test(
      text,
    ) ||
    /^(?:what(?:'s| is) scheduled|(?:my |all )?(?:reminders|tasks)|do i have (?:any )?(?:reminders|tasks))\b[\s?.]*/i.test(
      text,
    )
  );
}

const searches = [
  /^search\s+(?:(?:for|through|in|about)\s+)?(?:(?:my|our|the|old|all)\s+)*(?:(?:messages?|history|chats?)\s+)?(?:(?:for|about|with)\s+)?(.+)$/is,
  /^look\s+(?:for|through|in)\s+(?:(?:my|our|the|old|all)\s+)*(?:messages?|history|chats?)\s+(?:for|about|with)\s+(.+)$/is,
  /^find\s+(?:(?:my|our|the|old|all)\s+)?messages?\s+(?:with|about|on|that mention|containing)\s+(.+)$/is,
  /^(?:what|when)\s+did\s+[\w' ]+?\s+(?:say|write|mention|tell you|tell me)(?:\s+(?:about|of|on))?\s+(.+)$/is,
  /^(?:did|have)\s+(?:i|we|you|he|she|they|anybody|anyone|someone)\s+(?:say|said|mention|mentioned|write|written)\s+(?:anything\s+)?(?:about\s+)?(.+)$/is,
];

function understandSearch(text: string): Intent | undefined {
  const topic = searches.map((pattern) => pattern.exec(text)?.[1]).find((found) => found !== undefined);
  if (topic === undefined) return undefined;
  const words = topic
    .replace(/[?!.,"“”]+/g, " ")
    .trim()
    .split(/\s+/);
  const telling = words.filter(
    (word) => !/^(?:the|a|an|my|our|your|his|her|their|about|of|on|for|any|some)$/i.test(word),
  );
  const query = (telling.length > 0 ? telling : words).join(" ");
  return query === "" ? { kind: "ask", question: "What shall I search for?" } : { kind: "search", query };
}
