import type { migrations as ledger } from "./schema.ts";

/** Of `state.db`; the rules of the ledger's migrations hold here, too. */
export const whatsAppMigrations: typeof ledger = [
  {
    name: "001-link",
    sql: `
      -- The link in use is the newest one that a phone agreed to. An older one stays until the newer
      -- one was once connected: linking anew costs nothing when it is broken off.
      CREATE TABLE links (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        creds TEXT NOT NULL,
        -- Own id with the device; null until the phone agreed.
        account TEXT,
        opened_at INTEGER,
        -- The code with which the network refused it for good.
        refused INTEGER
      ) STRICT;

      -- Sessions, one-time keys, sender keys; named as in a multi-file link.
      CREATE TABLE keys (
        link_id INTEGER NOT NULL REFERENCES links(id) ON DELETE CASCADE,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (link_id, name)
      ) STRICT, WITHOUT ROWID;

      -- What was decrypted, committed with the key that is used up by it and before the network is
      -- told that it arrived. Rows outlive their link.
      CREATE TABLE inbox (
        -- SHA-256 of the ciphertext: the same one again is answered from here.
        hash TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        message_key TEXT NOT NULL,
        -- A stanza may hold several; half of one is no message.
        part INTEGER NOT NULL,
        parts INTEGER NOT NULL,
        type TEXT NOT NULL,
        attrs TEXT NOT NULL,
        plain BLOB NOT NULL
      ) STRICT;
      CREATE INDEX inbox_message ON inbox(message_key);
    `,
  },
  {
    name: "002-messages",
    sql: `
      -- The order in which they were decrypted, and when: both ours.
      ALTER TABLE inbox ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE inbox ADD COLUMN stored_at INTEGER NOT NULL DEFAULT 0;
      -- Set when the ledger has the message. The row is kept for a while: a receipt that was lost
      -- brings the same ciphertext again.
      ALTER TABLE inbox ADD COLUMN done_at INTEGER;
      CREATE INDEX inbox_open ON inbox(seq) WHERE done_at IS NULL;
      CREATE INDEX inbox_seq ON inbox(seq);
      CREATE INDEX inbox_done ON inbox(done_at) WHERE done_at IS NOT NULL;

      -- What was sent, as it was sent, stored before it leaves: a repeated send carries the same, and
      -- a phone that could not read it asks for it again.
      CREATE TABLE sent (
        id TEXT PRIMARY KEY,
        jid TEXT NOT NULL,
        message BLOB NOT NULL,
        stored_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sent_age ON sent(stored_at);
    `,
  },
];
