import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { openDatabase, StoreError } from "./database.ts";
import { migrations } from "./schema.ts";
import { whatsAppMigrations } from "./whatsapp-schema.ts";

/** What each database of a backup may have gone through. */
export const knownMigrations = { ledger: namesOf(migrations), link: namesOf(whatsAppMigrations) };

function namesOf(list: typeof migrations): ReadonlySet<string> {
  return new Set(list.map(({ name }) => name));
}

/**
 * Whether somebody would miss what stands in these databases: messages, groups besides main, tasks,
 * a link. One that cannot be read counts.
 */
export function holdsAnything({ ledger, link }: { ledger: string; link: string }): boolean {
  const inLedger = `SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM scheduled_tasks)
    + (SELECT count(*) FROM registered_groups WHERE folder <> 'main') AS n`;
  return counts(ledger, inLedger) || counts(link, "SELECT count(*) AS n FROM links WHERE account IS NOT NULL");
}

function counts(path: string, sql: string): boolean {
  if (!existsSync(path)) return false;
  try {
    using connection = new DatabaseSync(path, { readOnly: true });
    return Number(connection.prepare(sql).get()?.["n"]) > 0;
  } catch {
    return true; // of another program, or damaged: nothing to be put aside unasked
  }
}

/**
 * Brings a ledger that was restored up to date. Calls of before that time are context from now on, and
 * turns that were to answer nothing else end: what waited in an old backup was probably answered since.
 * @returns how many messages that concerns.
 * @throws {StoreError}
 */
export function openRestored(path: string, before: number, now: number): number {
  using db = openDatabase(path);
  return db.transaction(() => {
    const { changes } = db.run(
      `UPDATE messages SET decision = 'context', reason = 'too-old'
       WHERE decision = 'wakes' AND sent_at < ?
         AND seq > (SELECT answered_seq FROM registered_chats WHERE jid = chat_jid)`,
      before,
    );
    if (changes === 0) return 0;
    for (const id of db.all(idleTurns).map((row) => String(row["id"]))) {
      db.run("UPDATE attempts SET status = 'cancelled', ended_at = ? WHERE turn_id = ? AND ended_at IS NULL", now, id);
      db.run("UPDATE turns SET status = 'cancelled', ended_at = ? WHERE id = ?", now, id);
    }
    return changes;
  });
}

const idleTurns = `SELECT id FROM turns WHERE kind = 'message' AND status IN ('queued', 'running')
  AND NOT EXISTS (SELECT 1 FROM messages m JOIN registered_chats c ON c.jid = m.chat_jid
    WHERE m.chat_jid = turns.chat_jid AND m.seq > c.answered_seq AND m.decision = 'wakes')`;

/** @throws {StoreError} when the link's file in a backup is damaged. */
export function checkLink(path: string): void {
  try {
    openDatabase(path, whatsAppMigrations)[Symbol.dispose]();
  } catch (error) {
    throw error instanceof StoreError ? error : new StoreError((error as Error).message, { cause: error });
  }
}
