import { open, stat, type FileHandle } from "node:fs/promises";
import type { Clock } from "../domain/clock.ts";

const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 250;
const NEWLINE = 10;

/** A log file and those that it was before: `<name>`, `<name>.1` and so on, newest first, held open. */
export interface LogFiles extends AsyncDisposable {
  handles: readonly FileHandle[];
}

/** What is moved on while it is read is neither missed nor read twice. */
export async function openLogFiles(path: string): Promise<LogFiles> {
  const handles: FileHandle[] = [];
  const seen = new Set<number>();
  for (let index = 0; ; index += 1) {
    const file = await open(index === 0 ? path : `${path}.${index}`).catch(() => undefined);
    // Just now the newest may be moved on, and the next one not be there yet.
    if (!file && index > 0) break;
    if (!file) continue;
    const { ino } = await file.stat();
    if (seen.has(ino)) await file.close();
    else handles.push(file);
    seen.add(ino);
  }
  return {
    handles,
    [Symbol.asyncDispose]: async () => void (await Promise.all(handles.map((file) => file.close()))),
  };
}

/** Whole lines that end before `end`, the last one first; of a large file only what is asked for is read. */
export async function* linesBackwards(file: FileHandle, end: number): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = end; at > 0;) {
    const chunk = await readAt(file, Math.max(0, at - CHUNK_BYTES), Math.min(CHUNK_BYTES, at));
    at = Math.max(0, at - CHUNK_BYTES);
    let text = Buffer.concat([chunk, rest]);
    for (let line = text.lastIndexOf(NEWLINE); line !== -1; line = text.lastIndexOf(NEWLINE)) {
      yield text.toString("utf8", line + 1);
      text = text.subarray(0, line);
    }
    rest = text;
  }
  yield rest.toString("utf8");
}

/** Where the last whole line ends: what stands behind it is still being written. */
export async function endOfLines(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  for (let at = size; at > 0;) {
    const from = Math.max(0, at - CHUNK_BYTES);
    const line = (await readAt(file, from, at - from)).lastIndexOf(NEWLINE);
    if (line !== -1) return from + line + 1;
    at = from;
  }
  return 0;
}

/**
 * Gives every line that is written from `from` on, until the signal aborts: on into the next file
 * when this one was moved away, and from the beginning when it was emptied.
 */
export async function followLines(
  path: string,
  from: number,
  write: (line: string) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let file = await open(path).catch(() => undefined);
  let [at, rest]: [number, Buffer] = [from, Buffer.alloc(0)];
  const drain = async (open: FileHandle) => {
    if ((await open.stat()).size < at) [at, rest] = [0, Buffer.alloc(0)];
    for (;;) {
      const chunk = await readAt(open, at, CHUNK_BYTES);
      if (chunk.length === 0) return;
      at += chunk.length;
      const text = Buffer.concat([rest, chunk]);
      const end = text.lastIndexOf(NEWLINE) + 1;
      if (end > 0)
        text
          .toString("utf8", 0, end - 1)
          .split("\n")
          .forEach(write);
      rest = text.subarray(end);
    }
  };
  while (!signal.aborted) {
    if (file) await drain(file);
    const next = await movedTo(path, file);
    if (next && file) {
      // What was written before it was moved.
      await drain(file);
      await file.close();
    }
    if (next) [file, at, rest] = [next, 0, Buffer.alloc(0)];
    else await clock.sleep(POLL_MS, signal);
  }
  await file?.close();
}

/** The file that has the name now, when it is another one. */
async function movedTo(path: string, file: FileHandle | undefined): Promise<FileHandle | undefined> {
  const now = await stat(path).catch(() => undefined);
  if (!now || now.ino === (await file?.stat())?.ino) return undefined;
  return open(path).catch(() => undefined);
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
