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
  quote: { id: string; text: string; ours: boolean } | null;
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
