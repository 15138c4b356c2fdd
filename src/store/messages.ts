import { z } from "zod";
import type { Verdict } from "../domain/decide.ts";
import type { Folder, Jid } from "../domain/ids.ts";
import type { Attachment, Decision, LedgerMessage } from "../domain/message.ts";
import type { Database, Row } from "./database.ts";

export interface StoredMessage {
  seq: number;
  chat: Jid;
  id: string;
  folder: Folder;
  sender: string;
  senderName: string;
  fromOwner: boolean;
  fromAssistant: boolean;
  text: string;
  quoteId: string | null;
  quoteText: string | null;
  /** The quoted text is the sender's word alone. */
  quoteClaimed: boolean;
  attachments: Attachment[];
  sentAt: number;
  receivedAt: number;
  decision: Decision;
  reason: string;
}

const attachmentsSchema = z.array(
  z.object({
    kind: z.enum(["image", "video", "audio", "voice", "document", "sticker"]),
    path: z.string().nullable(),
    name: z.string(),
    mime: z.string(),
    bytes: z.number().nullable(),
    problem: z.string().nullable(),
  }),
) satisfies z.ZodType<Attachment[]>;

export type Messages = ReturnType<typeof messageTable>;

export function messageTable(db: Database) {
  return {
    /** @returns the new row's seq, or undefined when this message was already there. */
    add: (message: LedgerMessage, folder: Folder, verdict: Verdict, now: number): number | undefined => {
      const { changes, lastId } = db.run(
        `INSERT INTO messages (chat_jid, sender, id, folder, sender_name, from_owner, from_assistant, content,
           quote_id, quote_text, quote_claimed, attachments, sent_at, received_at, decision, reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        message.chat,
        message.sender,
        message.id,
        folder,
        message.senderName,
        Number(message.fromOwner),
        Number(message.fromAssistant),
        message.text,
        message.quote?.id ?? null,
        message.quote?.text ?? null,
        Number(message.quote?.claimed ?? false),
        message.attachments.length === 0 ? null : JSON.stringify(message.attachments),
        message.sentAt,
        now,
        verdict.decision,
        verdict.reason,
      );
      return changes === 1 ? lastId : undefined;
    },

    find: (chat: Jid, sender: string, id: string): StoredMessage | undefined => {
      const row = db.get("SELECT * FROM messages WHERE chat_jid = ? AND sender = ? AND id = ?", chat, sender, id);
      return row && toMessage(row);
    },

    /** Whoever wrote it: senders choose their ids, so there may be several. */
    withId: (chat: Jid, id: string): StoredMessage[] =>
      db.all("SELECT * FROM messages WHERE chat_jid = ? AND id = ? ORDER BY seq", chat, id).map(toMessage),

    /** The sender wrote it anew before anybody took it. */
    edit: (seq: number, text: string, verdict: Verdict): void => {
      const { decision, reason } = verdict;
      db.run("UPDATE messages SET content = ?, decision = ?, reason = ? WHERE seq = ?", text, decision, reason, seq);
    },

    /** It was deleted before anybody took it: what it said is gone. */
    withdraw: (seq: number): void => {
      db.run(
        `UPDATE messages SET content = '', quote_text = NULL, attachments = NULL, decision = 'ignored',
           reason = 'withdrawn' WHERE seq = ?`,
        seq,
      );
    },

    bySeq: (seq: number): StoredMessage | undefined => {
      const row = db.get("SELECT * FROM messages WHERE seq = ?", seq);
      return row && toMessage(row);
    },

    newestSeq: (): number => Number(db.get("SELECT max(seq) AS seq FROM messages")?.["seq"] ?? 0),

    /** What the agent is to read: the newest `limit` of the range, as people saw them, by (time, seq). */
    forPrompt: (chat: Jid, afterSeq: number, toSeq: number, limit: number): StoredMessage[] =>
      db
        .all(
          `SELECT * FROM messages WHERE chat_jid = ? AND seq > ? AND seq <= ? AND decision <> 'ignored'
           ORDER BY seq DESC LIMIT ?`,
          chat,
          afterSeq,
          toSeq,
          limit,
        )
        .map(toMessage)
        .sort((a, b) => a.sentAt - b.sentAt || a.seq - b.seq),

    /** The newest of a group's messages that turns have dealt with. */
    answeredTalk: (folder: Folder, since: number, limit: number): StoredMessage[] =>
      db
        .all(
          `SELECT messages.* FROM messages JOIN registered_chats ON jid = chat_jid
           WHERE messages.folder = ? AND decision <> 'ignored' AND seq <= answered_seq AND received_at > ?
           ORDER BY seq DESC LIMIT ?`,
          folder,
          since,
          limit,
        )
        .map(toMessage),

    countForPrompt: (chat: Jid, afterSeq: number, toSeq: number): number =>
      Number(
        db.get(
          "SELECT count(*) AS n FROM messages WHERE chat_jid = ? AND seq > ? AND seq <= ? AND decision <> 'ignored'",
          chat,
          afterSeq,
          toSeq,
        )?.["n"],
      ),

    /** The newest message of the range that calls the assistant. */
    newestCall: (chat: Jid, afterSeq: number, toSeq: number): StoredMessage | undefined => {
      const row = db.get(
        `SELECT * FROM messages WHERE chat_jid = ? AND seq > ? AND seq <= ? AND decision = 'wakes'
         ORDER BY seq DESC LIMIT 1`,
        chat,
        afterSeq,
        toSeq,
      );
      return row && toMessage(row);
    },

    newestIn: (chat: Jid): number =>
      Number(
        db.get("SELECT max(seq) AS seq FROM messages WHERE chat_jid = ? AND decision <> 'ignored'", chat)?.["seq"] ?? 0,
      ),

    /** The newest message of a chat that is not the assistant's own. */
    latest: (chat: Jid): StoredMessage | undefined => {
      const row = db.get(
        `SELECT * FROM messages WHERE chat_jid = ? AND from_assistant = 0 AND reason <> 'change-made'
         ORDER BY seq DESC LIMIT 1`,
        chat,
      );
      return row && toMessage(row);
    },

    /** The same without commands: what may have been for the agent. */
    latestTalk: (chat: Jid): StoredMessage | undefined => {
      const row = db.get(
        `SELECT * FROM messages WHERE chat_jid = ? AND from_assistant = 0 AND reason NOT IN ('change-made', 'command')
         ORDER BY seq DESC LIMIT 1`,
        chat,
      );
      return row && toMessage(row);
    },

    /** Who wrote lately in a chat and may be read, by their newest name. */
    lateNames: (chat: Jid, limit: number): ReadonlyMap<string, string> =>
      new Map(
        db
          .all(
            `SELECT sender, sender_name FROM messages WHERE chat_jid = ? AND decision <> 'ignored' ORDER BY seq DESC LIMIT ?`,
            chat,
            limit,
          )
          .reverse()
          .map((row) => [String(row["sender"]), String(row["sender_name"])] as const),
      ),

    /**
     * Messages that hold all words, newest first; of one folder, or of all when it is null. What is
     * hidden from the agent is not among them.
     */
    search: (words: string[], folder: Folder | null, before: number, limit: number): StoredMessage[] => {
      if (words.length === 0) return [];
      // A NUL would end the query in the middle of a word.
      const query = words.map((word) => `"${word.replaceAll("\0", " ").replaceAll('"', '""')}"`).join(" ");
      return db
        .all(
          `SELECT messages.* FROM messages_fts JOIN messages ON messages.seq = messages_fts.rowid
           WHERE messages_fts MATCH ? AND (? IS NULL OR messages.folder = ?) AND messages.sent_at < ?
             AND messages.reason <> 'guest-hidden'
           ORDER BY messages.seq DESC LIMIT ?`,
          query,
          folder,
          folder,
          before,
          limit,
        )
        .map(toMessage);
    },
  };
}

function toMessage(row: Row): StoredMessage {
  return {
    seq: Number(row["seq"]),
    chat: row["chat_jid"] as Jid,
    id: String(row["id"]),
    folder: row["folder"] as Folder,
    sender: String(row["sender"]),
    senderName: String(row["sender_name"]),
    fromOwner: row["from_owner"] === 1,
    fromAssistant: row["from_assistant"] === 1,
    text: String(row["content"]),
    quoteId: row["quote_id"] as string | null,
    quoteText: row["quote_text"] as string | null,
    quoteClaimed: row["quote_claimed"] === 1,
    attachments: row["attachments"] === null ? [] : attachmentsSchema.parse(JSON.parse(String(row["attachments"]))),
    sentAt: Number(row["sent_at"]),
    receivedAt: Number(row["received_at"]),
    decision: row["decision"] as Decision,
    reason: String(row["reason"]),
  };
}
