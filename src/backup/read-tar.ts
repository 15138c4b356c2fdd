import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { BackupError } from "./backup-error.ts";
import { BLOCK_BYTES, parseAttributes, parseHeader, show, type Attributes, type Entry } from "./tar-blocks.ts";

export interface ReadEntry {
  entry: Entry;
  /** Once; what is not read is passed over. */
  content: AsyncIterable<Buffer>;
}

/** A path is 4096 bytes at most, and there are two of them. */
const MOST_ATTRIBUTES = 64 * 1024;

/**
 * Entry by entry, in one pass.
 * @throws {BackupError} when it is no archive, damaged or cut off.
 */
export async function* readTar(path: string, signal: AbortSignal): AsyncGenerator<ReadEntry> {
  const file = createReadStream(path, { signal });
  const gunzip = createGunzip();
  file.on("error", (error) => gunzip.destroy(error));
  const explain = (error: unknown) => explained(error, path, signal);
  try {
    yield* entriesOf(byteReader(file.pipe(gunzip), explain), explain);
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}

type Explain = (error: unknown) => unknown;

async function* entriesOf(bytes: ByteReader, explain: Explain): AsyncGenerator<ReadEntry> {
  let attributes: Attributes | undefined;
  let last = "its beginning";
  for (;;) {
    const parsed = parseHeader(await bytes.exactly(BLOCK_BYTES, last), attributes);
    if (parsed.kind === "damaged") throw explain(new BackupError(`${parsed.why}, after ${last}`));
    if (parsed.kind === "end") return bytes.onlyZeros();
    if (parsed.kind === "attributes") {
      if (parsed.size > MOST_ATTRIBUTES) throw explain(new BackupError(`the attributes after ${last} are too long`));
      attributes = parseAttributes(await bytes.exactly(parsed.size, last));
      await bytes.pass(paddingOf(parsed.size), last);
      continue;
    }
    const { entry } = parsed;
    attributes = undefined;
    last = show(entry.name);
    const rest = { left: entry.size };
    yield { entry, content: contentOf(bytes, rest, last) };
    await bytes.pass(rest.left + paddingOf(entry.size), last);
  }
}

const paddingOf = (size: number): number => (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;

async function* contentOf(bytes: ByteReader, rest: { left: number }, name: string): AsyncGenerator<Buffer> {
  while (rest.left > 0) {
    const chunk = await bytes.atMost(rest.left, name);
    rest.left -= chunk.length;
    yield chunk;
  }
}

interface ByteReader {
  exactly(count: number, where: string): Promise<Buffer>;
  /** At least one. */
  atMost(count: number, where: string): Promise<Buffer>;
  pass(count: number, where: string): Promise<void>;
  /** To the end, so that the sum over everything is looked at, too. */
  onlyZeros(): Promise<void>;
}

/** What goes wrong with the stream is explained here: it may be somebody reading an entry's content who meets it. */
function byteReader(source: AsyncIterable<Buffer>, explain: Explain): ByteReader {
  const chunks: AsyncIterator<Buffer, unknown> = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  const pull = async (): Promise<IteratorResult<Buffer, unknown>> => {
    try {
      return await chunks.next();
    } catch (error) {
      throw explain(error);
    }
  };
  const next = async (): Promise<boolean> => {
    const read = await pull();
    held = read.done ? Buffer.alloc(0) : read.value;
    return !read.done;
  };
  const atMost = async (count: number, where: string): Promise<Buffer> => {
    while (held.length === 0) if (!(await next())) throw explain(new BackupError(`it was cut off at ${where}`));
    const taken = held.subarray(0, count);
    held = held.subarray(taken.length);
    return taken;
  };
  return {
    atMost,
    exactly: async (count, where) => {
      const parts: Buffer[] = [];
      for (let left = count; left > 0; left -= parts.at(-1)?.length ?? 0) parts.push(await atMost(left, where));
      return Buffer.concat(parts);
    },
    pass: async (count, where) => {
      for (let left = count; left > 0;) left -= (await atMost(left, where)).length;
    },
    onlyZeros: async () => {
      do {
        if (held.some((byte) => byte !== 0)) throw explain(new BackupError("something follows its end"));
      } while (await next());
    },
  };
}

function explained(error: unknown, path: string, signal: AbortSignal): unknown {
  if (signal.aborted) return new BackupError("Interrupted: nothing was changed.");
  const { code, message } = error as NodeJS.ErrnoException;
  const why =
    error instanceof BackupError ? message : code === "Z_BUF_ERROR" ? "it was cut off" : (zlibWords(code) ?? undefined);
  if (why !== undefined) return new BackupError(`${path} cannot be used: ${why}. Take another backup.`);
  if (code === undefined || code.startsWith("ERR_")) return error;
  const reason = code === "ENOENT" ? "it is not there" : code === "EISDIR" ? "it is a folder" : message;
  return new BackupError(`${path} cannot be read: ${reason}.`);
}

const zlibWords = (code: string | undefined): string | undefined =>
  code?.startsWith("Z_") ? "it is damaged, or no .tar.gz file at all" : undefined;
