import { StringDecoder } from "node:string_decoder";
import { parseFrame, parseReady, type FrameBody, type ReadyFrame } from "@nanoclaw/agent-runner/protocol";

export interface FrameReaderOptions {
  token: string;
  /** Bytes that one source may bring in all. */
  maxBytes: number;
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
  const takeLine = (line: string) => {
    const frame = parseFrame(line, options.token);
    if (frame === undefined) {
      const ready = parseReady(line);
      if (ready) options.onReady(ready);
    } else if (frame.n === nextNumber) {
      nextNumber += 1;
      options.onFrame(frame.body);
    }
  };
  return {
    source: () => {
      const decoder = new StringDecoder("utf8");
      let rest = "";
      let bytes = 0;
      return (chunk) => {
        bytes += chunk.length;
        if (bytes > options.maxBytes) {
          options.onTooMuch();
          return false;
        }
        const lines = (rest + decoder.write(chunk)).split("\n");
        rest = lines.pop() ?? "";
        lines.forEach(takeLine);
        return true;
      };
    },
  };
}
