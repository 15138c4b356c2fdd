import { proto } from "baileys";
import { MESSAGE_MAX_BYTES } from "../../domain/message.ts";
import { describe } from "./describe.ts";
import { bracketed, cutText, joined, line, list, textOrNull, words } from "./read-content-fields.ts";
import { findMedia, type FoundMedia, type Media } from "./read-content-media.ts";
import { unwrap } from "./unwrap.ts";

export type { Media };

/** The name of another message, from its sender's point of view. */
export interface ClaimedKey {
  id: string;
  fromMe: boolean;
  participant: string | undefined;
  remoteJid: string | undefined;
}

/** What somebody's client put into a message. None of it is verified. */
export type Content =
  | {
      kind: "message";
      text: string;
      quote: { id: string; participant: string | undefined; text: string } | null;
      mentions: readonly string[];
      media: Media | null;
    }
  /** No emoji: it was taken back. */
  | { kind: "reaction"; target: ClaimedKey; emoji: string }
  | { kind: "edit"; target: ClaimedKey; text: string }
  | { kind: "revoke"; target: ClaimedKey }
  /** Nobody said anything; `what` is for the log. */
  | { kind: "nothing"; what: string };

const QUOTE_MAX_BYTES = 8 * 1024;
const LONGEST_EMOJI = 64;

const { Type } = proto.Message.ProtocolMessage;

/** Never throws, whatever the message holds. */
export function readContent(message: proto.IMessage): Content {
  const content = unwrap(message);
  if (content.protocolMessage) return readProtocol(content.protocolMessage);
  if (content.reactionMessage) return readReaction(content.reactionMessage);
  const said = describe(content);
  if (!said) return nothing(nameOf(content));
  const found = findMedia(content);
  const lost = found && !found.media ? bracketed(summary(found), "the file could not be read") : "";
  const text = cutText(joined([lost, said.text], "\n"), MESSAGE_MAX_BYTES);
  const media = found?.media ?? null;
  if (text.trim() === "" && !media) return nothing("empty text");
  return { kind: "message", text, quote: readQuote(said.context), mentions: readMentions(said.context), media };
}

function readProtocol({ type, key, editedMessage }: proto.Message.IProtocolMessage): Content {
  if (type !== Type.REVOKE && type !== Type.MESSAGE_EDIT) return nothing(`protocolMessage ${protocolName(type)}`);
  const target = readKey(key);
  if (!target) return nothing("a change of no message");
  if (type === Type.REVOKE) return { kind: "revoke", target };
  const said = describe(unwrap(editedMessage));
  return said ? { kind: "edit", target, text: cutText(said.text, MESSAGE_MAX_BYTES) } : nothing("an edit without text");
}

function readReaction({ key, text }: proto.Message.IReactionMessage): Content {
  const target = readKey(key);
  if (!target) return nothing("a reaction to no message");
  return { kind: "reaction", target, emoji: line(words(text).slice(0, LONGEST_EMOJI)) };
}

function readKey(key: proto.IMessageKey | null | undefined): ClaimedKey | null {
  const id = words(key?.id);
  if (id === "") return null;
  const [participant, remoteJid] = [textOrNull(key?.participant), textOrNull(key?.remoteJid)];
  return { id, fromMe: key?.fromMe === true, participant: participant ?? undefined, remoteJid: remoteJid ?? undefined };
}

function readQuote(context: proto.IContextInfo | undefined) {
  const id = words(context?.stanzaId);
  if (id === "") return null;
  const content = unwrap(context?.quotedMessage);
  const found = findMedia(content);
  const text = joined([found ? bracketed(summary(found)) : "", describe(content)?.text ?? ""], " ");
  return { id, participant: textOrNull(context?.participant) ?? undefined, text: cutText(text, QUOTE_MAX_BYTES) };
}

function readMentions(context: proto.IContextInfo | undefined): readonly string[] {
  const jids = list(context?.mentionedJid).map(words);
  return [...new Set(jids)].filter((jid) => jid !== "");
}

const summary = ({ kind, name }: FoundMedia): string =>
  joined([kind === "voice" ? "voice message" : kind, line(name)], " ");

const nothing = (what: string): Content => ({ kind: "nothing", what });

const protocolName = (type: unknown): string => (typeof type === "number" && Type[type]) || "of an unknown type";

/** Of a field that we do not read. */
function nameOf(content: proto.IMessage): string {
  const besides = ["messageContextInfo", "senderKeyDistributionMessage"];
  const present = Object.entries(content).filter(([, part]) => part !== null && part !== undefined);
  const name = present.map(([field]) => field).find((field) => !besides.includes(field));
  return line(name ?? present[0]?.[0] ?? "an empty message").slice(0, 80);
}
