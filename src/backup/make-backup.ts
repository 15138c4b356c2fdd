import { existsSync, lstatSync, statSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { assertWhole, type Home } from "../home.ts";
import { archiveBytes, type Sources } from "./archive.ts";
import { BackupError, inWords } from "./backup-error.ts";
import { copyState } from "./copy-state.ts";
import { measure, type Measured } from "./measure.ts";
import { assertRoom, freeIn } from "./free-space.ts";
import { FORMAT, type Checksums, type Manifest } from "./manifest.ts";
import { DATABASES } from "./places.ts";
import { publish, type Target } from "./target.ts";
import { clearLeftovers, makeWorkFolder } from "./work-folder.ts";

export interface BackupOptions extends Sources {
  home: Pick<Home, "root" | "restoring">;
  target: Target;
  facts: Pick<Manifest, "version" | "zone" | "hostRunning">;
  signal: AbortSignal;
}

export interface BackupReport {
  file: string;
  bytes: number;
  manifest: Manifest;
  checksums: Checksums;
  /** What earlier backups that were killed had left in that folder. */
  cleared: string[];
}

/**
 * Writes one archive of everything that is state, while a host runs or not. Until it is whole it has
 * another name; whatever goes wrong, nothing of it stays.
 * @throws {BackupError | StoreError}
 */
export async function makeBackup(options: BackupOptions): Promise<BackupReport> {
  const { target, signal } = options;
  try {
    return await make(options);
  } catch (error) {
    if (signal.aborted) throw new BackupError("Interrupted: no backup was made, and nothing was left of it.");
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined || syscall === undefined) throw error;
    throw new BackupError(`No backup was made: ${inWords(error, target.folder)}. Nothing was left of it.`);
  }
}

/** @throws {BackupError} when there is no state in this home. */
export function assertState({ root }: Pick<Home, "root">): void {
  if (!DATABASES.some((path) => existsSync(join(root, path))))
    throw new BackupError(`There is nothing to back up in ${root}: no host has run there yet.`);
}

async function make(options: BackupOptions): Promise<BackupReport> {
  const { home, target, now, signal } = options;
  const assertSameHome = watchHome(home);
  const cleared = await clearLeftovers(target.folder, now);
  await using work = await makeWorkFolder(target.folder);
  const [trees, databases] = [await measure(options), bytesOfDatabases(home)];
  const isLean = await mustBeLean(target.folder, trees, 2 * databases);
  signal.throwIfAborted();
  const state = await copyState(home, work.path);
  signal.throwIfAborted();
  assertSameHome();
  const manifest = manifestOf(options, state.migrations, (isLean ? trees.lean : trees.all) + databases);
  const archive = join(work.path, "archive");
  const checksums: Checksums = { entries: [], leftOut: [], changed: [] };
  const file = await open(archive, "wx", 0o600);
  const bytes = archiveBytes({ ...options, state, manifest, checksums, isLean, scratch: work.path });
  await pipeline(bytes, createGzip(), file.createWriteStream({ flush: true }), { signal });
  assertSameHome();
  const { size } = await stat(archive);
  await publish(archive, target);
  return { file: target.file, bytes: size, manifest, checksums, cleared };
}

const manifestOf = (options: BackupOptions, migrations: Manifest["migrations"], bytes: number): Manifest => ({
  ...{ format: FORMAT, product: "nanoclaw" },
  ...{ ...options.facts, created: new Date(options.now).toISOString(), withLogs: options.withLogs, migrations, bytes },
});

/**
 * Whether only what takes as much room on the disk goes into the archive: a group's file with holes, or
 * with many names, is no reason to go without a backup.
 * @throws {BackupError} when there is no room for that either.
 */
async function mustBeLean(folder: string, { all, lean }: Measured, databases: number): Promise<boolean> {
  if ((await freeIn(folder)) >= all + databases) return false;
  await assertRoom(folder, lean + databases, "the backup");
  return true;
}

/**
 * @returns a look whether a restore is, or was, at work since; it throws then.
 * @throws {StoreError | BackupError}
 */
function watchHome(home: BackupOptions["home"]): () => void {
  const files = () => DATABASES.map((path) => lstatSync(join(home.root, path), { throwIfNoEntry: false })?.ino);
  const before = files();
  const check = () => {
    assertWhole(home);
    if (files().some((file, n) => file !== before[n] && file !== undefined && before[n] !== undefined))
      throw new BackupError(`The databases of ${home.root} were replaced meanwhile; no backup was made. Try again.`);
  };
  check();
  return check;
}

const bytesOfDatabases = ({ root }: Pick<Home, "root">): number =>
  DATABASES.flatMap((path) => [path, `${path}-wal`])
    .map((path) => statSync(join(root, path), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
