import type { Clock } from "../domain/clock.ts";
import { localJid, MAIN, newMessageId } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { spokenText } from "../domain/outgoing.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { OutboxRow } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";

export interface NoteOptions {
  store: Store;
  clock: Clock;
  log: Log;
  assistantName: string;
}

const idsOf = (row: OutboxRow) => ({ chat: row.chat, outbox: row.seq, turn: row.turn });

/** @param late nobody waited for the acknowledgement any more: the row may have been given up. */
export function noteSent(options: NoteOptions, row: OutboxRow, { late }: { late: boolean }): void {
  const { store, clock, log, assistantName } = options;
  const now = clock.now();
  store.outbox.markSent(row.seq, now, !late);
  if (row.turn !== null && row.error !== null) store.tasks.clearUnsent(row.turn, unsent(row.error));
  keepInHistory(store, row, assistantName, now);
  log.info({ ...idsOf(row), ...(late && { late }) }, "Message sent");
}

/** The owner, the run log and (from the row itself) the agent get to know. */
export function noteFailed({ store, clock, log }: NoteOptions, row: OutboxRow, reason: string): void {
  store.outbox.markFailed(row.seq, reason);
  if (row.turn !== null && row.task !== null) store.tasks.logUnsent(row.turn, unsent(reason));
  tellOwner(store, row, reason, clock.now());
  log.error({ ...idsOf(row), reason }, "Message could not be sent");
}

const unsent = (reason: string): string => `not sent: ${reason}`;

/** On the owner's local chat, which needs no network. */
function tellOwner(store: Store, row: OutboxRow, reason: string, now: number): void {
  const chat = localJid(MAIN);
  if (row.chat === chat) return;
  store.outbox.add({
    chat,
    folder: MAIN,
    messageId: newMessageId(),
    text: `A message to ${row.chat} could not be sent: ${reason}. It began: "${cutAtCharacter(spokenText(row), 80)}"`,
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
    text: spokenText(row),
    sentAt: now,
    fromOwner: false,
    fromAssistant: true,
    mentionsUs: false,
    aside: false,
    quote: null,
    attachments: [],
    away: null,
  };
  store.messages.add(message, row.folder, { decision: "ignored", reason: "from-assistant" }, now);
}
