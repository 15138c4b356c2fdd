import { StringDecoder } from "node:string_decoder";
import { parseFrame, parseReady, type FrameBody, type ReadyFrame } from "@nanoclaw/agent-runner/protocol";

export interface FrameReaderOptions {
  token: string;
  /** Bytes that one source may bring in all. */
  maxBytes: number;
  /** The first time a source says it. */
  onReady(ready: ReadyFrame): void;
  onFrame(body: FrameBody): void;
  onTooMuch(): void;
}

/** Takes chunks of one byte stream; false once the cap is reached. */
export type Feed = (chunk: Buffer) => boolean;

/**
 * Reads frames out of byte streams that carry the same numbered lines, and takes each number once,
 * in order. Everything that is not a frame is noise; it counts towards the cap only.
 */
export function createFrameReader(options: FrameReaderOptions): { source(): Feed } {
  let nextNumber = 1;
  let isReady = false;
  const takeReady = (line: string) => {
    const ready = isReady ? undefined : parseReady(line);
    if (!ready) return;
    isReady = true;
    options.onReady(ready);
  };
  const takeLine = (line: string) => {
    const frame = parseFrame(line, options.token);
    if (frame === undefined) return takeReady(line);
    if (frame.n !== nextNumber) return;
    nextNumber += 1;
    options.onFrame(frame.body);
  };
  return {
    source: () => {
      const split = createLineSplitter(takeLine);
      let bytes = 0;
      return (chunk) => {
        bytes += chunk.length;
        if (bytes > options.maxBytes) {
          options.onTooMuch();
          return false;
        }
        split(chunk);
        return true;
      };
    },
  };
}

/** Cuts a stream of UTF-8 into its complete lines. */
function createLineSplitter(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder("utf8");
  // Pieces of a line whose end is not there yet. Joined only once: looking through the whole again
  // at every chunk would make a line of some megabytes cost minutes.
  let pieces: string[] = [];
  return (chunk) => {
    const [first = "", ...others] = decoder.write(chunk).split("\n");
    pieces.push(first);
    for (const piece of others) {
      const line = pieces.join("");
      pieces = [piece];
      onLine(line);
    }
  };
}
