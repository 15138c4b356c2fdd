import type { SendResult } from "../domain/delivery.ts";
import type { Jid } from "../domain/ids.ts";
import type { InboundChange, InboundMessage } from "../domain/message.ts";

export interface Outgoing {
  chat: Jid;
  /** Chosen by the host; a repeated send carries the same one. */
  messageId: string;
  /** Markdown; with a file, its caption. */
  text: string;
  file: OutgoingFile | null;
}

export interface OutgoingFile {
  /** Of the host's own copy. */
  path: string;
  /** As the receiver shall see it. */
  name: string;
  mime: string;
  bytes: number;
}

/**
 * Commits one message to the ledger. The channel tells its network "arrived" only when this
 * resolves; when it rejects, the message was not taken and must come again.
 */
export type Receive = (message: InboundMessage) => Promise<{ seq: number | undefined; duplicate: boolean }>;

/** The same for a change of an earlier message. */
export type ReceiveChange = (change: InboundChange) => Promise<void>;

/** A network of chats. Its own connection is its own affair: `start` does not wait for it. */
export interface Channel {
  readonly name: string;
  owns(chat: Jid): boolean;
  /** May be called once. Throws only for what can never work. */
  start(): Promise<void>;
  /** Says what became of one send; may throw when that is unknown. The same id twice is shown once. */
  send(message: Outgoing): Promise<SendResult>;
  /** Milliseconds until a message may go out to this chat; 0: now. */
  pause(chat: Jid): number;
  /** Shows, for some seconds, that an answer is being written, or stops showing it. Must not throw. */
  typing(chat: Jid, on: boolean): void;
  /** Whether messages can go out right now, in words for `status`; since when, in epoch ms, where that is known. */
  state(): { connected: boolean; detail: string; since?: number | null };
  /** May be repeated. */
  stop(): Promise<void>;
}
