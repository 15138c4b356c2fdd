import {
  generateWAMessageContent,
  proto,
  type AnyMessageContent,
  type BinaryNode,
  type WAMediaUploadFunction,
} from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { SendResult } from "../../domain/delivery.ts";
import type { Outgoing, OutgoingFile } from "../channel.ts";
import type { LinkStore } from "./link-store.ts";

/** What of the socket sending needs. */
export interface SendingSocket {
  relayMessage(jid: string, message: proto.IMessage, options: { messageId: string }): Promise<unknown>;
  waUploadToServer: WAMediaUploadFunction;
  ws: { on(event: string, listener: (node: BinaryNode) => void): unknown };
}

export interface SendsOptions {
  socket: SendingSocket;
  store: Pick<LinkStore, "keepSent" | "sent">;
  /** In the form that people see. */
  textOf(markdown: string): string;
  clock: Clock;
  /** An acknowledgement that nobody waited for any more. */
  onLate(messageId: string): void;
}

export interface Sends {
  send(message: Outgoing): Promise<SendResult | { kind: "rate" }>;
  /** The connection is over. */
  cut(): void;
}

/** The server answers within moments, or not at all. */
const ACK_MS = 30_000;

/** "Sent" is what the server says, not that a frame was written. */
export function createSends(options: SendsOptions): Sends {
  const { socket, clock } = options;
  const waiting = new Map<string, (result: SendResult | { kind: "rate" }) => void>();
  const over = new AbortController();
  socket.ws.on("CB:ack,class:message", ({ attrs }) => {
    const { id = "", error } = attrs;
    const tell = waiting.get(id);
    if (tell) tell(error === undefined ? { kind: "acknowledged" } : refusal(error));
    else if (error === undefined) options.onLate(id);
  });
  const acknowledged = (id: string) =>
    new Promise<SendResult | { kind: "rate" }>((resolve) => {
      waiting.set(id, resolve);
    }).finally(() => waiting.delete(id));
  return {
    send: async (message) => {
      if (over.signal.aborted) return { kind: "offline" };
      const content = await contentOf(options, message);
      const ack = acknowledged(message.messageId);
      const tell = waiting.get(message.messageId);
      try {
        await socket.relayMessage(message.chat, content, { messageId: message.messageId });
      } catch (error) {
        tell?.(failure(error as Error, over.signal.aborted));
      }
      const done = new AbortController();
      void clock.sleep(ACK_MS, AbortSignal.any([done.signal, over.signal])).then(() => {
        const detail = "the server did not acknowledge it";
        tell?.(over.signal.aborted ? { kind: "cut", detail: "the connection ended" } : { kind: "unsure", detail });
      });
      return ack.finally(() => done.abort());
    },
    cut: () => {
      over.abort();
      for (const tell of waiting.values()) tell({ kind: "cut", detail: "the connection ended" });
    },
  };
}

/** Thrown before or while the stanza was written: it may have left. */
function failure(error: Error, isOver: boolean): SendResult {
  if (isOver || /Connection Closed/i.test(error.message)) return { kind: "cut", detail: error.message };
  return { kind: "unsure", detail: error.message };
}

/** What leaves under an id is made once: a repeated send, and a resend to a phone, carry the same. */
async function contentOf(options: SendsOptions, message: Outgoing): Promise<proto.IMessage> {
  const { store, clock } = options;
  const known = store.sent(message.messageId);
  if (known) return proto.Message.decode(known);
  const content = await makeContent(options, message);
  store.keepSent(message.messageId, message.chat, proto.Message.encode(content).finish(), clock.now());
  return content;
}

async function makeContent({ socket, textOf }: SendsOptions, { text, file }: Outgoing): Promise<proto.IMessage> {
  const content: AnyMessageContent = file ? fileContent(file, textOf(text)) : { text: textOf(text) };
  return proto.Message.fromObject(await generateWAMessageContent(content, { upload: socket.waUploadToServer }));
}

function fileContent({ path, name, mime }: OutgoingFile, caption: string): AnyMessageContent {
  const about = { mimetype: mime, ...(caption === "" ? {} : { caption }) };
  if (/^image\/(jpeg|png|webp)$/.test(mime)) return { image: { url: path }, ...about };
  if (mime === "video/mp4") return { video: { url: path }, ...about };
  return { document: { url: path }, fileName: name, ...about };
}

const reasons: Partial<Record<string, string>> = {
  "401": "WhatsApp does not let this account write there",
  "403": "WhatsApp does not let this account write there: not a member, or only admins may write",
  "404": "there is no such chat on WhatsApp",
  "406": "WhatsApp does not accept this message",
  "420": "the group is closed",
  "463": "WhatsApp lets this account begin no new chats at the moment",
};
const rates = new Set(["429", "439", "503"]);

function refusal(code: string): SendResult | { kind: "rate" } {
  if (rates.has(code)) return { kind: "rate" };
  // A device's session is out of date: the next try looks for the devices anew.
  if (code === "479") return { kind: "unsure", detail: "WhatsApp refused the stanza (479)" };
  return { kind: "refused", reason: `${reasons[code] ?? "WhatsApp refused it"} (code ${code})` };
}
