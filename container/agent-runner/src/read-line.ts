import type { Readable } from "node:stream";

export type LineOutcome =
  { kind: "line"; text: string } | { kind: "end" } | { kind: "too-long" } | { kind: "not-utf8" } | { kind: "aborted" };

const NEWLINE = 0x0a;

/**
 * The first complete line of a byte stream. The stream is paused afterwards, and neither its end
 * nor an error on it matters to anybody any more.
 */
export function readLine(stream: Readable, maxBytes: number, signal: AbortSignal): Promise<LineOutcome> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (outcome: LineOutcome): void => {
      stream.off("data", onData).off("end", onEnd);
      signal.removeEventListener("abort", onAbort);
      stream.pause();
      resolve(outcome);
    };
    const onEnd = (): void => finish({ kind: "end" });
    const onAbort = (): void => finish({ kind: "aborted" });
    const onData = (chunk: Buffer): void => {
      const newline = chunk.indexOf(NEWLINE);
      const part = newline < 0 ? chunk : chunk.subarray(0, newline);
      bytes += part.length;
      chunks.push(part);
      if (bytes > maxBytes) finish({ kind: "too-long" });
      else if (newline >= 0) finish(decode(Buffer.concat(chunks)));
    };
    if (signal.aborted) return finish({ kind: "aborted" });
    signal.addEventListener("abort", onAbort);
    stream.on("data", onData).on("end", onEnd).on("error", onEnd);
  });
}

function decode(bytes: Buffer): LineOutcome {
  try {
    return { kind: "line", text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { kind: "not-utf8" };
  }
}
