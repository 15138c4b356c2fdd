import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../domain/clock.ts";
import { decideAfterSend, type SendResult } from "../domain/delivery.ts";
import type { Log } from "../domain/log.ts";
import type { OutboxRow } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { fileOf, isThere, removeCopy } from "./outgoing-files.ts";
import { persist } from "./persist.ts";
import { noteFailed, noteSent } from "./sent-and-failed.ts";

export interface RowSenderOptions {
  store: Store;
  channels: readonly Channel[];
  clock: Clock;
  log: Log;
  assistantName: string;
  /** Paths of files in rows begin here. */
  home: { root: string };
  checkpoint(point: Checkpoint): void;
}

export interface RowSender {
  /** Milliseconds until this row may be tried; 0: now. */
  pause(row: OutboxRow): number;
  /** One send and what became of it; rejects when that cannot be written down. */
  send(row: OutboxRow): Promise<void>;
  /** Never rejects. */
  acknowledged(messageId: string): Promise<void>;
  /** Late acknowledgements are written down. */
  settled(): Promise<void>;
}

/** A channel that does not come back may have sent it: unsure, and repeated with the same id. */
const SEND_MS = 60_000;
/** A file goes up first, perhaps on a slow line. */
const BYTES_PER_MS = 50;

export interface SenderSignals {
  /** The host stops: no more waiting for a database that is locked. */
  stopping: AbortSignal;
  /** It has stopped: what a send that is still under way brings is not written down any more. */
  stopped: AbortSignal;
}

export function createRowSender(options: RowSenderOptions, { stopping, stopped }: SenderSignals): RowSender {
  const { store, clock, log, checkpoint } = options;
  const patience: Patience = new Map();
  /** Whoever waits to hear of a send, by message id. */
  const waiting = new Map<string, (result: SendResult) => void>();
  const late = new Set<Promise<void>>();
  const write = <T>(work: () => T): Promise<T> =>
    persist(() => store.transaction(work), { clock, log, signal: stopping });

  const finish = async (row: OutboxRow): Promise<void> => {
    patience.delete(row.seq);
    await removeCopy(options.home.root, row);
  };

  const markLate = async (messageId: string): Promise<void> => {
    const row = await write(() => {
      const found = store.outbox.byMessageId(messageId);
      if (!found || found.status === "sent") return undefined;
      noteSent(options, found, { late: true });
      return found;
    });
    if (row) await finish(row);
  };

  return {
    pause: (row) => channelOf(options, row)?.pause(row.chat) ?? 0,
    send: async (row) => {
      checkpoint("before-send");
      const begun = clock.monotonic();
      const heard = new Promise<SendResult>((resolve) => waiting.set(row.messageId, resolve));
      const result = await trySend(options, row, heard).finally(() => waiting.delete(row.messageId));
      checkpoint("after-send");
      if (stopped.aborted) return;
      if ((await write(() => record(options, row, result, begun, patience))) === "over") await finish(row);
    },
    acknowledged: async (messageId) => {
      const tell = waiting.get(messageId);
      if (tell) return tell({ kind: "acknowledged" });
      const marked = markLate(messageId).catch((error: unknown) =>
        log.error({ messageId, error: (error as Error).message }, "Cannot note that a message was sent"),
      );
      late.add(marked);
      await marked.finally(() => late.delete(marked));
    },
    settled: async () => {
      await Promise.all(late);
    },
  };
}

/** When this host first sent a row, by `clock.monotonic`: patience is not measured with a clock that jumps. */
type Patience = Map<number, number>;

const channelOf = ({ channels }: RowSenderOptions, { chat }: OutboxRow): Channel | undefined =>
  channels.find((candidate) => candidate.owns(chat));

/** Nothing is awaited before the channel has it: the next row's `pause` counts this send. */
async function trySend(options: RowSenderOptions, row: OutboxRow, heard: Promise<SendResult>): Promise<SendResult> {
  const channel = channelOf(options, row);
  // Its network is switched off, or this host serves the local chat alone.
  if (!channel) return { kind: "offline" };
  const file = fileOf(options.home.root, row);
  if (file && !isThere(file)) return { kind: "refused", reason: `the file ${file.name} is no longer there` };
  const over = new AbortController();
  const unheard = options.clock
    .sleep(SEND_MS + (file?.bytes ?? 0) / BYTES_PER_MS, over.signal)
    .then((): SendResult => ({ kind: "unsure", detail: "no end of the send" }));
  try {
    const sent = channel.send({ chat: row.chat, messageId: row.messageId, text: row.text, file });
    return await Promise.race([sent, heard, unheard]);
  } catch (error) {
    return { kind: "unsure", detail: (error as Error).message };
  } finally {
    over.abort();
  }
}

function record(
  options: RowSenderOptions,
  row: OutboxRow,
  result: SendResult,
  begun: number,
  patience: Patience,
): "open" | "over" {
  const { store, clock } = options;
  // Somebody else may have heard of it while this was waiting to be written down.
  if (store.outbox.byMessageId(row.messageId)?.status === "sent") return "over";
  if (result.kind !== "offline" && !patience.has(row.seq)) patience.set(row.seq, begun);
  const since = clock.monotonic() - (patience.get(row.seq) ?? begun);
  const next = decideAfterSend(result, { sends: row.sends + 1, since, now: clock.now() });
  switch (next.kind) {
    case "sent":
      noteSent(options, row, { late: false });
      return "over";
    case "again":
      store.outbox.sendAgain(row.seq, next.at, next.counts);
      return "open";
    case "failed":
      noteFailed(options, row, next.reason);
      return "over";
    default:
      return next satisfies never;
  }
}
