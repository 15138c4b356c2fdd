import { proto } from "baileys";
import type { MediaFields } from "./media.ts";
import type { Arrival, Posted } from "./messages.ts";
import { type Addressing, addressOf, type Chat, isGroup, type Person } from "./people.ts";

/** What a phone puts into its messages. Whatever is not here can be written as a plain `proto.IMessage`. */

/** A message that another one is about. */
export type Target = Posted | Arrival;

const { Type } = proto.Message.ProtocolMessage;

export const text = (conversation: string): proto.IMessage => ({ conversation });

export function quote(target: Target, words: string): proto.IMessage {
  const participant = addressOf(target.from, addressing(target));
  const contextInfo = {
    stanzaId: target.id,
    participant,
    ...(target.content ? { quotedMessage: target.content } : {}),
  };
  return { extendedTextMessage: { text: words, contextInfo } };
}

export const mention = (words: string, jids: string[]): proto.IMessage => ({
  extendedTextMessage: { text: words, contextInfo: { mentionedJid: jids } },
});

export const react = (from: Person, target: Target, emoji: string): proto.IMessage => ({
  reactionMessage: { key: keyOf(from, target), text: emoji, senderTimestampMs: 1 },
});

export const edit = (from: Person, target: Target, words: string): proto.IMessage => ({
  protocolMessage: { type: Type.MESSAGE_EDIT, key: keyOf(from, target), editedMessage: text(words) },
});

export const revoke = (from: Person, target: Target): proto.IMessage => ({
  protocolMessage: { type: Type.REVOKE, key: keyOf(from, target) },
});

export const image = (file: MediaFields, caption?: string): proto.IMessage => ({
  imageMessage: { ...file, mimetype: "image/jpeg", ...(caption === undefined ? {} : { caption }) },
});

export const document = (file: MediaFields, fileName: string, mimetype = "application/pdf"): proto.IMessage => ({
  documentMessage: { ...file, fileName, title: fileName, mimetype },
});

export const voiceNote = (file: MediaFields, secondsLong = 3): proto.IMessage => ({
  audioMessage: { ...file, mimetype: "audio/ogg; codecs=opus", seconds: secondsLong, ptt: true },
});

export const captionedDocument = (file: MediaFields, fileName: string, caption: string): proto.IMessage => {
  const inner = document(file, fileName);
  return { documentWithCaptionMessage: { message: { documentMessage: { ...inner.documentMessage, caption } } } };
};

export const ephemeral = (message: proto.IMessage): proto.IMessage => ({ ephemeralMessage: { message } });
export const viewOnce = (message: proto.IMessage): proto.IMessage => ({ viewOnceMessageV2: { message } });

export const location = (degreesLatitude: number, degreesLongitude: number, name: string): proto.IMessage => ({
  locationMessage: { degreesLatitude, degreesLongitude, name },
});

export const contact = (displayName: string, vcard: string): proto.IMessage => ({
  contactMessage: { displayName, vcard },
});

export const poll = (name: string, options: string[]): proto.IMessage => ({
  pollCreationMessageV3: { name, options: options.map((optionName) => ({ optionName })), selectableOptionsCount: 1 },
  messageContextInfo: { messageSecret: Buffer.alloc(32, 7) },
});

/** The name of a message as this person's phone writes it. */
export function keyOf(from: Person, target: Target): proto.IMessageKey {
  const by = addressing(target);
  const fromMe = target.from === from;
  const chat = chatOf(target);
  if (isGroup(chat)) return { remoteJid: chat.jid, id: target.id, fromMe, participant: addressOf(target.from, by) };
  return { remoteJid: addressOf(chat === from ? target.from : chat, by), id: target.id, fromMe };
}

function addressing(target: Target): Addressing {
  if ("by" in target) return target.by;
  const { chat, to } = target;
  return chat && isGroup(chat) ? chat.addressing : to.endsWith("@lid") ? "lid" : "pn";
}

function chatOf({ chat }: Target): Chat {
  if (!chat) throw new Error("a message to nobody");
  return chat;
}
