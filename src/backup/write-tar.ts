import { createHash } from "node:crypto";
import { END, headerOf, padding, type Entry } from "./tar-blocks.ts";
import type { Written } from "./manifest.ts";

/** An entry with what it holds; a file's bytes are exactly as many as the entry says. */
export interface Content {
  entry: Entry;
  /** As the list at the end names it. */
  path: string;
  bytes?: AsyncIterable<Buffer> | Iterable<Buffer>;
}

/** The bytes of one entry; returns what the list at the end says of it. */
export async function* tarEntry({ entry, path, bytes }: Content): AsyncGenerator<Buffer, Written> {
  yield headerOf(entry);
  if (entry.type === "folder") return { path, type: "folder" };
  if (entry.type === "link") return { path, type: "link", target: entry.target ?? "" };
  const hash = createHash("sha256");
  for await (const chunk of bytes ?? []) {
    hash.update(chunk);
    yield chunk;
  }
  yield padding(entry.size);
  return { path, type: "file", size: entry.size, sha256: hash.digest("hex") };
}

export const tarEnd = (): Buffer => END;

/** An entry whose content is made here. */
export function textEntry(name: string, text: string, seconds: number): Content {
  const content = Buffer.from(text);
  const entry: Entry = {
    ...{ name, type: "file", mode: 0o600, uid: 0, gid: 0 },
    ...{ mtime: seconds, size: content.length },
  };
  return { entry, path: name, bytes: [content] };
}
