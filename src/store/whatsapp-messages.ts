import type { Database, Row } from "./database.ts";

/** A stanza of which every ciphertext was decrypted. */
export interface OpenMessage {
  seq: number;
  messageKey: string;
  account: string;
  attrs: Readonly<Record<string, string>>;
  parts: readonly { type: string; plain: Uint8Array }[];
  storedAt: number;
}

/** What came and what left, whichever link it was by. */
export interface MessageRows {
  openMessages(seq: number): { messages: readonly OpenMessage[]; lastSeq: number };
  markDone(messageKey: string, at: number, left?: (plain: Uint8Array) => Uint8Array): void;
  keepSent(id: string, jid: string, message: Uint8Array, at: number): void;
  sent(id: string): Uint8Array | undefined;
  prune(now: number): void;
}

const PAGE = 200;
const DAY_MS = 24 * 60 * 60_000;
/** The server repeats what was not receipted for some weeks; a receipt is lost within minutes. */
const KEPT_DONE_MS = 7 * DAY_MS;
const KEPT_HALF_MS = 30 * DAY_MS;
/** How long a phone may ask for a message again. */
const KEPT_SENT_MS = 14 * DAY_MS;

export function messageRows(db: Database): MessageRows {
  return {
    openMessages: (seq) => {
      const rows = db.all("SELECT * FROM inbox WHERE done_at IS NULL AND seq > ? ORDER BY seq LIMIT ?", seq, PAGE);
      const messages = rows.map((row) => completedBy(db, row)).filter((message) => message !== undefined);
      return { messages, lastSeq: Number(rows.at(-1)?.["seq"] ?? seq) };
    },
    markDone: (messageKey, at, left) =>
      db.transaction(() => {
        if (left) forget(db, messageKey, left);
        db.run("UPDATE inbox SET done_at = ? WHERE message_key = ? AND done_at IS NULL", at, messageKey);
      }),
    keepSent: (id, jid, message, at) =>
      void db.run("INSERT OR IGNORE INTO sent VALUES (?, ?, ?, ?)", id, jid, message, at),
    sent: (id) => db.get("SELECT message FROM sent WHERE id = ?", id)?.["message"] as Uint8Array | undefined,
    prune: (now) =>
      db.transaction(() => {
        // Numbers must go on growing: a reader asks for what comes after the newest that it saw.
        const older = "seq < (SELECT max(seq) FROM inbox)";
        db.run(`DELETE FROM inbox WHERE done_at < ? AND ${older}`, now - KEPT_DONE_MS);
        db.run(`DELETE FROM inbox WHERE done_at IS NULL AND stored_at < ? AND ${older}`, now - KEPT_HALF_MS);
        db.run("DELETE FROM sent WHERE stored_at < ?", now - KEPT_SENT_MS);
      }),
  };
}

/** Also in what was stored of it before; the envelope has the sender's name. */
function forget(db: Database, messageKey: string, left: (plain: Uint8Array) => Uint8Array): void {
  for (const { hash, plain } of db.all("SELECT hash, plain FROM inbox WHERE message_key = ?", messageKey)) {
    db.run("UPDATE inbox SET plain = ?, attrs = '{}' WHERE hash = ?", left(plain as Uint8Array), String(hash));
  }
}

/** The message that this row was the last one of; a stanza that was sent anew may have other parts. */
function completedBy(db: Database, row: Row): OpenMessage | undefined {
  const [seq, messageKey, parts] = [Number(row["seq"]), String(row["message_key"]), Number(row["parts"])];
  const rows = db.all(
    "SELECT * FROM inbox WHERE message_key = ? AND parts = ? AND done_at IS NULL AND seq <= ? ORDER BY seq",
    ...[messageKey, parts, seq],
  );
  const byPart = new Map(rows.map((one) => [Number(one["part"]), one]));
  if (byPart.size < parts) return undefined;
  const ordered = [...byPart].sort(([a], [b]) => a - b).map(([, one]) => one);
  return {
    ...{ seq, messageKey, account: String(row["account"]), storedAt: Number(row["stored_at"]) },
    attrs: JSON.parse(String(row["attrs"])) as Record<string, string>,
    parts: ordered.map((one) => ({ type: String(one["type"]), plain: one["plain"] as Uint8Array })),
  };
}
