import type { WAMessage } from "baileys";
import { createHash } from "node:crypto";
import type { Clock } from "../../domain/clock.ts";
import type { Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import type { Attachment, Away } from "../../domain/message.ts";
import { createWakeUp } from "../../domain/wake-up.ts";
import type { Account, WhatsAppLedger } from "./ledger.ts";
import type { LinkStore, OpenMessage } from "./link-store.ts";
import { openStanza, type Me } from "./open-stanza.ts";
import { readContent } from "./read-content.ts";
import type { Media } from "./read-content-media.ts";
import { translate, type Translated } from "./translate.ts";
import { withoutWords } from "./without-words.ts";

export interface InboxReaderOptions {
  store: Pick<LinkStore, "openMessages" | "markDone">;
  ledger: WhatsAppLedger;
  me(): Me;
  account(): Account;
  ownNumber: boolean;
  /** Since when we could not be reached, for what waited for us. */
  away(): Away | null;
  fetchMedia(media: Media, chat: Jid, stem: string, signal: AbortSignal): Promise<Attachment>;
  clock: Clock;
  log: Log;
}

export interface InboxReader {
  /** There may be something new. */
  wake(): void;
  start(): void;
  /** Resolves when nothing is in its hands any more; what is not in the ledger comes again at the next start. */
  stop(): Promise<void>;
}

/** A net below `wake`. */
const LOOK_MS = 5_000;
const AGAIN_MS = 2_000;
const MOST_REFUSALS = 5;

/**
 * Hands what was received over to the ledger, in order per chat. The store is the only source, also for
 * what came a moment ago: after a crash nothing is different.
 */
export function createInboxReader(options: InboxReaderOptions): InboxReader {
  const { store, clock, log } = options;
  const stopping = new AbortController();
  const wakeUp = createWakeUp();
  const chats = new Map<string, Promise<void>>();
  let lastSeq = 0;
  let loop: Promise<void> | undefined;

  const queue = (message: OpenMessage): void => {
    const { from = "", recipient } = message.attrs;
    const chat = recipient ?? from;
    const ahead = chats.get(chat);
    const handled = inTurn(options, message, ahead, stopping.signal);
    const after = ahead ? Promise.all([ahead, handled]).then(() => {}) : handled;
    chats.set(chat, after);
    void after.finally(() => chats.get(chat) === after && chats.delete(chat));
  };

  const look = (): void => {
    for (;;) {
      const found = store.openMessages(lastSeq);
      found.messages.forEach(queue);
      if (found.lastSeq === lastSeq) return;
      lastSeq = found.lastSeq;
    }
  };

  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        look();
      } catch (error) {
        log.error({ error: (error as Error).message }, "Cannot read what was received, trying again");
      }
      await clock.sleep(LOOK_MS, AbortSignal.any([stopping.signal, wakeUp.next()]));
    }
  };

  return {
    wake: wakeUp.now,
    start: () => {
      loop ??= work();
    },
    stop: async () => {
      stopping.abort();
      await loop;
      await Promise.all(chats.values());
    },
  };
}

/**
 * After what came before in this chat, which may wait long for a file. A command does not: it may be
 * there to end just that waiting. Never rejects.
 */
async function inTurn(
  options: InboxReaderOptions,
  message: OpenMessage,
  ahead: Promise<void> | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (ahead && !(await isCommand(options, message))) await ahead;
  await handOver(options, message, signal);
}

async function isCommand(options: InboxReaderOptions, message: OpenMessage): Promise<boolean> {
  try {
    const said = translated(options, message, await openStanza(message, options.me()));
    return said.kind === "message" && said.media === null && options.ledger.isCommand(said.message);
  } catch {
    return false; // it is looked at again in its turn
  }
}

/**
 * Never rejects: what follows in this chat waits until the ledger has it. A message that the ledger
 * refuses for reasons of its own is passed over until the next start: it must not block the chat for ever.
 */
async function handOver(options: InboxReaderOptions, message: OpenMessage, signal: AbortSignal): Promise<void> {
  const { store, clock, log, ledger } = options;
  let attachments: readonly Attachment[] | undefined;
  for (let refusals = 0; !signal.aborted && refusals < MOST_REFUSALS;) {
    try {
      const stanza = await readStanza(options, message);
      const said = stanza && translated(options, message, stanza);
      if (said?.kind === "message" && said.media) attachments ??= await fetched(options, said, message, signal);
      if (signal.aborted) return;
      if (said) await deliver(options, said, attachments ?? []);
      store.markDone(message.messageKey, clock.now(), stanza && isNobodys(options, stanza) ? withoutWords : undefined);
      return;
    } catch (error) {
      log.error({ error: (error as Error).message }, "Cannot take a received message, trying again");
      if (!ledger.mayPass(error)) refusals += 1;
      if (refusals === MOST_REFUSALS) tellPassedOver(options, message, error as Error);
      await clock.sleep(AGAIN_MS, signal);
    }
  }
}

function tellPassedOver({ ledger, log }: InboxReaderOptions, message: OpenMessage, { message: reason }: Error): void {
  const text = `A WhatsApp message could not be taken (${reason}). It is kept, and tried again at the next start.`;
  try {
    ledger.tell(`refused/${message.messageKey}`, text);
  } catch (error) {
    log.error({ error: (error as Error).message }, "Cannot tell of a message that was passed over");
  }
}

/** Of a chat that nobody registered nothing is kept but that it exists. */
const isNobodys = ({ ledger }: InboxReaderOptions, { key }: WAMessage): boolean =>
  ledger.mayWrite(ledger.canonical(key.remoteJid ?? "")) === "unregistered";

/** Undefined: no stanza that anybody can read, now or later. */
async function readStanza(options: InboxReaderOptions, message: OpenMessage) {
  const { me, log } = options;
  let stanza: WAMessage;
  try {
    stanza = await openStanza(message, me());
  } catch (error) {
    log.warn({ error: (error as Error).message }, "A received stanza cannot be read");
    return undefined;
  }
  learn(options, message, stanza);
  return stanza;
}

/**
 * The envelope names both ids of whoever wrote, or of whom the own phone wrote to. A pair of which one
 * side alone is our own would give a stranger's chat to the owner.
 */
function learn({ ledger, account }: InboxReaderOptions, { attrs }: OpenMessage, { key }: WAMessage): void {
  const toWhom = attrs["peer_recipient_pn"] ?? attrs["peer_recipient_lid"];
  const isOwnDirect = key.fromMe === true && !key.participant;
  const pairs = [
    [key.remoteJid, isOwnDirect ? toWhom : key.remoteJidAlt],
    [key.participant, key.participantAlt],
  ];
  const { pn, lid } = account();
  const isOwn = (jid: string) => [pn, lid].includes(jid.replace(/:\d+@/, "@"));
  for (const [one, other] of pairs) {
    if (!one || !other || isOwn(one) !== isOwn(other)) continue;
    if (one.endsWith("@lid") && other.endsWith("@s.whatsapp.net")) ledger.learn(one, other);
    else if (other.endsWith("@lid") && one.endsWith("@s.whatsapp.net")) ledger.learn(other, one);
  }
}

function translated(options: InboxReaderOptions, { attrs, storedAt }: OpenMessage, stanza: WAMessage): Translated {
  const { ledger, ownNumber, account, away } = options;
  const content = readContent(stanza.message ?? {});
  const waited = attrs["offline"] === undefined ? null : away();
  return translate({ stanza, content, ledger, ownNumber, account: account(), away: waited, storedAt });
}

async function fetched(
  { ledger, fetchMedia }: InboxReaderOptions,
  { message, media }: Extract<Translated, { kind: "message" }>,
  { storedAt, messageKey }: OpenMessage,
  signal: AbortSignal,
): Promise<Attachment[]> {
  // Of chats that nobody registered nothing is kept.
  if (!media || ledger.folderOf(message.chat) === undefined) return [];
  const day = new Date(storedAt).toISOString().slice(0, 10);
  const mark = createHash("sha256").update(messageKey).digest("hex").slice(0, 8);
  return [await fetchMedia(media, message.chat, `${day}-${mark}`, signal)];
}

async function deliver(
  { ledger, log, ownNumber }: InboxReaderOptions,
  said: Translated,
  attachments: readonly Attachment[],
): Promise<void> {
  switch (said.kind) {
    case "nothing":
      return log.debug({ why: said.why }, "Received and passed over");
    case "change":
      return ledger.change(said.change);
    case "message": {
      const { chat, sender, text, fromAssistant } = said.message;
      if (ownNumber && !fromAssistant && ledger.prove(sender as Jid, chat, text)) return;
      await ledger.receive({ ...said.message, attachments });
      return;
    }
    default:
      said satisfies never;
  }
}
