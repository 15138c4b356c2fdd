import { constants, type Stats } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

/** A file held open, with what it was when that began. */
export interface HeldFile extends AsyncDisposable {
  stat: Stats;
  bytes: AsyncIterable<Buffer>;
  /** Somebody wrote to it since; asked when the bytes were read. */
  changed(): Promise<boolean>;
}

export type Opened = { kind: "file"; file: HeldFile } | { kind: "gone" } | { kind: "refused"; why: string };

const CHUNK_BYTES = 1024 * 1024;

/** Follows no link and waits for nobody. Gives exactly as many bytes as it had when it was opened. */
export async function openFile(path: string): Promise<Opened> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP") return { kind: "gone" };
    return { kind: "refused", why: code === "EACCES" ? "this user may not read it" : `it cannot be opened (${code})` };
  }
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    return { kind: "refused", why: "it is no regular file" };
  }
  const file: HeldFile = {
    stat,
    bytes: chunksOf(handle, stat.size),
    changed: async () => {
      const { mtimeMs, size } = await handle.stat();
      return mtimeMs !== stat.mtimeMs || size !== stat.size;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
  return { kind: "file", file };
}

/** The header that says how long it is was written: what became shorter meanwhile ends in zeros. */
async function* chunksOf(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - at));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, at);
    const taken = bytesRead === 0 ? chunk : chunk.subarray(0, bytesRead);
    at += taken.length;
    yield taken;
  }
}
