import { isJidBroadcast, isJidGroup, isJidNewsletter, type WAMessage } from "baileys";
import type { Jid } from "../../domain/ids.ts";
import type { Away, InboundChange, InboundMessage } from "../../domain/message.ts";
import type { Account, WhatsAppLedger } from "./ledger.ts";
import type { ClaimedKey, Content } from "./read-content.ts";
import type { Media } from "./read-content-media.ts";

export type Translated =
  | { kind: "message"; message: Omit<InboundMessage, "attachments">; media: Media | null }
  | { kind: "change"; change: InboundChange }
  /** Nothing that the ledger should know. */
  | { kind: "nothing"; why: string };

export interface TranslateFacts {
  stanza: WAMessage;
  content: Content;
  ledger: Pick<WhatsAppLedger, "canonical" | "isOurs" | "isOwner" | "group">;
  account: Account;
  /** The account is the assistant's alone, not the owner's. */
  ownNumber: boolean;
  away: Away | null;
  /** When we stored it, epoch ms. */
  storedAt: number;
}

/** What the ledger calls the people and the chat of a stanza. */
interface Envelope {
  chat: Jid;
  id: string;
  sender: Jid;
  senderName: string;
  sentAt: number;
  fromMe: boolean;
  fromOwner: boolean;
}

/** A stanza as Baileys reads it, in the ledger's words. Who may change or withdraw what is the ledger's affair. */
export function translate(facts: TranslateFacts): Translated {
  const { content, ledger } = facts;
  const envelope = readEnvelope(facts);
  if (typeof envelope === "string") return { kind: "nothing", why: envelope };
  if (envelope.fromMe && ledger.isOurs(envelope.id)) return { kind: "nothing", why: "sent by this machine" };
  switch (content.kind) {
    case "nothing":
      return { kind: "nothing", why: content.what };
    case "message":
      return { kind: "message", message: asMessage(facts, envelope, content), media: content.media };
    case "reaction":
      return asReaction(facts, envelope, content);
    case "edit":
      return { kind: "change", change: asChange(facts, envelope, content.target, content.text) };
    case "revoke":
      return { kind: "change", change: asChange(facts, envelope, content.target, null) };
    default:
      return content satisfies never;
  }
}

function readEnvelope({ stanza, ledger, account, ownNumber, storedAt }: TranslateFacts): Envelope | string {
  const { key, pushName, messageTimestamp } = stanza;
  const { remoteJid, participant, id } = key;
  if (!remoteJid || !id) return "a stanza without a chat or an id";
  if (isJidBroadcast(remoteJid) || isJidNewsletter(remoteJid)) return "a broadcast or a channel";
  const fromMe = key.fromMe === true;
  const chat = ledger.canonical(remoteJid);
  const sender = fromMe ? account.pn : ledger.canonical(participant || remoteJid);
  const seconds = Number(messageTimestamp);
  return {
    ...{ chat, id, sender, fromMe },
    senderName: pushName || (fromMe ? "Owner" : (sender.split("@")[0] ?? sender)),
    sentAt: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : storedAt,
    fromOwner: ownNumber ? !fromMe && ledger.isOwner(sender) : fromMe,
  };
}

type Said = Extract<Content, { kind: "message" }>;

function asMessage(
  { account, ownNumber, ledger, away }: TranslateFacts,
  { fromMe, ...envelope }: Envelope,
  { text, quote, mentions }: Said,
): Omit<InboundMessage, "attachments"> {
  return {
    ...envelope,
    text,
    fromAssistant: ownNumber && fromMe,
    // On a shared number a mention means the owner.
    mentionsUs: ownNumber && mentions.some((jid) => ledger.canonical(jid) === account.pn),
    aside: false,
    quote: quote && {
      id: quote.id,
      sender: quote.participant === undefined ? envelope.sender : ledger.canonical(quote.participant),
      text: quote.text,
    },
    away,
  };
}

/** Only of our own messages: what people think of each other's is their affair. */
function asReaction(
  { ledger, ownNumber, account }: TranslateFacts,
  { fromMe, ...envelope }: Envelope,
  { target, emoji }: Extract<Content, { kind: "reaction" }>,
): Translated {
  if (!ledger.isOurs(target.id)) return { kind: "nothing", why: "a reaction to somebody else" };
  if (ownNumber && fromMe) return { kind: "nothing", why: "a reaction by the assistant's own phone" };
  const message = {
    ...envelope,
    text: emoji === "" ? "[took back a reaction]" : `[reacted with ${emoji}]`,
    ...{ fromAssistant: false, mentionsUs: false, aside: true, away: null },
    quote: { id: target.id, sender: account.pn, text: "" },
  };
  return { kind: "message", message, media: null };
}

function asChange(
  { ledger }: TranslateFacts,
  { chat, id, sender, senderName, sentAt, fromOwner }: Envelope,
  target: ClaimedKey,
  text: string | null,
): InboundChange {
  const byAdmin = isJidGroup(chat) === true && isAdmin(ledger, chat, sender);
  return { chat, id, sender, senderName, sentAt, fromOwner, target: target.id, text, byAdmin };
}

const isAdmin = (ledger: Pick<WhatsAppLedger, "group">, chat: Jid, person: Jid): boolean =>
  ledger.group(chat)?.members.some(({ id, admin }) => admin && id === person) ?? false;
