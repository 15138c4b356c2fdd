import { statfs } from "node:fs/promises";
import { BackupError } from "./backup-error.ts";

/** @throws {BackupError} when there is less room than that, before anything is written. */
export async function assertRoom(folder: string, bytes: number, what: string): Promise<void> {
  const free = await freeIn(folder);
  if (free < bytes)
    throw new BackupError(
      `There may not be enough room in ${folder}: ${what} takes up to ${inMiB(bytes)}, and ${inMiB(free)} are free. Make room, or name another place.`,
    );
}

export async function freeIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

export const inMiB = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
