import { sendersSchema } from "../domain/group.ts";
import type { Database, Row } from "./database.ts";

interface Pair {
  lid: string;
  pn: string;
}

/** One of the two chats as it was before. */
interface Side {
  registered: boolean;
  folder: string | null;
  /** Messages up to this seq are dealt with; of a chat that nobody registered, all. */
  cursor: number;
}

/**
 * Gives everything that stands under the LID to the number. What was answered under either id stays
 * answered, and what waits under either waits on. Needs a transaction, and that no turn runs in
 * either chat.
 */
export function mergePerson(db: Database, lid: string, pn: string): void {
  const pair = { lid, pn };
  const sides = { lid: sideOf(db, lid), pn: sideOf(db, pn) };
  const cursor = Math.max(sides.lid.cursor, sides.pn.cursor);
  const waiting = [...waitingUnder(db, lid, sides.lid, cursor), ...waitingUnder(db, pn, sides.pn, cursor)];
  moveMessages(db, pair, sides);
  for (const seq of waiting.sort((a, b) => a - b)) putBehind(db, seq);
  moveRegistration(db, pair, sides, cursor);
  moveTurns(db, pair);
  moveRest(db, pair);
}

function sideOf(db: Database, jid: string): Side {
  const row = db.get("SELECT folder, answered_seq FROM registered_chats WHERE jid = ?", jid);
  const newest = db.get("SELECT max(seq) AS seq FROM messages WHERE chat_jid = ?", jid)?.["seq"];
  if (!row) return { registered: false, folder: null, cursor: Number(newest ?? 0) };
  return { registered: true, folder: String(row["folder"]), cursor: Number(row["answered_seq"]) };
}

/** What the other side's cursor would pass over. */
function waitingUnder(db: Database, jid: string, side: Side, cursor: number): number[] {
  const found = "SELECT seq FROM messages WHERE chat_jid = ? AND seq > ? AND seq <= ? AND decision <> 'ignored'";
  return db.all(found, jid, side.cursor, cursor).map((row) => Number(row["seq"]));
}

/** Each row gets the number in place of the LID; one that then stands there twice stays, ignored. */
function moveMessages(db: Database, { lid, pn }: Pair, sides: { lid: Side; pn: Side }): void {
  const rows = db.all(
    `SELECT * FROM messages
     WHERE chat_jid = ? OR (sender = ? AND chat_jid IN (SELECT jid FROM chats)) ORDER BY seq`,
    lid,
    lid,
  );
  const inPlace = (jid: unknown): string => (jid === lid ? pn : String(jid));
  const moved = new Set<unknown>();
  const isDone = (row: Row): boolean => {
    const chat = moved.has(row["seq"]) ? lid : String(row["chat_jid"]);
    const side = chat === lid ? sides.lid : chat === pn ? sides.pn : sideOf(db, chat);
    return Number(row["seq"]) <= side.cursor;
  };
  for (const row of rows) {
    const [seq, chat, sender] = [Number(row["seq"]), inPlace(row["chat_jid"]), inPlace(row["sender"])];
    const named = "SELECT * FROM messages WHERE chat_jid = ? AND sender = ? AND id = ?";
    const twin = db.get(named, chat, sender, String(row["id"]));
    if (twin) {
      if (isDone(row)) ignore(db, twin);
      else if (!isDone(twin)) callToo(db, twin, row);
      ignore(db, row);
      continue;
    }
    if (row["chat_jid"] === lid) moved.add(seq);
    db.run("UPDATE messages SET chat_jid = ?, sender = ? WHERE seq = ?", chat, sender, seq);
  }
}

/** It called under the other id: where both wait, that counts. */
function callToo(db: Database, twin: Row, row: Row): void {
  if (row["decision"] !== "wakes" || twin["decision"] !== "context") return;
  db.run(
    "UPDATE messages SET decision = 'wakes', reason = ? WHERE seq = ?",
    String(row["reason"]),
    Number(twin["seq"]),
  );
}

function ignore(db: Database, row: Row): void {
  db.run(
    "UPDATE messages SET decision = 'ignored', reason = 'duplicate' WHERE seq = ? AND decision <> 'ignored'",
    Number(row["seq"]),
  );
}

/** It waits after everything that is there, so that a cursor beyond it does not pass over it. */
function putBehind(db: Database, seq: number): void {
  const row = db.get("SELECT content FROM messages WHERE seq = ? AND decision <> 'ignored'", seq);
  if (!row) return;
  const last = Number(db.get("SELECT max(seq) AS seq FROM messages")?.["seq"]);
  const content = String(row["content"]);
  db.run("INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', ?, ?)", seq, content);
  db.run("UPDATE messages SET seq = ? WHERE seq = ?", last + 1, seq);
  db.run("INSERT INTO messages_fts(rowid, content) VALUES (?, ?)", last + 1, content);
}

/** The number's registration counts when there are two. */
function moveRegistration(db: Database, { lid, pn }: Pair, sides: { lid: Side; pn: Side }, cursor: number): void {
  const folder = sides.pn.folder ?? sides.lid.folder;
  if (folder === null) return;
  if (sides.pn.registered) db.run("DELETE FROM registered_chats WHERE jid = ?", lid);
  else db.run("UPDATE registered_chats SET jid = ? WHERE jid = ?", pn, lid);
  db.run("UPDATE registered_chats SET answered_seq = ? WHERE jid = ?", cursor, pn);
  db.run("UPDATE messages SET folder = ? WHERE chat_jid = ? AND seq > ?", folder, pn, cursor);
  db.run(
    "UPDATE turns SET folder = ? WHERE chat_jid IN (?, ?) AND status = 'queued' AND kind = 'message'",
    folder,
    lid,
    pn,
  );
}

/** A chat has one open turn: of two, the number's takes the messages of both. */
function moveTurns(db: Database, { lid, pn }: Pair): void {
  const waits = "SELECT * FROM turns WHERE chat_jid = ? AND kind = 'message' AND status = 'queued'";
  const [theirs, ours] = [db.get(waits, lid), db.get(waits, pn)];
  if (theirs && ours) {
    db.run(
      "UPDATE turns SET acted = max(acted, ?), told = max(told, ?), due_at = min(due_at, ?) WHERE id = ?",
      Number(theirs["acted"]),
      Number(theirs["told"]),
      Number(theirs["due_at"]),
      String(ours["id"]),
    );
    db.run(
      "UPDATE turns SET status = 'cancelled', from_seq = NULL, to_seq = NULL, ended_at = created_at WHERE id = ?",
      String(theirs["id"]),
    );
  }
  db.run("UPDATE turns SET chat_jid = ? WHERE chat_jid = ?", pn, lid);
}

function moveRest(db: Database, { lid, pn }: Pair): void {
  db.run("UPDATE outbox SET chat_jid = ? WHERE chat_jid = ?", pn, lid);
  db.run("UPDATE scheduled_tasks SET chat_jid = ? WHERE chat_jid = ?", pn, lid);
  db.run("UPDATE settings SET value = ? WHERE value = ?", pn, lid);
  db.run(
    `INSERT INTO chats SELECT ?, channel, name, last_message_at, 0 FROM chats WHERE jid = ?
     ON CONFLICT (jid) DO UPDATE SET last_message_at = max(coalesce(last_message_at, 0), coalesce(excluded.last_message_at, 0)),
       name = CASE name WHEN '' THEN excluded.name ELSE name END`,
    pn,
    lid,
  );
  db.run("DELETE FROM chats WHERE jid = ?", lid);
  moveSenders(db, lid, pn);
  moveMembers(db, lid, pn);
}

function moveSenders(db: Database, lid: string, pn: string): void {
  for (const row of db.all("SELECT jid, senders FROM registered_chats WHERE instr(senders, ?) > 0", lid)) {
    const senders = sendersSchema.parse(JSON.parse(String(row["senders"])));
    if (typeof senders === "string") continue;
    const named = [...new Set(senders.map((id) => (id === lid ? pn : id)))];
    db.run("UPDATE registered_chats SET senders = ? WHERE jid = ?", JSON.stringify(named), String(row["jid"]));
  }
}

/** Only whole strings, wherever the channel keeps ids. */
function moveMembers(db: Database, lid: string, pn: string): void {
  for (const row of db.all("SELECT jid, facts FROM network_groups WHERE instr(facts, ?) > 0", lid)) {
    const facts = JSON.stringify(JSON.parse(String(row["facts"]), (_, value: unknown) => (value === lid ? pn : value)));
    db.run("UPDATE network_groups SET facts = ? WHERE jid = ?", facts, String(row["jid"]));
  }
}
