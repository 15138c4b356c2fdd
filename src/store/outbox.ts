import type { Folder, Jid, TaskId, TurnId } from "../domain/ids.ts";
import type { Database, Row } from "./database.ts";

export interface OutboxRow {
  seq: number;
  chat: Jid;
  folder: Folder;
  messageId: string;
  text: string;
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
        `INSERT INTO outbox (chat_jid, folder, message_id, kind, content, source, turn_id, task_id, request_key,
           status, next_send_at, created_at)
         VALUES (?, ?, ?, 'text', ?, ?, ?, ?, ?, 'pending', 0, ?)`,
        row.chat,
        row.folder,
        row.messageId,
        row.text,
        row.source,
        row.turn,
        row.task,
        row.requestKey,
        row.now,
      );
    },

    /**
     * The first pending row of each chat, when it is time to send it. Order within a chat is never
     * broken. A time further off than `longest` comes from a clock that jumped.
     */
    due: (now: number, longest: number): OutboxRow[] =>
      db
        .all(
          `SELECT * FROM outbox WHERE (next_send_at <= ? OR next_send_at > ?) AND seq IN (
             SELECT min(seq) FROM outbox WHERE status = 'pending' GROUP BY chat_jid) ORDER BY seq`,
          now,
          now + longest,
        )
        .map(toRow),

    pendingCount: (): number => Number(db.get("SELECT count(*) AS n FROM outbox WHERE status = 'pending'")?.["n"]),

    /** An acknowledgement that comes late marks a row that was given up, too. */
    markSent: (seq: number, now: number): void => {
      db.run("UPDATE outbox SET status = 'sent', sent_at = ?, error = NULL, sends = sends + 1 WHERE seq = ?", now, seq);
    },

    sendAgain: (seq: number, at: number, counts: boolean): void => {
      db.run("UPDATE outbox SET next_send_at = ?, sends = sends + ? WHERE seq = ?", at, Number(counts), seq);
    },

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
    source: row["source"] as OutboxRow["source"],
    turn: row["turn_id"] as TurnId | null,
    task: row["task_id"] as TaskId | null,
    status: row["status"] as OutboxRow["status"],
    sends: Number(row["sends"]),
    createdAt: Number(row["created_at"]),
    error: row["error"] as string | null,
  };
}
