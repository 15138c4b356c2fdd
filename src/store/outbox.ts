import { z } from "zod";
import type { Folder, Jid, TaskId, TurnId } from "../domain/ids.ts";
import type { Database, Row } from "./database.ts";

/** Below the home: copies of files that leave, as `<folder>/<message id>`. */
export const OUTBOX_FILES = "data/outbox";

/** A file that leaves with a row: the host's own copy. */
const fileSchema = z.strictObject({
  /** Relative to the home. */
  path: z.string().min(1),
  /** As the receiver shall see it; safe as a file name. */
  name: z.string().min(1),
  mime: z.string().min(1),
  bytes: z.int().min(0),
});
export type OutboxFile = z.infer<typeof fileSchema>;

export interface OutboxRow {
  seq: number;
  chat: Jid;
  folder: Folder;
  messageId: string;
  /** With a file: its caption. */
  text: string;
  file: OutboxFile | null;
  source: "answer" | "send_message" | "notice";
  turn: TurnId | null;
  task: TaskId | null;
  status: "pending" | "sent" | "failed";
  sends: number;
  createdAt: number;
  error: string | null;
}

export interface NewOutboxRow {
  chat: Jid;
  folder: Folder;
  messageId: string;
  text: string;
  file?: OutboxFile | null;
  source: OutboxRow["source"];
  turn: TurnId | null;
  task: TaskId | null;
  requestKey: string | null;
  now: number;
}

export type Outbox = ReturnType<typeof outboxTable>;

export function outboxTable(db: Database) {
  return {
    add: (row: NewOutboxRow): void => {
      db.run(
        `INSERT INTO outbox (chat_jid, folder, message_id, kind, content, file, source, turn_id, task_id, request_key,
           status, next_send_at, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', 0, ?)`,
        row.chat,
        row.folder,
        row.messageId,
        row.file ? "file" : "text",
        row.text,
        row.file ? JSON.stringify(row.file) : null,
        row.source,
        row.turn,
        row.task,
        row.requestKey,
        row.now,
      );
    },

    /**
     * The first pending row of each chat, when it is time to send it. Order within a chat is never
     * broken, but for the host's answers to commands: whoever says "stop" does not stand in line. A time further off than `longest` comes from a clock that jumped.
     */
    due: (now: number, longest: number): OutboxRow[] =>
      db
        .all(
          `SELECT * FROM outbox WHERE (next_send_at <= ? OR next_send_at > ?) AND seq IN (
             SELECT min(seq) FROM outbox WHERE status = 'pending'
             GROUP BY chat_jid, coalesce(request_key LIKE 'command:%', 0)) ORDER BY seq`,
          now,
          now + longest,
        )
        .map(toRow),

    /** What of a turn nobody has tried to send stays here: a person stopped it. */
    dropUnsent: (turn: TurnId): void => {
      db.run(
        `UPDATE outbox SET status = 'failed', error = 'stopped', agent_told = 1
         WHERE turn_id = ? AND status = 'pending' AND sends = 0`,
        turn,
      );
    },

    pendingCount: (): number => Number(db.get("SELECT count(*) AS n FROM outbox WHERE status = 'pending'")?.["n"]),

    /** Chats where something waits to be sent, and since when; longest first. */
    pendingChats: (): { chat: Jid; folder: Folder; count: number; since: number }[] =>
      db
        .all(
          `SELECT chat_jid, folder, count(*) AS n, min(created_at) AS since FROM outbox
           WHERE status = 'pending' GROUP BY chat_jid ORDER BY since`,
        )
        .map((row) => ({
          ...{ chat: row["chat_jid"] as Jid, folder: row["folder"] as Folder },
          ...{ count: Number(row["n"]), since: Number(row["since"]) },
        })),

    /**
     * An acknowledgement that comes late marks a row that was given up, too.
     * @param counts as one more send.
     */
    markSent: (seq: number, now: number, counts = true): void => {
      const sends = Number(counts);
      db.run(
        "UPDATE outbox SET status = 'sent', sent_at = ?, error = NULL, sends = sends + ? WHERE seq = ?",
        ...[now, sends, seq],
      );
    },

    sendAgain: (seq: number, at: number, counts: boolean): void => {
      db.run("UPDATE outbox SET next_send_at = ?, sends = sends + ? WHERE seq = ?", at, Number(counts), seq);
    },

    /** The network is back, or this chat may be written to: no pause between two sends was meant for that. */
    endPauses: (chat: Jid | null = null): void =>
      void db.run(
        `UPDATE outbox SET next_send_at = 0
         WHERE status = 'pending' AND next_send_at > 0 AND chat_jid NOT LIKE 'local:%' AND (? IS NULL OR chat_jid = ?)`,
        chat,
        chat,
      ),

    markFailed: (seq: number, error: string): void => {
      db.run("UPDATE outbox SET status = 'failed', error = ?, sends = sends + 1 WHERE seq = ?", error, seq);
    },

    /** Rows of one chat after `seq`, whatever their status, oldest first. */
    after: (chat: Jid, seq: number, limit: number): OutboxRow[] =>
      db.all("SELECT * FROM outbox WHERE chat_jid = ? AND seq > ? ORDER BY seq LIMIT ?", chat, seq, limit).map(toRow),

    /** The newest of what the agent said in a group's name; the host's own notices are not among it. */
    talk: (folder: Folder, since: number, limit: number): OutboxRow[] =>
      db
        .all(
          `SELECT * FROM outbox WHERE folder = ? AND source <> 'notice' AND created_at > ? ORDER BY seq DESC LIMIT ?`,
          folder,
          since,
          limit,
        )
        .map(toRow),

    byMessageId: (messageId: string): OutboxRow | undefined => {
      const row = db.get("SELECT * FROM outbox WHERE message_id = ?", messageId);
      return row && toRow(row);
    },

    byRequest: (requestKey: string): OutboxRow | undefined => {
      const row = db.get("SELECT * FROM outbox WHERE request_key = ?", requestKey);
      return row && toRow(row);
    },

    /** What this group's agent said and nobody got, and that it was not told of yet, oldest first. */
    failedUntold: (folder: Folder, limit = 20): OutboxRow[] =>
      db
        .all(
          `SELECT outbox.* FROM outbox LEFT JOIN turns ON turns.id = turn_id
           WHERE outbox.status = 'failed' AND agent_told = 0 AND source <> 'notice'
             AND coalesce(turns.folder, outbox.folder) = ? ORDER BY seq LIMIT ?`,
          folder,
          limit,
        )
        .map(toRow),

    markAgentTold: (seqs: readonly number[]): void => {
      for (const seq of seqs) db.run("UPDATE outbox SET agent_told = 1 WHERE seq = ?", seq);
    },

    newestSeq: (chat: Jid): number =>
      Number(db.get("SELECT max(seq) AS seq FROM outbox WHERE chat_jid = ?", chat)?.["seq"] ?? 0),

    ofTurn: (turn: TurnId): OutboxRow[] =>
      db.all("SELECT * FROM outbox WHERE turn_id = ? ORDER BY seq", turn).map(toRow),
  };
}

function toRow(row: Row): OutboxRow {
  return {
    seq: Number(row["seq"]),
    chat: row["chat_jid"] as Jid,
    folder: row["folder"] as Folder,
    messageId: String(row["message_id"]),
    text: String(row["content"]),
    file: row["file"] === null ? null : fileSchema.parse(JSON.parse(String(row["file"]))),
    source: row["source"] as OutboxRow["source"],
    turn: row["turn_id"] as TurnId | null,
    task: row["task_id"] as TaskId | null,
    status: row["status"] as OutboxRow["status"],
    sends: Number(row["sends"]),
    createdAt: Number(row["created_at"]),
    error: row["error"] as string | null,
  };
}
