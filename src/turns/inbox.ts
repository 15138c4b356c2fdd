import type { Clock } from "../domain/clock.ts";
import { decideMessage, type Verdict } from "../domain/decide.ts";
import { cleanText, type InboundMessage } from "../domain/message.ts";
import type { Log } from "../domain/log.ts";
import type { Store } from "../store/store.ts";
import { persist } from "./persist.ts";

export interface Received {
  /** Absent for a chat that is not registered: nothing of it is stored. */
  seq: number | undefined;
  verdict: Verdict;
  duplicate: boolean;
}

export interface InboxOptions {
  store: Store;
  clock: Clock;
  log: Log;
  assistantName: string;
  ageLimit: number;
  /** A folder has work. */
  onWork(): void;
}

/** How long a channel waits for the database before it must tell its network "not taken". */
const PATIENCE_MS = 10_000;

export type Inbox = (channel: string, message: InboundMessage) => Promise<Received>;

/**
 * Step one of a message's way: decided and committed. Only when the promise resolves may the
 * network be told that the message arrived; when it rejects, the message was not taken.
 */
export function createInbox({ store, clock, log, assistantName, ageLimit, onWork }: InboxOptions): Inbox {
  const commit = (channel: string, message: InboundMessage): Received => {
    const now = clock.now();
    const chat = store.groups.chat(message.chat);
    const verdict = decideMessage({ message, chat, assistantName, now, ageLimit });
    store.groups.seen(message.chat, channel, message.sentAt);
    if (!chat) return { seq: undefined, verdict, duplicate: false };
    const seq = store.messages.add(message, chat.folder, verdict, now);
    if (seq === undefined) {
      const known = store.messages.find(message.chat, message.sender, message.id);
      return { seq: known?.seq, verdict, duplicate: true };
    }
    if (verdict.decision === "wakes") joinWaitingTurn(store, message, now);
    return { seq, verdict, duplicate: false };
  };

  return async (channel, message) => {
    const clean = cleaned(message);
    const received = await persist(() => store.transaction(() => commit(channel, clean)), {
      clock,
      log,
      patience: PATIENCE_MS,
    });
    const { seq, verdict, duplicate } = received;
    log.info({ chat: message.chat, seq, ...verdict, duplicate }, "Message received");
    if (verdict.decision === "wakes" && !duplicate) onWork();
    return received;
  };
}

const cleaned = (message: InboundMessage): InboundMessage => ({
  ...message,
  text: cleanText(message.text),
  senderName: cleanText(message.senderName),
  quote: message.quote && { ...message.quote, text: cleanText(message.quote.text) },
});

/** A person who writes again does not wait for the back-off of what they wrote before. */
function joinWaitingTurn(store: Store, message: InboundMessage, now: number): void {
  const waiting = store.turns.openMessageTurn(message.chat);
  if (waiting?.status === "queued") store.turns.makeDue(waiting.id, now);
}
