import { awayNotice } from "../domain/away.ts";
import type { Clock } from "../domain/clock.ts";
import { readCommand, type Asked } from "../domain/console.ts";
import { decideMessage, type ChatFacts, type Verdict } from "../domain/decide.ts";
import { newMessageId } from "../domain/ids.ts";
import { cleanText, type InboundChange, type InboundMessage } from "../domain/message.ts";
import type { Log } from "../domain/log.ts";
import { roleOf } from "../domain/rights.ts";
import type { Store } from "../store/store.ts";
import { applyChange, type Changed } from "./inbox-change.ts";
import { chatFacts, joinWaitingTurn } from "./inbox-chat.ts";
import { lookUpQuote } from "./inbox-quote.ts";
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
  /** IANA zone of chats whose group has none of its own. */
  zone: string;
  /** A folder has work. */
  onWork(): void;
  /** A notice was written. */
  onOutbox(): void;
  /**
   * Answers a command, within the transaction that stores it; what it gives back is done after the
   * commit. Without it commands are messages as all others.
   */
  console?: (asked: Asked) => () => void;
}

/** How long a channel waits for the database before it must tell its network "not taken". */
const PATIENCE_MS = 10_000;

export interface Inbox {
  /**
   * Step one of a message's way: decided and committed. Only when the promise resolves may the
   * network be told that the message arrived; when it rejects, the message was not taken.
   */
  receive(channel: string, message: InboundMessage): Promise<Received>;
  /** The same for what somebody did to an earlier message; once more changes nothing. */
  change(change: InboundChange): Promise<void>;
  /** As a text it is a command, which need not wait for what came before it. */
  isCommand(message: Pick<InboundMessage, "chat" | "text" | "mentionsUs">): boolean;
}

export function createInbox(options: InboxOptions): Inbox {
  const { store, log, onWork, onOutbox } = options;
  const committed = <T>(work: () => T): Promise<T> =>
    persist(() => store.transaction(work), { ...options, patience: PATIENCE_MS });

  return {
    receive: async (channel, message) => {
      const clean = cleaned(message);
      const { noticed, afterwards, ...received } = await committed(() => commit(options, channel, clean));
      const { seq, verdict, duplicate } = received;
      log.info({ chat: message.chat, seq, ...verdict, duplicate }, "Message received");
      if (verdict.decision === "wakes" && !duplicate) onWork();
      afterwards?.();
      if (noticed) onOutbox();
      return received;
    },

    isCommand: (message) => {
      const place = options.console && chatFacts(store, store.persons.canonical(message.chat));
      return place !== undefined && commandOf(options, message, place) !== undefined;
    },

    change: async (change) => {
      const clean = cleanedChange(change);
      const became = await committed((): Changed => applyChange(options, clean));
      log.info({ chat: change.chat, ...became }, "Message changed");
      if (became.verdict?.decision === "wakes") onWork();
    },
  };
}

interface Committed extends Received {
  noticed: boolean;
  afterwards?: () => void;
}

function commit(options: InboxOptions, channel: string, given: InboundMessage): Committed {
  const { store, clock, assistantName, ageLimit } = options;
  const now = clock.now();
  const message = underOneName(store, given);
  const place = chatFacts(store, message.chat);
  const { quote, ours } = lookUpQuote(store, message);
  const heard = { ...message, hasAttachments: message.attachments.length > 0, repliesToUs: ours };
  // A file is for the agent, whatever stands below it.
  const isText = message.attachments.length === 0;
  const command = place && options.console && isText ? commandOf(options, message, place) : undefined;
  const verdict = decideMessage({
    message: heard,
    place,
    assistantName,
    now,
    ageLimit,
    isCommand: command !== undefined,
  });
  store.groups.seen(message.chat, channel, place ? message.sentAt : null);
  if (!place) return { seq: undefined, verdict, duplicate: false, noticed: false };
  const seq = store.messages.add({ ...message, quote }, place.chat.folder, verdict, now);
  if (seq === undefined) {
    const known = store.messages.find(message.chat, message.sender, message.id);
    return { seq: known?.seq, verdict, duplicate: true, noticed: false };
  }
  if (command && verdict.reason === "command") {
    const role = roleOf(message, place.chat.senders);
    const afterwards = options.console?.({ seq, command, chat: place.chat, role });
    return { seq, verdict, duplicate: false, noticed: true, ...(afterwards && { afterwards }) };
  }
  if (verdict.decision !== "wakes") return { seq, verdict, duplicate: false, noticed: false };
  joinWaitingTurn(store, message.chat, now);
  return { seq, verdict, duplicate: false, noticed: tellAway(options, message, place, now) };
}

function commandOf(
  { assistantName }: InboxOptions,
  message: Pick<InboundMessage, "text" | "mentionsUs">,
  { chat }: ChatFacts,
) {
  return readCommand({ ...message, trigger: chat.trigger ?? `@${assistantName}`, folder: chat.folder });
}

/** The names may have become others since the channel looked. */
const underOneName = (store: Store, message: InboundMessage): InboundMessage => ({
  ...message,
  chat: store.persons.canonical(message.chat),
  sender: store.persons.canonical(message.sender),
});

/** Once per chat and time away, before the answer. */
function tellAway({ store, zone }: InboxOptions, { away }: InboundMessage, { chat }: ChatFacts, now: number): boolean {
  if (!away) return false;
  const text = awayNotice(away, store.groups.find(chat.folder)?.settings.zone ?? zone);
  const requestKey = `away/${chat.jid}/${away.from}`;
  if (text === null || store.outbox.byRequest(requestKey)) return false;
  store.outbox.add({
    ...{ chat: chat.jid, folder: chat.folder, messageId: newMessageId(), text, source: "notice" },
    ...{ turn: null, task: null, requestKey, now },
  });
  return true;
}

const cleaned = (message: InboundMessage): InboundMessage => ({
  ...message,
  text: cleanText(message.text),
  senderName: cleanText(message.senderName),
  quote: message.quote && { ...message.quote, text: cleanText(message.quote.text) },
  attachments: message.attachments.map((file) => ({ ...file, name: cleanText(file.name), mime: cleanText(file.mime) })),
});

const cleanedChange = (change: InboundChange): InboundChange => ({
  ...change,
  senderName: cleanText(change.senderName),
  text: change.text === null ? null : cleanText(change.text),
});
