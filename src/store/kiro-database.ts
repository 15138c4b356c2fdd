import { lstatSync } from "node:fs";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { readConversations, type KiroConversation } from "./kiro-conversations.ts";
import { copyPrivately, type KiroSource } from "./kiro-copy.ts";
import { hasColumns, isAbsent, openGuarded } from "./kiro-guard.ts";
import { readShape, type KiroTable } from "./kiro-shape.ts";

export interface KiroRow {
  key: string;
  value: string;
}

/** What is wanted of a `data.sqlite3`; nothing else of it is read. */
export interface KiroWanted {
  /** Keys of `auth_kv`. */
  auth: (key: string) => boolean;
  /** Keys of `state`. */
  state?: (key: string) => boolean;
  /** The newest of V1's conversations, up to so many bytes together. */
  conversationBytes?: number;
  /** What its tables look like, and which migrations they went through. */
  shape?: boolean;
}

export interface KiroContent {
  auth: KiroRow[];
  state: KiroRow[];
  conversations: KiroConversation[];
  shape: KiroShape;
}

export interface KiroShape {
  tables: KiroTable[];
  /** Rows of its table `migrations`, in the order of that table's columns. */
  migrations: SQLInputValue[][];
}

export type KiroRead =
  | { kind: "content"; content: KiroContent }
  | { kind: "missing" }
  /** It is not what Kiro makes: a link, damaged, too large, a view in place of a table. */
  | { kind: "refused"; problem: string };

const MOST_ROWS = 2_000;
const KEY_BYTES = 200;
/** A login is a few kilobytes. */
const VALUE_BYTES = 64 * 1024;

/**
 * Reads from a private copy: never waits, takes no lock that a running kiro-cli could notice, and
 * lets nothing but SQLite's file format itself act on the host.
 */
export function readKiroDatabase(source: KiroSource, wanted: KiroWanted): KiroRead {
  const copy = copyPrivately(source);
  switch (copy.kind) {
    case "missing":
      return copy;
    case "refused":
      return copy;
    case "too-large":
      // Never where it lies: an agent that writes there could put a pipe in its place, and the host would hang.
      return { kind: "refused", problem: `it has ${copy.bytes} bytes; remove old conversations with kiro-cli` };
    case "copy": {
      using _ = copy;
      return readAt(copy.path, wanted);
    }
    default:
      return copy satisfies never;
  }
}

function readAt(path: string, wanted: KiroWanted): KiroRead {
  try {
    using connection = openGuarded(path, { readOnly: true });
    return { kind: "content", content: readContent(connection, wanted) };
  } catch (error) {
    return { kind: "refused", problem: (error as Error).message };
  }
}

function readContent(connection: DatabaseSync, wanted: KiroWanted): KiroContent {
  const tables = wanted.shape ? readShape(connection) : [];
  return {
    auth: readRows(connection, "auth_kv", wanted.auth),
    state: wanted.state ? readRows(connection, "state", wanted.state) : [],
    conversations: readConversations(connection, wanted.conversationBytes ?? 0),
    shape: { tables, migrations: readMigrations(connection, tables) },
  };
}

/**
 * Rows of a table that is really one. Sizes are looked at before values are loaded, and rows are
 * picked here: no index, no comparison, no order of the file's own has a say.
 * @throws when the table is none.
 */
function readRows(connection: DatabaseSync, table: "auth_kv" | "state", wants: (key: string) => boolean): KiroRow[] {
  if (!hasColumns(connection, table, ["key", "value"])) {
    if (isAbsent(connection, table)) return [];
    throw new Error(`${table} is no plain table`);
  }
  const rows = connection
    .prepare(
      `SELECT iif(octet_length(key) <= ${KEY_BYTES}, key, NULL) AS key,
              iif(octet_length(value) <= ${VALUE_BYTES}, value, NULL) AS value
       FROM main.${table} NOT INDEXED LIMIT ${MOST_ROWS}`,
    )
    .iterate();
  const found = new Map<string, string[]>();
  for (const { key, value } of rows) {
    if (typeof key !== "string" || typeof value !== "string" || !wants(key)) continue;
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  // A key that is there twice, in a table that should not allow it, says nothing.
  return [...found].flatMap(([key, [value = "", ...others]]) => (others.length === 0 ? [{ key, value }] : []));
}

function readMigrations(connection: DatabaseSync, tables: readonly KiroTable[]): SQLInputValue[][] {
  const table = tables.find(({ name }) => name === "migrations");
  if (!table) return [];
  const names = table.columns.map(({ name }) => `iif(octet_length("${name}") <= ${KEY_BYTES}, "${name}", NULL)`);
  return connection
    .prepare(`SELECT ${names.join(", ")} FROM main.migrations NOT INDEXED LIMIT ${MOST_ROWS}`)
    .all()
    .map((row) => Object.values(row));
}

export type KiroUpdate =
  { kind: "done" } | { kind: "busy" } | { kind: "changed" } | { kind: "refused"; problem: string };

/**
 * Replaces values in the person's own `auth_kv`, all of them or none, and only where the old value
 * still stands. A running kiro-cli may have the file open; no agent may.
 */
export function updateKiroLogin(
  path: string,
  changes: readonly { key: string; from: string; to: string }[],
): KiroUpdate {
  const problem = neighbourProblem(path);
  if (problem !== undefined) return problem;
  try {
    using connection = openGuarded(path, { readOnly: false });
    if (!hasColumns(connection, "auth_kv", ["key", "value"]) || hasTrigger(connection, "auth_kv")) {
      return { kind: "refused", problem: "auth_kv is no plain table" };
    }
    connection.exec("BEGIN IMMEDIATE");
    const update = connection.prepare("UPDATE main.auth_kv SET value = ? WHERE key = ? AND value = ?");
    const isWhole = changes.every(({ key, from, to }) => Number(update.run(to, key, from).changes) === 1);
    connection.exec(isWhole ? "COMMIT" : "ROLLBACK");
    return { kind: isWhole ? "done" : "changed" };
  } catch (error) {
    const code = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
    return code === 5 || code === 6 ? { kind: "busy" } : { kind: "refused", problem: (error as Error).message };
  }
}

/**
 * Main's agent writes that folder during its turns. A rollback journal that is left there names a
 * file, and SQLite would delete it; a kiro-cli in the middle of a change has one for an instant.
 */
function neighbourProblem(path: string): KiroUpdate | undefined {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) {
    const stat = lstatSync(`${path}${suffix}`, { throwIfNoEntry: false });
    if (!stat && suffix === "") return { kind: "refused", problem: "it is not there" };
    if (stat && !stat.isFile()) return { kind: "refused", problem: `${path}${suffix} is no regular file` };
    if (stat && suffix === "-journal" && stat.size > 0) return { kind: "busy" };
  }
  return undefined;
}

const hasTrigger = (connection: DatabaseSync, table: string): boolean =>
  connection
    .prepare("SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE")
    .get(table) !== undefined;
