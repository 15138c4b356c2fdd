import { constants, watch, type FSWatcher } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TurnId } from "../domain/ids.ts";
import type { Clock } from "../domain/clock.ts";
import { createWakeUp } from "../domain/wake-up.ts";
import type { Feed } from "./frame-reader.ts";

const CHUNK_BYTES = 64 * 1024;
/** A net below the events: they do not cross the border of a virtual machine. */
const POLL_MS = 250;

export const journalPath = (ipc: string, turn: TurnId, attempt: number): string =>
  join(ipc, "journal", `${turn}-${attempt}.ndjson`);

/**
 * Reads what stands in a journal from `offset` on and returns the new offset. A journal that is
 * missing, or no plain file with one name, reads as empty: the runner side owns that folder.
 */
export async function readJournal(path: string, offset: number, feed: Feed): Promise<number> {
  const file = await openPlain(path);
  if (!file) return offset;
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, offset);
      if (bytesRead === 0) return offset;
      offset += bytesRead;
      if (!feed(Buffer.from(buffer.subarray(0, bytesRead)))) return offset;
    }
  } finally {
    await file.close();
  }
}

async function openPlain(path: string): Promise<FileHandle | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (stat.isFile() && stat.nlink === 1) return file;
    await file.close();
    return undefined;
  } catch {
    return undefined; // not there (yet), or a link
  }
}

/** Follows a journal as it grows, until the signal aborts; then reads the rest once more. */
export async function followJournal(path: string, feed: Feed, clock: Clock, signal: AbortSignal): Promise<void> {
  const wake = createWakeUp();
  const watcher = watchFolder(dirname(path), () => wake.now());
  try {
    let offset = 0;
    while (!signal.aborted) {
      offset = await readJournal(path, offset, feed);
      await clock.sleep(POLL_MS, AbortSignal.any([signal, wake.next()]));
    }
    await readJournal(path, offset, feed);
  } finally {
    watcher?.close();
  }
}

function watchFolder(folder: string, onEvent: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, onEvent);
    watcher.on("error", () => {}); // the poll goes on
    return watcher;
  } catch {
    return undefined; // the folder is not there yet, or watches have run out: the poll serves
  }
}
