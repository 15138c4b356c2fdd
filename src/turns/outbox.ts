import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../domain/clock.ts";
import { decideAfterSend, type SendResult } from "../domain/delivery.ts";
import type { Log } from "../domain/log.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import type { OutboxRow } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";
import { persist } from "./persist.ts";
import type { Checkpoint } from "./turn.ts";

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
  let loop: Promise<void> | undefined;

  const pass = async (): Promise<void> => {
    let due = store.outbox.due(clock.now());
    while (due.length > 0) {
      await Promise.all(due.map((row) => sendRow(options, row)));
      due = store.outbox.due(clock.now());
    }
  };

  const work = async () => {
    while (!stopping.signal.aborted) {
      await pass().catch((error: unknown) => {
        log.error({ error: (error as Error).message }, "Cannot read the outbox, trying again");
      });
      await clock.sleep(POLL_MS, AbortSignal.any([stopping.signal, wake.next()]));
    }
  };

  return {
    start: () => {
      loop ??= work();
    },
    stop: async () => {
      stopping.abort();
      await loop;
      await pass().catch(() => {}); // the rows are kept; the next start sends them
    },
  };
}

async function sendRow(options: OutboxOptions, row: OutboxRow): Promise<void> {
  const { store, clock, log, checkpoint } = options;
  checkpoint("before-send");
  const result = await trySend(options, row);
  checkpoint("after-send");
  await persist(() => store.transaction(() => record(options, row, result)), { clock, log });
}

async function trySend({ channels }: OutboxOptions, row: OutboxRow): Promise<SendResult> {
  const channel = channels.find((candidate) => candidate.owns(row.chat));
  if (!channel) return { kind: "refused", reason: "no channel serves this chat" };
  try {
    return await channel.send({ chat: row.chat, messageId: row.messageId, text: row.text });
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
      log.error({ ...ids, reason: next.reason }, "Message could not be sent");
      break;
    default:
      next satisfies never;
  }
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
