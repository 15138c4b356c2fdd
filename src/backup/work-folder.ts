import { lstatSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { lockHome } from "../store/home-lock.ts";
import { BackupError, inWords } from "./backup-error.ts";

const PREFIX = ".nanoclaw-backup-";
/** Between its making and its lock. */
const YOUNG_MS = 60_000;

/** A folder of our own beside the archive; it goes with everything in it. */
export interface WorkFolder extends AsyncDisposable {
  path: string;
}

/** @throws {BackupError} */
export async function makeWorkFolder(beside: string): Promise<WorkFolder> {
  let path: string;
  try {
    path = await mkdtemp(join(beside, PREFIX));
  } catch (error) {
    throw new BackupError(`No backup can be made in ${beside}: ${inWords(error, beside)}. Name another place.`);
  }
  const locked = await lockNew(path);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      if ("lock" in locked) locked.lock[Symbol.dispose]();
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Whoever finds the folder unlocked knows that nobody works in it any more. */
async function lockNew(path: string): Promise<ReturnType<typeof lockHome>> {
  try {
    return lockHome(path, "nanoclaw backup");
  } catch (error) {
    await rm(path, { recursive: true, force: true });
    throw new BackupError(`No backup was made: ${(error as Error).message}`);
  }
}

/** Removes what backups that were killed have left here. */
export async function clearLeftovers(folder: string, now: number): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith(PREFIX));
  const left = names.map((name) => join(folder, name)).filter((path) => isLeftOver(path, now));
  for (const path of left) await rm(path, { recursive: true, force: true });
  return left;
}

function isLeftOver(path: string, now: number): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || stat.uid !== (process.getuid?.() ?? stat.uid)) return false;
  const hasLock = lstatSync(join(path, "host.lock"), { throwIfNoEntry: false }) !== undefined;
  if (!hasLock && Math.abs(now - stat.mtimeMs) < YOUNG_MS) return false;
  const locked = lockHome(path, "nanoclaw backup");
  if ("heldBy" in locked) return false;
  locked.lock[Symbol.dispose]();
  return true;
}
