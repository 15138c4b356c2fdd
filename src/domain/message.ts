import type { Jid } from "./ids.ts";

/** A message as a channel hands it over: ids canonical, text decoded, nothing decided. */
export interface InboundMessage {
  chat: Jid;
  /** Chosen by the sender's client; unique only together with chat and sender. */
  id: string;
  sender: string;
  senderName: string;
  text: string;
  /** The network's time, epoch milliseconds. */
  sentAt: number;
  fromOwner: boolean;
  /** Written by the assistant itself, seen as an echo. */
  fromAssistant: boolean;
  /** Names us with a real mention. */
  mentionsUs: boolean;
  /** Only worth knowing beside others: a reaction. It never calls the assistant. */
  aside: boolean;
  quote: ClaimedQuote | null;
  attachments: readonly Attachment[];
  /** The time in which it could not reach us; null when it came as it was sent. */
  away: Away | null;
}

/** A quote as the sender's client tells it; any of it may be made up. */
export interface ClaimedQuote {
  id: string;
  /** Canonical. */
  sender: string;
  text: string;
}

/** A quote that was looked up. */
export interface KnownQuote {
  id: string;
  text: string;
  /** The ledger does not have that message: the text is the sender's word alone. */
  claimed: boolean;
}

/** A message as the ledger keeps it. */
export interface LedgerMessage extends Omit<InboundMessage, "quote"> {
  quote: KnownQuote | null;
}

/** A file that came with a message. */
export interface Attachment {
  kind: "image" | "video" | "audio" | "voice" | "document" | "sticker";
  /** As the agent finds it, below its working folder (`inbox/…`); null when it could not be had. */
  path: string | null;
  /** As the sender called it, made safe. */
  name: string;
  /** As the sender claims. */
  mime: string;
  /** Size in bytes; null when unknown. */
  bytes: number | null;
  /** Why it could not be had. */
  problem: string | null;
}

/** Epoch milliseconds. */
export interface Away {
  from: number;
  to: number;
}

/** Somebody changed or withdrew a message. Who may is decided against the ledger, not by what the stanza claims. */
export interface InboundChange {
  chat: Jid;
  /** Of the change itself. */
  id: string;
  sender: string;
  senderName: string;
  sentAt: number;
  fromOwner: boolean;
  /** The message that it is about. */
  target: string;
  /** The new text; null withdraws the message. */
  text: string | null;
  /** An admin of the group may withdraw what others wrote. */
  byAdmin: boolean;
}

/** What became of a message when it arrived. */
export const decisions = ["ignored", "context", "wakes"] as const;
export type Decision = (typeof decisions)[number];

/** Longest text that a message may have, in UTF-8 bytes. */
export const MESSAGE_MAX_BYTES = 1024 * 1024;

/** The refusal of a message that has more. */
export const messageTooLong = (bytes: number | string): string =>
  `The message has ${bytes} bytes; the limit is ${MESSAGE_MAX_BYTES} (${MESSAGE_MAX_BYTES / 2 ** 20} MiB). Nothing was stored. Put long material into a file in the group's folder and name it.`;

/** NUL and lone surrogates break JSON, terminals and full-text search; they become U+FFFD. */
export const cleanText = (text: string): string => text.toWellFormed().replaceAll("\0", "\u{FFFD}");
