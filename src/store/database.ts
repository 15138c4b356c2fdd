import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { migrations as released } from "./schema.ts";

/** The database cannot be used as it is; the message says why and what to do. */
export class StoreError extends Error {
  override name = "StoreError";
}

export type Row = Record<string, SQLInputValue>;

/** How long a statement waits for another process's lock before it throws, in ms. It blocks the host. */
const BUSY_TIMEOUT_MS = 250;

/** A connection with its prepared statements. */
export interface Database extends Disposable {
  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number };
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** All or nothing. Calls may nest: the outermost decides. Never pass an async function. */
  transaction<T>(work: () => T): T;
}

/**
 * Opens (and creates) a database, brings its schema up to date and checks that it is whole.
 * @throws {StoreError} when it was made by a newer version, is damaged, or cannot be opened.
 */
export function openDatabase(path: string, migrations = released): Database {
  const connection = connect(path);
  try {
    configure(connection);
    checkIntegrity(connection, path);
    migrate(connection, path, migrations);
  } catch (error) {
    connection.close();
    throw explain(error, path);
  }
  return wrap(connection);
}

function connect(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    throw explain(error, path);
  }
}

function configure(connection: DatabaseSync): void {
  connection.exec("PRAGMA journal_mode = WAL");
  connection.exec("PRAGMA synchronous = FULL");
  connection.exec("PRAGMA foreign_keys = ON");
  // What is deleted, or overwritten, must not stand in the file all the same.
  connection.exec("PRAGMA secure_delete = ON");
}

function checkIntegrity(connection: DatabaseSync, path: string): void {
  const found = connection.prepare("PRAGMA quick_check(3)").all();
  const problems = found.map((row) => String(Object.values(row)[0])).filter((line) => line !== "ok");
  if (problems.length > 0) throw new StoreError(damaged(path, problems.join("; ")));
}

const damaged = (path: string, detail: string): string =>
  `The database ${path} is damaged (${detail}). Stop everything that uses it, keep a copy, and restore a backup, or recover what can be read with: sqlite3 ${path} .recover | sqlite3 recovered.db`;

function migrate(connection: DatabaseSync, path: string, migrations: typeof released): void {
  connection.exec("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
  const applied = new Set(
    connection
      .prepare("SELECT name FROM migrations")
      .all()
      .map((row) => String(row["name"])),
  );
  const unknown = [...applied].filter((name) => !migrations.some((migration) => migration.name === name));
  if (unknown.length > 0) {
    throw new StoreError(
      `The database ${path} was written by a newer NanoClaw (it has ${unknown.join(", ")}). Update NanoClaw, or restore a backup from before the update.`,
    );
  }
  for (const { name, sql } of migrations) {
    if (applied.has(name)) continue;
    inTransaction(connection, () => {
      connection.exec(sql);
      connection.prepare("INSERT INTO migrations VALUES (?, ?)").run(name, Date.now());
    });
  }
}

function inTransaction<T>(connection: DatabaseSync, work: () => T): T {
  if (connection.isTransaction) return work();
  connection.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    connection.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (connection.isTransaction) connection.exec("ROLLBACK");
    throw error;
  }
}

function wrap(connection: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    const statement = connection.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    run: (sql, ...values) => {
      const { changes, lastInsertRowid } = prepare(sql).run(...values);
      return { changes: Number(changes), lastId: Number(lastInsertRowid) };
    },
    get: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    transaction: (work) => inTransaction(connection, work),
    [Symbol.dispose]: () => {
      if (connection.isOpen) connection.close();
    },
  };
}

/** SQLite's primary result codes that pass by themselves or when a person makes room. */
const passing = new Map([
  [5, "another process holds the database"],
  [6, "the database is locked"],
  [8, "the disk is read-only"],
  [10, "the disk reports an error"],
  [13, "the disk is full"],
  [14, "the database file cannot be opened"],
]);

/** The reason, when the error is one that may pass (locked, disk full, read-only); else undefined. */
export function passingReason(error: unknown): string | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? passing.get(code & 0xff) : undefined;
}

function explain(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
  if (code === 11 || code === 26) return new StoreError(damaged(path, (error as Error).message), { cause: error });
  const reason = passingReason(error) ?? (error as Error).message;
  return new StoreError(`The database ${path} cannot be used: ${reason}. Check the disk and who may write there.`, {
    cause: error,
  });
}
