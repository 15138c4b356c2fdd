import { existsSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { passingReason, StoreError } from "./database.ts";

/** The fork's database, which nobody else can write to until this is disposed of. */
export interface HeldDatabase extends Disposable {
  /** A whole copy, of this very state. */
  copyTo(path: string): Promise<void>;
  /** It is one file now: nothing of it lies in a journal beside it, which would be taken for another one's. */
  isAlone(): boolean;
}

/**
 * Takes everything that lies in journals beside the file into it, and keeps others from writing.
 * @throws {StoreError} when another process uses it, or the disk does not take it.
 */
export function holdDatabase(path: string): HeldDatabase {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path, { timeout: 5_000 });
    connection.exec("PRAGMA journal_mode = DELETE");
    connection.exec("BEGIN IMMEDIATE");
  } catch (error) {
    connection?.close();
    throw unusable(path, error);
  }
  const held = connection;
  return {
    copyTo: (target) => copyDatabase(path, target),
    isAlone: () => ["-wal", "-journal"].every((suffix) => !existsSync(`${path}${suffix}`)),
    [Symbol.dispose]: () => held.close(),
  };
}

async function copyDatabase(path: string, target: string): Promise<void> {
  // Another connection than the one that holds it: SQLite copies from none that writes.
  const source = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    await backup(source, target);
  } catch (error) {
    throw unusable(path, error);
  } finally {
    source.close();
  }
}

function unusable(path: string, error: unknown): StoreError {
  const code = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
  const reason = passingReason(error) ?? (error as Error).message;
  const cure = code === 5 || code === 6 ? "Stop the old system first." : "Check the disk and who may write there.";
  return new StoreError(`The old system's database ${path} cannot be taken over: ${reason}. ${cure}`, { cause: error });
}
