import type { Guests, RegisteredChat } from "./group.ts";
import { MAIN } from "./ids.ts";
import type { Decision } from "./message.ts";
import { judge, roleOf } from "./rights.ts";
import { startsWithTrigger } from "./trigger.ts";

export type DecisionReason =
  | "not-registered"
  | "from-assistant"
  | "command"
  | "empty"
  | "too-old"
  | "sender-not-allowed"
  | "guest-hidden"
  | "other-account"
  | "aside"
  | "no-trigger"
  | "main"
  | "no-trigger-needed"
  | "trigger"
  | "mention"
  | "reply"
  | "edited"
  | "deleted"
  | "withdrawn"
  | "change-made"
  | "moved-in"
  | "duplicate";

export interface Verdict {
  decision: Decision;
  reason: DecisionReason;
}

/** What of a message decides; the same for one that just came and one that was edited. */
export interface Heard {
  sender: string;
  text: string;
  sentAt: number;
  fromOwner: boolean;
  fromAssistant: boolean;
  mentionsUs: boolean;
  aside: boolean;
  hasAttachments: boolean;
  /** It quotes what the assistant said in this chat. */
  repliesToUs: boolean;
}

export interface ChatFacts {
  chat: RegisteredChat;
  guests: Guests;
  /** The chat was registered for another account, and nobody confirmed it for this one. */
  held: boolean;
}

export interface DecisionFacts {
  message: Heard;
  /** Absent when the chat is not registered. */
  place: ChatFacts | undefined;
  assistantName: string;
  now: number;
  /** Milliseconds; older messages are context, not a call. */
  ageLimit: number;
  /** It is a command of the console; an edited message never is. */
  isCommand?: boolean;
}

/** Does this message wake its group, is it only context for the next turn, or nothing at all? */
export function decideMessage(facts: DecisionFacts): Verdict {
  const { message, place, assistantName, now, ageLimit, isCommand = false } = facts;
  if (!place) return { decision: "ignored", reason: "not-registered" };
  if (message.fromAssistant) return { decision: "ignored", reason: "from-assistant" };
  if (message.text.trim() === "" && !message.hasAttachments) return { decision: "ignored", reason: "empty" };
  const guest = decideGuest(message, place);
  if (guest) return guest;
  if (place.held) return { decision: "context", reason: "other-account" };
  if (message.aside) return { decision: "context", reason: "aside" };
  const isOld = now - message.sentAt > ageLimit;
  if (isCommand && !isOld) return { decision: "ignored", reason: "command" };
  const call = findCall(message, place.chat, assistantName);
  if (call === "no-trigger") return { decision: "context", reason: call };
  if (isOld) return { decision: "context", reason: "too-old" };
  return { decision: "wakes", reason: call };
}

/** What is said of an earlier message, after a turn took that one: it never starts another. */
export function decideLateChange(
  change: Pick<Heard, "sender" | "fromOwner">,
  place: ChatFacts,
  reason: "edited" | "deleted",
): Verdict {
  return decideGuest(change, place) ?? { decision: "context", reason };
}

function decideGuest(message: Pick<Heard, "sender" | "fromOwner">, { chat, guests }: ChatFacts): Verdict | undefined {
  if (mayWake(message, chat)) return undefined;
  return guests === "hidden"
    ? { decision: "ignored", reason: "guest-hidden" }
    : { decision: "context", reason: "sender-not-allowed" };
}

/** Whether the chat waits for another account is asked after this: a guest is one there, too. */
function mayWake(message: Pick<Heard, "sender" | "fromOwner">, { folder, senders }: RegisteredChat): boolean {
  const actor = { kind: "person", role: roleOf(message, senders), folder } as const;
  return judge({ actor, action: "start_turn", chat: { folder, held: false } }).allowed;
}

function findCall(message: Heard, chat: RegisteredChat, assistantName: string): DecisionReason {
  if (chat.folder === MAIN) return "main";
  if (!chat.requiresTrigger) return "no-trigger-needed";
  if (startsWithTrigger(message.text, chat.trigger ?? `@${assistantName}`)) return "trigger";
  if (message.mentionsUs) return "mention";
  return message.repliesToUs ? "reply" : "no-trigger";
}

const sentences: Record<DecisionReason, string> = {
  "not-registered": "the chat is not registered; add it with: nanoclaw groups add",
  "from-assistant": "it was written by the assistant itself",
  command: "it was a command, which the host itself answers",
  empty: "it has neither text nor a file",
  "too-old": "it was too old when it arrived (NANOCLAW_MESSAGE_AGE_LIMIT); it is context for the next turn",
  "sender-not-allowed": "its sender may not start turns here (groups set --senders); it is context for the next turn",
  "guest-hidden": "its sender may not start turns here, and guests are hidden from the agent (groups set --guests)",
  "other-account":
    "the chat was registered for another WhatsApp account (nanoclaw groups confirm); it is context for the next turn",
  aside: "it is a reaction; it is context for the next turn",
  "no-trigger": "it did not call the assistant by its trigger; it is context for the next turn",
  main: "the main group needs no trigger",
  "no-trigger-needed": "this chat needs no trigger",
  trigger: "it began with the trigger",
  mention: "it mentioned the assistant",
  reply: "it replied to the assistant",
  edited: "it edits a message that a turn had taken already; it is context for the next turn",
  deleted: "it withdraws a message that a turn had taken already; it is context for the next turn",
  withdrawn: "it was deleted before a turn took it",
  "change-made": "it changed an earlier message that no turn had taken yet",
  "moved-in": "it came before the move from the old system, which dealt with it",
  duplicate: "it came a second time, under the sender's other id",
};

/** The reason as half a sentence, for `why`. */
export const explainReason = (reason: string): string => sentences[reason as DecisionReason] ?? reason;
