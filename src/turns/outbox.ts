import { LONGEST_PAUSE_MS } from "../domain/delivery.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import type { OutboxRow } from "../store/outbox.ts";
import { sweepCopies } from "./outgoing-files.ts";
import { createRowSender, type RowSenderOptions } from "./send-row.ts";

export interface OutboxOptions extends RowSenderOptions {
  /** Rows were written. */
  wake: WakeUp;
}

export interface OutboxSender {
  start(): void;
  /** The network has this message, whoever still waited to hear that. Never throws. */
  acknowledged(messageId: string): void;
  /** Sends what can be sent within some seconds, then stops. May be repeated. */
  stop(): Promise<void>;
}

const POLL_MS = 1_000;
/** How long stopping waits for sends that are under way; the next start repeats them with the same id. */
const FLUSH_MS = 10_000;

/**
 * The only way out. Rows leave in order per chat with the id they were given when they were
 * written; the ledger says "sent" only when the network does.
 */
export function createOutboxSender(options: OutboxOptions): OutboxSender {
  const { store, clock, log, wake } = options;
  const stopping = new AbortController();
  const stopped = new AbortController();
  const sender = createRowSender(options, { stopping: stopping.signal, stopped: stopped.signal });
  /** By row: of a chat only the first pending one is ever due, whatever the chat is called by then. */
  const sending = new Map<number, Promise<void>>();
  let loop: Promise<void> | undefined;
  let failing = false;

  const send = async (row: OutboxRow): Promise<void> => {
    try {
      await sender.send(row);
      failing = false;
      wake.now();
    } catch (error) {
      failing = true;
      log.error({ outbox: row.seq, error: (error as Error).message }, "Cannot note what became of a message");
    } finally {
      sending.delete(row.seq);
    }
  };

  /** @returns milliseconds until it is worth looking again. */
  const pass = (): number => {
    let next = POLL_MS;
    try {
      for (const row of store.outbox.due(clock.now(), LONGEST_PAUSE_MS)) {
        if (sending.has(row.seq)) continue;
        const pause = sender.pause(row);
        if (pause > 0) next = Math.min(next, pause);
        else sending.set(row.seq, send(row));
      }
    } catch (error) {
      log.error({ error: (error as Error).message }, "Cannot read the outbox, trying again");
    }
    return next;
  };

  const work = async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(pass(), AbortSignal.any([stopping.signal, wake.next()]));
    }
  };

  /** What can go out now; the rest is kept, and the next start sends it. */
  const flush = async (): Promise<void> => {
    failing = false;
    do {
      await Promise.all(sending.values());
      if (!failing && !stopped.signal.aborted) pass();
    } while (sending.size > 0 && !stopped.signal.aborted);
  };

  return {
    start: () => {
      if (loop) return;
      sweepCopies(options);
      loop = work();
    },
    acknowledged: (messageId) => {
      void sender.acknowledged(messageId).then(wake.now);
    },
    stop: async () => {
      stopping.abort();
      await loop;
      const flushed = new AbortController();
      await Promise.race([flush().finally(() => flushed.abort()), clock.sleep(FLUSH_MS, flushed.signal)]);
      stopped.abort();
      await sender.settled();
    },
  };
}
