import type { SendResult } from "../domain/delivery.ts";
import type { Jid } from "../domain/ids.ts";
import type { InboundMessage } from "../domain/message.ts";

export interface Outgoing {
  chat: Jid;
  /** Chosen by the host; a repeated send carries the same one. */
  messageId: string;
  text: string;
}

/**
 * Commits one message to the ledger. The channel tells its network "arrived" only when this
 * resolves; when it rejects, the message was not taken and must come again.
 */
export type Receive = (message: InboundMessage) => Promise<{ seq: number | undefined; duplicate: boolean }>;

/** A network of chats. Its own connection is its own affair: `start` does not wait for it. */
export interface Channel {
  readonly name: string;
  owns(chat: Jid): boolean;
  /** May be called once. Throws only for what can never work. */
  start(): Promise<void>;
  /** Says what became of one send; may throw when that is unknown. The same id twice is shown once. */
  send(message: Outgoing): Promise<SendResult>;
  /** Whether messages can go out right now, in words for `status`. */
  state(): { connected: boolean; detail: string };
  /** May be repeated. */
  stop(): Promise<void>;
}
