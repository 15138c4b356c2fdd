import { lstatSync, mkdirSync, realpathSync, statSync } from "node:fs";
import { link, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { assertOwn, homePaths, type Home } from "../home.ts";
import { BackupError, inWords } from "./backup-error.ts";
import { placesOf } from "./places.ts";

export interface Target {
  folder: string;
  file: string;
  force: boolean;
}

export interface Wanted {
  home: Pick<Home, "root">;
  /** A file, or a folder that is there; undefined: `backups` of the home. */
  given: string | undefined;
  force: boolean;
  now: number;
}

/** Where the archive goes. @throws {BackupError} when it cannot go there. */
export function chooseTarget({ home, given, force, now }: Wanted): Target {
  const place = given === undefined ? ownFolder(home.root) : resolve(given);
  const isFolder = statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
  const file = isFolder ? join(place, defaultName(now)) : place;
  const folder = realFolder(dirname(file));
  for (const state of placesOf(home)) {
    const real = realOf(state);
    if (real !== undefined && (folder === real || folder.startsWith(real + sep)))
      throw new BackupError(`${file} would lie inside what is backed up, where agents may read. Name another place.`);
  }
  const target = { folder, file: join(folder, basename(file)), force };
  if (!force && lstatSync(target.file, { throwIfNoEntry: false })) throw isThere(target.file);
  return target;
}

function ownFolder(root: string): string {
  const folder = join(root, "backups");
  // The nightly backup of the home's user could not write into a folder of root's.
  assertOwn(homePaths(root));
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new BackupError(`No backup can be made in ${folder}: ${inWords(error, folder)}. Name another place.`);
  }
  return folder;
}

const defaultName = (now: number): string =>
  `nanoclaw-backup-${new Date(now)
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replaceAll(":", "")}.tar.gz`;

function realFolder(folder: string): string {
  const real = realOf(folder);
  if (real === undefined) throw new BackupError(`The folder ${folder} is not there. Make it, or name another place.`);
  return real;
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

const isThere = (file: string): BackupError =>
  new BackupError(`${file} is there already. Name another file, or add --force to replace it.`);

/** Gives the finished archive its name. @throws {BackupError} when somebody took the name meanwhile. */
export async function publish(archive: string, { file, folder, force }: Target): Promise<void> {
  if (force) await rename(archive, file);
  else await linkOrRename(archive, file);
  await using handle = await open(folder);
  await handle.sync().catch(() => {}); // not every file system can, and the archive itself is on the disk
}

async function linkOrRename(archive: string, file: string): Promise<void> {
  try {
    await link(archive, file);
    await unlink(archive);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw isThere(file);
    // A file system without hard links.
    if (lstatSync(file, { throwIfNoEntry: false })) throw isThere(file);
    await rename(archive, file);
  }
}
