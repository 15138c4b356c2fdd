import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE, type SSEStreamingApi } from "hono/streaming";
import { z } from "zod";
import type { Clock } from "../../domain/clock.ts";
import { isLocal, localJid, type Folder, type Jid } from "../../domain/ids.ts";
import { MESSAGE_MAX_BYTES, messageTooLong } from "../../domain/message.ts";
import { createWakeUp, type WakeUp } from "../../domain/wake-up.ts";
import type { Channel, OutgoingFile, Receive } from "../channel.ts";

/** A reply as a local chat shows it. `seq` grows per host; a client shows each once. */
export interface Reply {
  seq: number;
  id: string;
  /** With a file: its caption. */
  text: string;
  /** A file lies on this machine already: it is named, not carried over. */
  file: OutgoingFile | null;
  /** Epoch milliseconds. */
  at: number;
  source: "answer" | "send_message" | "notice";
  turn: string | null;
  task: string | null;
}

/** What the ledger keeps for local chats: the outbox rows themselves are the mailbox. */
export interface Mailbox {
  /** The chat's replies after `seq`, oldest first. */
  after(chat: Jid, seq: number): Reply[];
  newest(chat: Jid): number;
  shown(chat: Jid): number;
  markShown(chat: Jid, seq: number): void;
  /** Makes sure that the group has its local chat; a problem names what is wrong and the cure. */
  open(folder: string): { ok: true; folder: Folder } | { ok: false; problem: string };
}

export interface LocalChannelOptions {
  receive: Receive;
  mailbox: Mailbox;
  clock: Clock;
}

export interface LocalChannel extends Channel {
  /** To be mounted on the control socket: whoever can open that is the owner. */
  routes: Hono;
}

const messageSchema = z.strictObject({
  /** Chosen by the client: sending it twice stores it once. */
  id: z.string().min(1).max(64),
  text: z.string(),
  sender: z.string().min(1).max(64).optional(),
});

const PING_MS = 15_000;
/** JSON writes a byte of text in six at most; the text itself is measured when it is read. */
const BODY_MAX_BYTES = 6 * MESSAGE_MAX_BYTES + 4_096;

/** The chat on this machine: its network is the ledger, so a stored reply has arrived. */
export function createLocalChannel({ receive, mailbox, clock }: LocalChannelOptions): LocalChannel {
  const listeners = new Set<WakeUp>();
  const stopping = new AbortController();

  const stream = async (sse: SSEStreamingApi, chat: Jid, from: number) => {
    const wake = createWakeUp();
    listeners.add(wake);
    const closed = new AbortController();
    sse.onAbort(() => closed.abort());
    const over = AbortSignal.any([stopping.signal, closed.signal]);
    let last = from;
    try {
      await sse.writeSSE({ event: "open", data: JSON.stringify({ after: last }) });
      while (!over.aborted) {
        const replies = mailbox.after(chat, last);
        for (const reply of replies) {
          await sse.writeSSE({ event: "reply", id: String(reply.seq), data: JSON.stringify(reply) });
          last = reply.seq;
        }
        if (replies.length > 0) continue; // there may be more than one page of them
        const woken = wake.next();
        await clock.sleep(PING_MS, AbortSignal.any([over, woken]));
        // A connection that broke without a word is noticed when something is written to it.
        if (!woken.aborted && !over.aborted) await sse.writeSSE({ event: "ping", data: "" });
      }
    } finally {
      listeners.delete(wake);
    }
  };

  return {
    name: "local",
    owns: isLocal,
    start: () => Promise.resolve(),
    send: () => {
      listeners.forEach((listener) => listener.now());
      return Promise.resolve({ kind: "acknowledged" });
    },
    pause: () => 0,
    typing: () => {},
    state: () => ({ connected: true, detail: `${listeners.size} open`, since: null }),
    stop: () => {
      stopping.abort();
      return Promise.resolve();
    },
    routes: createRoutes({ receive, mailbox, clock, stream }),
  };
}

type Routes = LocalChannelOptions & { stream(sse: SSEStreamingApi, chat: Jid, from: number): Promise<void> };

function createRoutes({ receive, mailbox, clock, stream }: Routes): Hono {
  const app = new Hono();
  app.onError((error, context) =>
    context.json({ error: `This was not taken: ${error.message}. Nothing was stored; try again.` }, 503),
  );
  const limited = bodyLimit({
    maxSize: BODY_MAX_BYTES,
    onError: (context) => context.json({ error: messageTooLong(`more than ${BODY_MAX_BYTES}`) }, 413),
  });
  app.post("/:folder/messages", limited, async (context) => {
    const opened = mailbox.open(context.req.param("folder"));
    if (!opened.ok) return context.json({ error: opened.problem }, 404);
    const body = messageSchema.safeParse(await context.req.json().catch(() => undefined));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    const { id, text, sender } = body.data;
    const bytes = Buffer.byteLength(text);
    if (bytes > MESSAGE_MAX_BYTES) return context.json({ error: messageTooLong(bytes) }, 413);
    const received = await receive({
      chat: localJid(opened.folder),
      id,
      sender: "owner",
      senderName: sender ?? "Owner",
      text,
      sentAt: clock.now(),
      fromOwner: true,
      fromAssistant: false,
      mentionsUs: false,
      aside: false,
      quote: null,
      attachments: [],
      away: null,
    });
    return context.json(received);
  });
  app.get("/:folder/events", (context) => {
    const opened = mailbox.open(context.req.param("folder"));
    if (!opened.ok) return context.json({ error: opened.problem }, 404);
    const chat = localJid(opened.folder);
    const after = context.req.query("after") ?? "shown";
    const from = after === "shown" ? mailbox.shown(chat) : after === "now" ? mailbox.newest(chat) : Number(after);
    if (!Number.isSafeInteger(from)) return context.json({ error: `after=${after} is no number` }, 400);
    return streamSSE(context, (sse) => stream(sse, chat, from));
  });
  app.post("/:folder/shown", async (context) => {
    const opened = mailbox.open(context.req.param("folder"));
    if (!opened.ok) return context.json({ error: opened.problem }, 404);
    const body = z.strictObject({ seq: z.int().min(0) }).safeParse(await context.req.json().catch(() => undefined));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    mailbox.markShown(localJid(opened.folder), body.data.seq);
    return context.json({});
  });
  return app;
}
