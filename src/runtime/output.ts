import type { Readable } from "node:stream";
import type { Feed } from "./frame-reader.ts";

/** Resolves at the end of the stream, or when it need not be read any more. */
export function readStream(stream: Readable | null, feed: Feed): Promise<void> {
  if (!stream || stream.closed) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => {
      if (!stream.destroyed && !feed(chunk)) stream.destroy();
    });
    stream.once("close", resolve);
  });
}

export interface Tail {
  feed: Feed;
  text(): string;
}

const TAIL_BYTES = 4096;

/** Keeps the end of what the runner says on stderr, for the log; the cap counts all of it. */
export function createTail(maxBytes: number, onTooMuch: () => void): Tail {
  let kept = Buffer.alloc(0);
  let bytes = 0;
  return {
    feed: (chunk) => {
      bytes += chunk.length;
      kept = Buffer.concat([kept, chunk]).subarray(-TAIL_BYTES);
      if (bytes > maxBytes) onTooMuch();
      return bytes <= maxBytes;
    },
    text: () => kept.toString("utf8").trim(),
  };
}
