import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "./database.ts";

export interface LockHolder {
  pid: number;
  since: number;
  what: string;
}

/**
 * One host per home. The lock is SQLite's own exclusive lock on a file: it follows the file, not
 * the path to it, holds within one process as well, and dies with the process.
 * @returns the lock, or who holds it (undefined when it is not known).
 * @throws {StoreError} when the file cannot be written.
 */
export const lockHome = (folder: string, what: string): Locked => lock(folder, "host", what);

/** The same for a command that may run beside a host, but only once. */
export const lockSetup = (folder: string): Locked => lock(folder, "setup", "nanoclaw setup");

type Locked = { lock: Disposable } | { heldBy: LockHolder | undefined };

function lock(folder: string, name: string, what: string): Locked {
  const path = join(folder, `${name}.lock`);
  const holderPath = join(folder, `${name}.json`);
  const connection = acquire(path);
  if (!connection) return { heldBy: readHolder(holderPath) };
  const holder: LockHolder = { pid: process.pid, since: Date.now(), what };
  try {
    writeFileSync(holderPath, JSON.stringify(holder), { mode: 0o600 });
  } catch (error) {
    connection.close();
    throw unusable(holderPath, error);
  }
  return {
    lock: {
      [Symbol.dispose]: () => {
        if (!connection.isOpen) return;
        forget(holderPath);
        connection.close();
      },
    },
  };
}

function acquire(path: string): DatabaseSync | undefined {
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(path);
    connection.exec("BEGIN EXCLUSIVE");
    return connection;
  } catch (error) {
    connection?.close();
    const code = Number((error as { errcode?: number }).errcode ?? 0) & 0xff;
    if (code === 5) return undefined;
    throw unusable(path, error);
  }
}

const unusable = (path: string, error: unknown): StoreError =>
  new StoreError(
    `The lock file ${path} cannot be used: ${(error as Error).message}. Check the disk and who may write there.`,
    { cause: error },
  );

/** On a disk that has become read-only the name stays; the next holder writes its own over it. */
function forget(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // the lock is what counts
  }
}

function readHolder(path: string): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as LockHolder;
  } catch {
    return undefined; // it has the lock but has not written its name yet
  }
}
