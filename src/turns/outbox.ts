import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../domain/clock.ts";
import { decideAfterSend, REPEAT_MS, type SendResult } from "../domain/delivery.ts";
import { localJid, MAIN, newMessageId, type Jid } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import type { OutboxRow } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";
import { persist } from "./persist.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface OutboxOptions {
  store: Store;
  channels: readonly Channel[];
  clock: Clock;
  log: Log;
  assistantName: string;
  /** Rows were written. */
  wake: WakeUp;
  checkpoint(point: Checkpoint): void;
}

export interface OutboxSender {
  start(): void;
  /** Sends what can be sent now, then stops. May be repeated. */
  stop(): Promise<void>;
}

const POLL_MS = 1_000;

/**
 * The only way out. Rows leave in order per chat with the id they were given when they were
 * written; the ledger says "sent" only when the network does.
 */
export function createOutboxSender(options: OutboxOptions): OutboxSender {
  const { store, clock, log, wake } = options;
  const stopping = new AbortController();
  /** One send at a time per chat; a chat that hangs does not hold up the others. */
  const sending = new Map<Jid, Promise<void>>();
  let loop: Promise<void> | undefined;
  let failing = false;

  const send = async (row: OutboxRow): Promise<void> => {
    try {
      await sendRow(options, row, stopping.signal);
      failing = false;
      wake.now();
    } catch (error) {
      failing = true;
      log.error({ outbox: row.seq, error: (error as Error).message }, "Cannot note what became of a message");
    } finally {
      sending.delete(row.chat);
    }
  };

  const pass = (): void => {
    try {
      for (const row of store.outbox.due(clock.now(), REPEAT_MS)) {
        if (!sending.has(row.chat)) sending.set(row.chat, send(row));
      }
    } catch (error) {
      log.error({ error: (error as Error).message }, "Cannot read the outbox, trying again");
    }
  };

  const work = async () => {
    while (!stopping.signal.aborted) {
      pass();
      await clock.sleep(POLL_MS, AbortSignal.any([stopping.signal, wake.next()]));
    }
  };

  /** What can go out now; the rest is kept, and the next start sends it. */
  const flush = async (): Promise<void> => {
    failing = false;
    do {
      await Promise.all(sending.values());
      if (!failing) pass();
    } while (sending.size > 0);
  };

  return {
    start: () => {
      loop ??= work();
    },
    stop: async () => {
      stopping.abort();
      await loop;
      await flush();
    },
  };
}

async function sendRow(options: OutboxOptions, row: OutboxRow, signal: AbortSignal): Promise<void> {
  const { store, clock, log, checkpoint } = options;
  checkpoint("before-send");
  const result = await trySend(options, row);
  checkpoint("after-send");
  await persist(() => store.transaction(() => record(options, row, result)), { clock, log, signal });
}

/** A channel that does not come back may have sent it: unsure, and repeated with the same id. */
const SEND_MS = 60_000;

async function trySend({ channels, clock }: OutboxOptions, row: OutboxRow): Promise<SendResult> {
  const channel = channels.find((candidate) => candidate.owns(row.chat));
  if (!channel) return { kind: "refused", reason: "no channel serves this chat" };
  try {
    const over = new AbortController();
    const late = clock
      .sleep(SEND_MS, over.signal)
      .then((): SendResult => ({ kind: "unsure", detail: "no end of the send" }));
    const sent = channel.send({ chat: row.chat, messageId: row.messageId, text: row.text });
    return await Promise.race([sent, late]).finally(() => over.abort());
  } catch (error) {
    return { kind: "unsure", detail: (error as Error).message };
  }
}

function record({ store, clock, log, assistantName }: OutboxOptions, row: OutboxRow, result: SendResult): void {
  const now = clock.now();
  const next = decideAfterSend(result, row.sends + 1, now);
  const ids = { chat: row.chat, outbox: row.seq, turn: row.turn };
  switch (next.kind) {
    case "sent":
      store.outbox.markSent(row.seq, now);
      keepInHistory(store, row, assistantName, now);
      log.info(ids, "Message sent");
      break;
    case "again":
      store.outbox.sendAgain(row.seq, next.at, next.counts);
      break;
    case "failed":
      store.outbox.markFailed(row.seq, next.reason);
      tellOwner(store, row, next.reason, now);
      log.error({ ...ids, reason: next.reason }, "Message could not be sent");
      break;
    default:
      next satisfies never;
  }
}

/** On the owner's local chat, which needs no network. */
function tellOwner(store: Store, row: OutboxRow, reason: string, now: number): void {
  const chat = localJid(MAIN);
  if (row.chat === chat) return;
  store.outbox.add({
    chat,
    folder: MAIN,
    messageId: newMessageId(),
    text: `A message to ${row.chat} could not be sent: ${reason}. It began: "${cutAtCharacter(row.text, 80)}"`,
    source: "notice",
    turn: null,
    task: null,
    requestKey: null,
    now,
  });
}

/** What was said is part of the chat, whoever said it: search finds both sides. */
function keepInHistory(store: Store, row: OutboxRow, senderName: string, now: number): void {
  const message = {
    chat: row.chat,
    id: row.messageId,
    sender: "assistant",
    senderName,
    text: row.text,
    sentAt: now,
    fromOwner: false,
    fromAssistant: true,
    mentionsUs: false,
    quote: null,
  };
  store.messages.add(message, row.folder, { decision: "ignored", reason: "from-assistant" }, now);
}
