import type { MediaType, proto } from "baileys";
import type { Attachment } from "../../domain/message.ts";
import { plainName } from "./safe-name.ts";
import { bytesOrNull, count, line, textOrNull, words } from "./read-content-fields.ts";

/** A file as a message tells of it. All of it is the sender's claim. */
export interface Media {
  kind: Attachment["kind"];
  /** What its keys are derived for. */
  mediaType: MediaType;
  mime: string;
  /** As the sender called it, made safe; empty unless it is a document. */
  name: string;
  bytes: number | null;
  directPath: string | null;
  url: string | null;
  mediaKey: Uint8Array;
  fileSha256: Uint8Array | null;
  fileEncSha256: Uint8Array | null;
  seconds: number | null;
}

/** There is a file, but `media` is null when the message does not say how to get and open it. */
export interface FoundMedia {
  kind: Attachment["kind"];
  name: string;
  media: Media | null;
}

type Carrier = Pick<
  proto.IMessage,
  "imageMessage" | "videoMessage" | "ptvMessage" | "audioMessage" | "documentMessage" | "stickerMessage"
>;
type AnyMedia = proto.Message.IImageMessage & proto.Message.IDocumentMessage & proto.Message.IAudioMessage;

const kinds = [
  ["imageMessage", "image", "image"],
  ["videoMessage", "video", "video"],
  ["ptvMessage", "video", "ptv"],
  ["audioMessage", "audio", "audio"],
  ["documentMessage", "document", "document"],
  ["stickerMessage", "sticker", "sticker"],
] as const satisfies readonly (readonly [keyof Carrier, Attachment["kind"], MediaType])[];

/** Expects the message without its wrappers. */
export function findMedia(content: proto.IMessage): FoundMedia | null {
  const carrier = carrierOf(content);
  for (const [name, kind, mediaType] of kinds) {
    const part = carrier?.[name] as AnyMedia | null | undefined;
    if (part === null || part === undefined) continue;
    if (kind === "audio" && part.ptt === true) return readMedia(part, "voice", "ptt");
    return readMedia(part, kind, mediaType);
  }
  return null;
}

/** What businesses send has its picture in a header. */
function carrierOf(content: proto.IMessage): Carrier | null | undefined {
  const { buttonsMessage, interactiveMessage, templateMessage } = content;
  if (buttonsMessage) return buttonsMessage;
  if (interactiveMessage) return interactiveMessage.header;
  if (!templateMessage) return content;
  const { hydratedTemplate, hydratedFourRowTemplate, interactiveMessageTemplate } = templateMessage;
  return hydratedTemplate ?? hydratedFourRowTemplate ?? interactiveMessageTemplate?.header;
}

function readMedia(part: AnyMedia, kind: Attachment["kind"], mediaType: MediaType): FoundMedia {
  const name = plainName(words(part.fileName) || words(part.title));
  const mediaKey = bytesOrNull(part.mediaKey);
  const [directPath, url] = [textOrNull(part.directPath), textOrNull(part.url)];
  if (!mediaKey || (directPath === null && url === null)) return { kind, name, media: null };
  const hashes = { fileSha256: bytesOrNull(part.fileSha256), fileEncSha256: bytesOrNull(part.fileEncSha256) };
  const about = { mime: mimeOf(part.mimetype), bytes: count(part.fileLength), seconds: count(part.seconds) };
  return { kind, name, media: { kind, mediaType, name, ...about, directPath, url, mediaKey, ...hashes } };
}

const MIME = /^[a-z0-9.+-]{1,60}\/[a-z0-9.+-]{1,100}(?:; ?[a-z0-9-]{1,20}=[a-z0-9.-]{1,40})?$/;

function mimeOf(claimed: unknown): string {
  const mime = line(claimed).toLowerCase();
  return MIME.test(mime) ? mime : "application/octet-stream";
}
