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
 * Reads what stands in a journal from `offset` on, until the feed has enough, and returns the new
 * offset. A journal that is missing, that cannot be read, or that is no plain file with one name
 * reads as empty: the runner side owns that folder. Never rejects.
 */
export async function readJournal(path: string, offset: number, feed: Feed): Promise<number> {
  const file = await openPlain(path);
  if (!file) return offset;
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  try {
    for (;;) {
      const bytesRead = await readAt(file, buffer, offset);
      if (bytesRead === 0) return offset;
      offset += bytesRead;
      // A copy: the feed may keep the chunk, and the buffer is written again.
      if (!feed(Buffer.from(buffer.subarray(0, bytesRead)))) return offset;
    }
  } finally {
    await close(file);
  }
}

async function openPlain(path: string): Promise<FileHandle | undefined> {
  let file: FileHandle | undefined;
  try {
    // O_NONBLOCK: a FIFO would keep the open waiting for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (stat.isFile() && stat.nlink === 1) return file;
  } catch {
    // not there (yet), or a link
  }
  if (file) await close(file);
  return undefined;
}

async function readAt(file: FileHandle, buffer: Buffer, offset: number): Promise<number> {
  try {
    return (await file.read(buffer, 0, buffer.length, offset)).bytesRead;
  } catch {
    return 0; // a disk that fails; stdout may still bring the same lines
  }
}

async function close(file: FileHandle): Promise<void> {
  try {
    await file.close();
  } catch {
    // nothing was written: there is nothing to lose
  }
}

/**
 * Follows a journal as it grows, until the signal aborts; then reads the rest once more. Ends
 * early when the feed has enough. Never rejects.
 */
export async function followJournal(path: string, feed: Feed, clock: Clock, signal: AbortSignal): Promise<void> {
  const wake = createWakeUp();
  const watcher = watchFolder(dirname(path), () => wake.now());
  let wantsMore = true;
  const take: Feed = (chunk) => (wantsMore = feed(chunk));
  let offset = 0;
  try {
    while (wantsMore && !signal.aborted) {
      offset = await readJournal(path, offset, take);
      if (wantsMore) await clock.sleep(POLL_MS, AbortSignal.any([signal, wake.next()]));
    }
    if (wantsMore) await readJournal(path, offset, take);
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
