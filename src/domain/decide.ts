import type { RegisteredChat } from "./group.ts";
import { MAIN } from "./ids.ts";
import type { Decision, InboundMessage } from "./message.ts";
import { startsWithTrigger } from "./trigger.ts";

export type DecisionReason =
  | "not-registered"
  | "from-assistant"
  | "empty"
  | "too-old"
  | "sender-not-allowed"
  | "no-trigger"
  | "main"
  | "no-trigger-needed"
  | "trigger"
  | "mention"
  | "reply";

export interface Verdict {
  decision: Decision;
  reason: DecisionReason;
}

export interface DecisionFacts {
  message: InboundMessage;
  /** Absent when the chat is not registered. */
  chat: RegisteredChat | undefined;
  assistantName: string;
  now: number;
  /** Milliseconds; older messages are context, not a call. */
  ageLimit: number;
}

/** Does this message wake its group, is it only context for the next turn, or nothing at all? */
export function decideMessage({ message, chat, assistantName, now, ageLimit }: DecisionFacts): Verdict {
  if (!chat) return { decision: "ignored", reason: "not-registered" };
  if (message.fromAssistant) return { decision: "ignored", reason: "from-assistant" };
  if (message.text.trim() === "") return { decision: "ignored", reason: "empty" };
  if (!mayWake(message, chat)) return { decision: "context", reason: "sender-not-allowed" };
  const call = findCall(message, chat, assistantName);
  if (call === "no-trigger") return { decision: "context", reason: call };
  if (now - message.sentAt > ageLimit) return { decision: "context", reason: "too-old" };
  return { decision: "wakes", reason: call };
}

function mayWake(message: InboundMessage, chat: RegisteredChat): boolean {
  if (message.fromOwner || chat.senders === "everyone") return true;
  return chat.senders !== "owner" && chat.senders.includes(message.sender);
}

function findCall(message: InboundMessage, chat: RegisteredChat, assistantName: string): DecisionReason {
  if (chat.folder === MAIN) return "main";
  if (!chat.requiresTrigger) return "no-trigger-needed";
  if (startsWithTrigger(message.text, chat.trigger ?? `@${assistantName}`)) return "trigger";
  if (message.mentionsUs) return "mention";
  return message.quote?.ours ? "reply" : "no-trigger";
}

const sentences: Record<DecisionReason, string> = {
  "not-registered": "the chat is not registered; add it with: nanoclaw groups add",
  "from-assistant": "it was written by the assistant itself",
  empty: "it has no text",
  "too-old": "it was too old when it arrived (NANOCLAW_MESSAGE_AGE_LIMIT); it is context for the next turn",
  "sender-not-allowed": "its sender may not start turns here (groups set --senders); it is context for the next turn",
  "no-trigger": "it did not call the assistant by its trigger; it is context for the next turn",
  main: "the main group needs no trigger",
  "no-trigger-needed": "this chat needs no trigger",
  trigger: "it began with the trigger",
  mention: "it mentioned the assistant",
  reply: "it replied to the assistant",
};

/** The reason as half a sentence, for `why`. */
export const explainReason = (reason: string): string => sentences[reason as DecisionReason] ?? reason;
