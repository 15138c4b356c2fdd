import { closeSync, openSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { passingReason, StoreError } from "./database.ts";

/** A host that is writing holds it for moments; its start may take longer. */
const PATIENCE_MS = 10_000;
/** All of it in one step: a pause between two would only prolong the read transaction. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies a database as it stands at one moment, whoever writes to it meanwhile, and checks the copy.
 * Nothing is migrated, in the original or in the copy.
 * @param to must not exist yet.
 * @returns the migrations it went through; undefined when it is none of our databases.
 * @throws {StoreError} when it is damaged, or cannot be read or written.
 */
export async function copyDatabase(from: string, to: string): Promise<string[] | undefined> {
  try {
    closeSync(openSync(to, "wx", 0o600));
    await snapshot(from, to);
    return examine(to, from);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const reason = passingReason(error) ?? (error as Error).message;
    throw new StoreError(`The database ${from} cannot be copied to ${to}: ${reason}.`, { cause: error });
  }
}

async function snapshot(from: string, to: string): Promise<void> {
  using source = new DatabaseSync(from, { readOnly: true, timeout: PATIENCE_MS });
  // The copy joins this transaction; without it every write of the host would begin the copy anew.
  source.exec("BEGIN");
  source.prepare("SELECT count(*) FROM sqlite_master").get();
  await backup(source, to, { rate: ALL_PAGES });
}

function examine(copy: string, original: string): string[] | undefined {
  using connection = new DatabaseSync(copy);
  const [found] = connection.prepare("PRAGMA quick_check(1)").all();
  const state = String(Object.values(found ?? {})[0]);
  if (state !== "ok")
    throw new StoreError(
      `The database ${original} is damaged (${state}); a backup of it would be, too. Restore an older one.`,
    );
  return migrationsOf(connection);
}

function migrationsOf(connection: DatabaseSync): string[] | undefined {
  if (!hasTable(connection, "migrations")) return undefined;
  const rows = connection.prepare("SELECT name FROM migrations ORDER BY name").all();
  return rows.map(({ name }) => String(name));
}

const hasTable = (connection: DatabaseSync, name: string): boolean =>
  connection.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(name) !== undefined;
