import { constants, existsSync } from "node:fs";
import { copyFile, link, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Home } from "../home.ts";
import { copyDatabase } from "../store/backup-database.ts";
import { BackupError } from "./backup-error.ts";
import { DATABASES, type DatabasePath } from "./places.ts";
import { walkTree } from "./walk-tree.ts";

/** What has to fit together, kept in a folder of our own. */
export interface StateCopy {
  databases: { path: DatabasePath; at: string }[];
  migrations: Record<string, string[]>;
  /** The files of messages that are to be sent. */
  outbox: string;
}

/**
 * Copies of the databases, in the order of `DATABASES`, and every file that leaves with a message that is
 * pending in the ledger's copy: those that were there before it was made, and those that were afterwards.
 * @throws {BackupError | StoreError}
 */
export async function copyState(home: Pick<Home, "root">, folder: string): Promise<StateCopy> {
  const outbox = join(folder, "outbox");
  const files = join(home.root, "data", "outbox");
  await keepFiles(files, outbox);
  const copy: StateCopy = { databases: [], migrations: {}, outbox };
  for (const path of DATABASES) {
    const original = join(home.root, path);
    if (!existsSync(original)) continue;
    const at = join(folder, path);
    await mkdir(dirname(at), { recursive: true, mode: 0o700 });
    const migrations = await copyDatabase(original, at);
    if (migrations === undefined)
      throw new BackupError(
        `${original} was not made by NanoClaw as it is now. If it is an older system's: npm run nanoclaw -- move-in`,
      );
    copy.databases.push({ path, at });
    copy.migrations[path] = migrations;
  }
  await keepFiles(files, outbox);
  return copy;
}

/** The host writes these once and removes them when they were sent: another name for each keeps it. */
async function keepFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for await (const found of walkTree(from, ".")) {
    const target = join(to, found.path);
    if (found.kind === "folder") await mkdir(target, { recursive: true, mode: 0o700 });
    else if (found.kind === "file") await keepFile(found.at, target);
  }
}

async function keepFile(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" || code === "ENOENT") return;
    await copyFile(source, target, constants.COPYFILE_EXCL).catch(passIfGone);
  }
}

function passIfGone(error: unknown): void {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "EEXIST") throw error;
}
