import { DatabaseSync } from "node:sqlite";
import { homePaths } from "../src/home.ts";

/** Puts answered messages into the main chat of a home that no host has open. */
export function fillMessages(home: string, count: number): void {
  const db = new DatabaseSync(homePaths(home).database);
  try {
    db.exec("PRAGMA synchronous = OFF; BEGIN");
    db.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       INSERT INTO messages (chat_jid, sender, id, folder, sender_name, from_owner, from_assistant, content,
         sent_at, received_at, decision, reason)
       SELECT 'local:main', 'owner', 'fill-' || i, 'main', 'Owner', 1, 0,
         'message number ' || i || ' about topic ' || (i % 9973) || ' and nothing else',
         1700000000000 + i, 1700000000000 + i, 'wakes', 'main' FROM n`,
    ).run(count);
    db.exec("UPDATE registered_chats SET answered_seq = (SELECT max(seq) FROM messages) WHERE jid = 'local:main'");
    db.exec("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    db.close();
  }
}
