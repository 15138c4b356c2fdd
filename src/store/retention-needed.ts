import { z } from "zod";
import { isLocal, type Jid } from "../domain/ids.ts";
import type { Database, Row } from "./database.ts";

const OPEN = "('queued', 'running')";

/**
 * Of each chat the first message that a turn has still to read: behind the cursor when somebody
 * waits for an answer, and those of a turn that was cut off, as the next one is handed them again.
 * Infinity: none. What was looked up is kept: ask within one transaction.
 */
export function neededFrom(db: Database): (chat: string) => number {
  const known = new Map<string, number>();
  return (chat) => {
    const found = known.get(chat) ?? lookUpNeeded(db, chat);
    known.set(chat, found);
    return found;
  };
}

function lookUpNeeded(db: Database, chat: string): number {
  const row = db.get(
    `SELECT answered_seq + 1 AS next,
       (SELECT min(m.seq) FROM messages m
          WHERE m.chat_jid = c.jid AND m.seq > c.answered_seq AND m.decision = 'wakes') AS call,
       (SELECT min(coalesce(t.from_seq, c.answered_seq + 1)) FROM turns t
          WHERE t.chat_jid = c.jid AND t.kind = 'message' AND t.status IN ${OPEN}) AS open,
       (SELECT CASE status WHEN 'interrupted' THEN from_seq END FROM turns t
          WHERE t.chat_jid = c.jid AND t.kind = 'message' AND t.ended_at IS NOT NULL
          ORDER BY rowid DESC LIMIT 1) AS cut
     FROM registered_chats c WHERE c.jid = ?`,
    chat,
  );
  if (!row) return Infinity;
  const isAwaited = row["call"] !== null || row["open"] !== null;
  const begins = [isAwaited ? row["next"] : null, row["open"], row["cut"]];
  return Math.min(...begins.map((seq) => (seq === null ? Infinity : Number(seq))));
}

/** Names of a group's files that turns still have to read, as the agent finds them (`inbox/…`). */
export function neededFiles(db: Database, folder: string): ReadonlySet<string> {
  const needed = neededFrom(db);
  const chats = db.all("SELECT jid FROM registered_chats WHERE folder = ?", folder).map(({ jid }) => String(jid));
  const rows = chats
    .filter((jid) => needed(jid) !== Infinity)
    .flatMap((jid) =>
      db.all(
        `SELECT attachments FROM messages
         WHERE chat_jid = ? AND seq >= ? AND decision <> 'ignored' AND attachments IS NOT NULL`,
        ...[jid, needed(jid)],
      ),
    );
  return new Set(rows.flatMap(pathsIn));
}

/** What a person has seen of a chat's replies; what went to a network, it has shown. */
export const shownIn = (row: Row): number =>
  isLocal(String(row["chat_jid"]) as Jid) ? Number(row["shown"] ?? 0) : Infinity;

const fileSchema = z.array(z.looseObject({ path: z.string().nullable() }));
const filesIn = ({ attachments }: Row) => (attachments ? fileSchema.parse(JSON.parse(String(attachments))) : []);

export const pathsIn = (row: Row): string[] => filesIn(row).flatMap(({ path }) => path ?? []);

const GONE = "files are not kept that long here";
export const withoutFiles = (row: Row): string =>
  JSON.stringify(filesIn(row).map((file) => (file.path === null ? file : { ...file, path: null, problem: GONE })));
