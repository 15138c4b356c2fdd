import { existsSync, statSync } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Home } from "../home.ts";
import { archiveBytes, type Sources } from "./archive.ts";
import { BackupError, inWords } from "./backup-error.ts";
import { copyState } from "./copy-state.ts";
import { assertRoom } from "./free-space.ts";
import { FORMAT, type Checksums, type Manifest } from "./manifest.ts";
import { DATABASES, LOGS, TREES } from "./places.ts";
import { publish, type Target } from "./target.ts";
import { walkTree } from "./walk-tree.ts";
import { clearLeftovers, makeWorkFolder } from "./work-folder.ts";

export interface BackupOptions extends Sources {
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
  const cleared = await clearLeftovers(target.folder, now);
  await using work = await makeWorkFolder(target.folder);
  const [trees, databases] = [await bytesOfTrees(options), bytesOfDatabases(home)];
  await assertRoom(target.folder, trees + 2 * databases, "the backup");
  signal.throwIfAborted();
  const state = await copyState(home, work.path);
  signal.throwIfAborted();
  const manifest = manifestOf(options, state.migrations, trees + databases);
  const archive = join(work.path, "archive");
  const checksums: Checksums = { entries: [], leftOut: [], changed: [] };
  const file = await open(archive, "wx", 0o600);
  const bytes = archiveBytes({ ...options, state, manifest, checksums, scratch: work.path });
  await pipeline(bytes, createGzip(), file.createWriteStream({ flush: true }), { signal });
  const { size } = await stat(archive);
  await publish(archive, target);
  return { file: target.file, bytes: size, manifest, checksums, cleared };
}

const manifestOf = (options: BackupOptions, migrations: Manifest["migrations"], bytes: number): Manifest => ({
  ...{ format: FORMAT, product: "nanoclaw" },
  ...{ ...options.facts, created: new Date(options.now).toISOString(), withLogs: options.withLogs, migrations, bytes },
});

async function bytesOfTrees({ home, withLogs }: BackupOptions): Promise<number> {
  let bytes = 0;
  for (const tree of withLogs ? [...TREES, LOGS] : TREES) {
    const at = await realpath(join(home.root, tree)).catch(() => undefined);
    if (at === undefined) continue;
    for await (const found of walkTree(at, tree)) {
      // As a tar archive has it, with its header.
      bytes += 1024 + (found.kind === "file" ? found.stat.size : 0);
    }
  }
  return bytes;
}

const bytesOfDatabases = ({ root }: Pick<Home, "root">): number =>
  DATABASES.flatMap((path) => [path, `${path}-wal`])
    .map((path) => statSync(join(root, path), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0);
