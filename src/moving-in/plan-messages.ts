import { decideMessage, type ChatFacts, type Verdict } from "../domain/decide.ts";
import type { RegisteredChat } from "../domain/group.ts";
import { MAIN } from "../domain/ids.ts";
import { cleanText, MESSAGE_MAX_BYTES } from "../domain/message.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { ForkMessage, ForkPlace } from "../store/fork-database.ts";
import type { Identity } from "./plan-groups.ts";
import { readTime } from "./read-time.ts";

/** Up to where each chat was answered, as the old system kept it. */
export interface Cursors {
  /** Epoch ms by chat; a chat that is not in it was never answered. */
  byChat: ReadonlyMap<string, number>;
  /** What counts where a chat's own cannot be read. */
  fallback: number;
  /** Not all of it could be read. */
  damaged: boolean;
}

/**
 * From `router_state`. When the per-chat cursors cannot be read, everything that the old system had
 * seen counts as answered: once too few is better than a second answer to everything.
 */
export function readCursors(perChat: string | null, seen: string | null): Cursors {
  const seenAt = readTime(seen) ?? Infinity;
  if (perChat === null) return { byChat: new Map(), fallback: -Infinity, damaged: false };
  const map = parseObject(perChat);
  if (!map) return { byChat: new Map(), fallback: seenAt, damaged: true };
  const read = Object.entries(map).map(([chat, value]) => ({ chat, value, at: readTime(String(value)) }));
  const isNever = (value: unknown) => value === "" || value === null;
  return {
    byChat: new Map(read.map(({ chat, value, at }) => [chat, at ?? (isNever(value) ? -Infinity : seenAt)])),
    fallback: -Infinity,
    damaged: read.some(({ value, at }) => at === undefined && !isNever(value)),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

export interface PlacedMessage {
  row: number;
  chat: string;
  sentAt: number;
  /** Its own time could not be read; this is the one of the message before it. */
  guessed: boolean;
}

/** All messages in the order of their times; those of one second in the order in which they were stored. */
export function placeMessages(places: readonly ForkPlace[]): PlacedMessage[] {
  const last = new Map<string, number>();
  return places
    .toSorted((a, b) => a.row - b.row)
    .map(({ row, chat, timestamp }) => {
      const name = chat ?? "";
      const own = readTime(timestamp);
      const sentAt = own ?? last.get(name) ?? 0;
      last.set(name, sentAt);
      return { row, chat: name, sentAt, guessed: own === undefined };
    })
    .sort((a, b) => a.sentAt - b.sentAt || a.row - b.row);
}

export interface MessageFacts {
  message: ForkMessage;
  placed: PlacedMessage;
  chat: RegisteredChat;
  cursors: Cursors;
  identity: Identity;
  now: number;
  ageLimit: number;
}

export interface PlannedMessage {
  text: string;
  cut: boolean;
  senderName: string;
  sender: string;
  fromOwner: boolean;
  fromAssistant: boolean;
  /** The old system dealt with it. */
  answered: boolean;
  verdict: Verdict;
}

/** What a message of the old system is here. */
export function planMessage(facts: MessageFacts): PlannedMessage {
  const { message, placed, chat, cursors, identity } = facts;
  const fromMe = isFromMe(message, chat, identity);
  const said = cleanText(message.content ?? "");
  const fromAssistant = isAssistant(message, said, fromMe, identity);
  const whole = fromAssistant ? withoutName(said, identity.assistantName) : said;
  const text = fitting(whole);
  const sender = senderOf(message, placed.chat, fromMe, identity);
  const { hasOwnNumber, owners } = identity;
  const digits = /^\d+/.exec(sender)?.[0] ?? "";
  const fromOwner = !fromAssistant && (hasOwnNumber ? owners.includes(digits) : fromMe);
  // One with the cursor's own time counts as answered: that second may have held two, of which one was.
  const cursor = cursors.byChat.get(placed.chat) ?? cursors.fallback;
  const answered = placed.sentAt <= cursor;
  return {
    ...{ text, cut: text.length < whole.length, sender, fromOwner, fromAssistant, answered },
    senderName: cleanText(message.senderName ?? "").trim() || digits || "?",
    verdict: verdictOf(facts, { sender, text, fromOwner, fromAssistant, answered }, chat),
  };
}

type Known = Pick<PlannedMessage, "sender" | "text" | "fromOwner" | "fromAssistant" | "answered">;

function verdictOf({ placed, identity, now, ageLimit }: MessageFacts, known: Known, chat: RegisteredChat): Verdict {
  const place: ChatFacts = { chat, guests: "shown", held: false };
  const heard = { ...known, sentAt: placed.sentAt, mentionsUs: false, aside: false };
  const { assistantName } = identity;
  const verdict = decideMessage({
    message: { ...heard, hasAttachments: false, repliesToUs: false },
    ...{ place, assistantName, now, ageLimit },
  });
  // Without a time of its own nobody knows whether it was answered.
  const isOver =
    (known.answered || placed.guessed) && verdict.decision !== "ignored" && verdict.reason !== "sender-not-allowed";
  return isOver ? { decision: "context", reason: "moved-in" } : verdict;
}

/** Before that was noted, it can be told by the account, or in the owner's chat with themselves. */
function isFromMe({ fromMe, sender }: ForkMessage, chat: RegisteredChat, { account }: Identity): boolean {
  if (fromMe !== null) return fromMe === "1";
  const isMains = chat.folder === MAIN && !chat.jid.endsWith("@g.us") && sender === chat.jid;
  return sender !== null && (sender === account || isMains);
}

function isAssistant(message: ForkMessage, said: string, fromMe: boolean, identity: Identity): boolean {
  if (message.bot === "1") return true;
  if (identity.hasOwnNumber) return fromMe;
  // Before there was a flag, its words were known by its name; anybody can write that name.
  return (fromMe || message.fromMe === null) && said.startsWith(`${identity.assistantName}:`);
}

const withoutName = (said: string, name: string): string =>
  said.startsWith(`${name}:`) ? said.slice(name.length + 1).trimStart() : said;

function senderOf({ sender }: ForkMessage, chat: string, fromMe: boolean, { account }: Identity): string {
  // Of what the account itself wrote to a person, the old system kept the person as the sender.
  if (fromMe && account !== null) return account;
  return cleanText(sender ?? "").trim() || chat;
}

function fitting(text: string): string {
  if (text.length * 3 <= MESSAGE_MAX_BYTES || Buffer.byteLength(text) <= MESSAGE_MAX_BYTES) return text;
  return cutAtCharacter(text, Math.floor(MESSAGE_MAX_BYTES / 3));
}
