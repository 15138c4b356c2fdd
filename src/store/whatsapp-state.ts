import { chmodSync, closeSync, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { openDatabase, StoreError, type Database, type Row } from "./database.ts";
import { lockHome, type LockHolder } from "./home-lock.ts";
import { readMultiFileLink } from "./whatsapp-import.ts";
import { messageRows, type MessageRows } from "./whatsapp-messages.ts";
import { whatsAppMigrations } from "./whatsapp-schema.ts";

export interface Link {
  id: number;
  creds: string;
  /** Own id with the device. */
  account: string;
  /** The network said for good that this device is not linked any more. */
  refused: boolean;
}

/** One ciphertext that was decrypted. */
export interface InboxRow {
  hash: string;
  messageKey: string;
  part: number;
  parts: number;
  type: string;
  attrs: Readonly<Record<string, string>>;
  plain: Uint8Array;
  storedAt: number;
}

/** All or nothing; a key without a value is removed. */
export interface LinkChanges {
  creds?: { text: string; account: string | undefined };
  keys?: ReadonlyMap<string, string | null>;
  inbox?: readonly InboxRow[];
}

/** Identity, keys and raw inbox of one link. Every call is on the disk when it returns. */
export interface LinkFile extends MessageRows {
  readKeys(names: readonly string[]): ReadonlyMap<string, string>;
  plainOf(hash: string): Uint8Array | undefined;
  commit(changes: LinkChanges): void;
  /** It was connected: an older link that it replaces is of no use any more. */
  markOpened(at: number): void;
  markRefused(code: number): void;
}

export interface WhatsAppState extends Disposable {
  current(): Link | undefined;
  /** A link that no phone has agreed to yet; what was begun before and not finished goes. */
  begin(creds: string): LinkFile;
  link(id: number): LinkFile;
  /** The file that is open is still the one in the folder: nobody moved it away. */
  isInPlace(): boolean;
}

/** What became of a multi-file link that lay in the folder. */
export type Imported =
  { kind: "imported"; keys: number; damaged: readonly string[] } | { kind: "useless"; reason: string };

export type OpenedState = { state: WhatsAppState; imported: Imported | undefined } | { heldBy: LockHolder | undefined };

/**
 * Opens `state.db`, held by this process alone until it is disposed of.
 * @throws {StoreError} when the folder or the file cannot be used.
 */
export function openWhatsAppState(folder: string, what: string): OpenedState {
  makePrivate(folder);
  const locked = lockHome(folder, what);
  if ("heldBy" in locked) return locked;
  using parts = new DisposableStack();
  parts.use(locked.lock);
  const path = join(folder, "state.db");
  const file = makeFile(path);
  const db = parts.use(openDatabase(path, whatsAppMigrations));
  dropUnfinished(db);
  const imported = currentLink(db) ? undefined : importMultiFile(db, folder);
  const kept = parts.move();
  const state: WhatsAppState = {
    current: () => currentLink(db),
    begin: (creds) =>
      db.transaction(() => {
        dropUnfinished(db);
        return linkFile(db, db.run("INSERT INTO links (creds) VALUES (?)", creds).lastId);
      }),
    link: (id) => linkFile(db, id),
    isInPlace: () => statSync(path, { throwIfNoEntry: false })?.ino === file,
    [Symbol.dispose]: () => kept.dispose(),
  };
  return { state, imported };
}

function makePrivate(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
  } catch (error) {
    const reason = (error as Error).message;
    throw new StoreError(`The folder ${folder} cannot be used: ${reason}. Check the disk and who may write there.`, {
      cause: error,
    });
  }
}

/** @returns its inode. */
function makeFile(path: string): number {
  const handle = openSync(path, "a", 0o600);
  try {
    return fstatSync(handle).ino;
  } finally {
    closeSync(handle);
  }
}

/** Without the phone's consent it can never log in. */
const dropUnfinished = (db: Database): void => void db.run("DELETE FROM links WHERE account IS NULL");

function currentLink(db: Database): Link | undefined {
  const row = db.get("SELECT * FROM links WHERE account IS NOT NULL ORDER BY id DESC LIMIT 1");
  return row && toLink(row);
}

const toLink = ({ id, creds, account, refused }: Row): Link => ({
  id: Number(id),
  creds: String(creds),
  account: String(account),
  refused: refused !== null,
});

function importMultiFile(db: Database, folder: string): Imported | undefined {
  const read = readMultiFileLink(folder);
  if (read.kind === "none") return undefined;
  if (read.kind === "useless") return read;
  const { creds, account, keys, damaged } = read.link;
  db.transaction(() => {
    const { lastId } = db.run("INSERT INTO links (creds, account) VALUES (?, ?)", creds, account);
    linkFile(db, lastId).commit({ keys });
  });
  return { kind: "imported", keys: keys.size, damaged };
}

function linkFile(db: Database, id: number): LinkFile {
  const isOnly = () =>
    db.get("SELECT 1 FROM links WHERE id <> ? AND account IS NOT NULL AND refused IS NULL", id) === undefined;
  return {
    readKeys: (names) =>
      new Map(
        names.flatMap((name) => {
          const row = db.get("SELECT value FROM keys WHERE link_id = ? AND name = ?", id, name);
          return row ? [[name, String(row["value"])] as const] : [];
        }),
      ),
    plainOf: (hash) => db.get("SELECT plain FROM inbox WHERE hash = ?", hash)?.["plain"] as Uint8Array | undefined,
    commit: (changes) => db.transaction(() => commit(db, id, changes)),
    ...messageRows(db),
    markOpened: (at) =>
      db.transaction(() => {
        db.run("DELETE FROM links WHERE id <> ?", id);
        db.run("UPDATE links SET opened_at = ?, refused = NULL WHERE id = ?", at, id);
      }),
    markRefused: (code) =>
      db.transaction(() => {
        // One that never worked must not take the place of one that does.
        const gone = isOnly() ? 0 : db.run("DELETE FROM links WHERE id = ? AND opened_at IS NULL", id).changes;
        if (gone === 0) db.run("UPDATE links SET refused = ? WHERE id = ?", code, id);
      }),
  };
}

function commit(db: Database, id: number, { creds, keys, inbox }: LinkChanges): void {
  if (creds) {
    const { text, account } = creds;
    db.run("UPDATE links SET creds = ?, account = coalesce(?, account) WHERE id = ?", text, account ?? null, id);
  }
  for (const [name, value] of keys ?? []) {
    if (value === null) db.run("DELETE FROM keys WHERE link_id = ? AND name = ?", id, name);
    else db.run("INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", id, name, value);
  }
  for (const { hash, messageKey, part, parts, type, attrs, plain, storedAt } of inbox ?? []) {
    db.run(
      `INSERT OR IGNORE INTO inbox (hash, account, message_key, part, parts, type, attrs, plain, stored_at, seq)
       SELECT ?, account, ?, ?, ?, ?, ?, ?, ?, (SELECT coalesce(max(seq), 0) + 1 FROM inbox) FROM links WHERE id = ?`,
      ...[hash, messageKey, part, parts, type, JSON.stringify(attrs), plain, storedAt, id],
    );
  }
}
