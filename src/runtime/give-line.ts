import type { Writable } from "node:stream";

/**
 * Writes the line and its end; resolves to whether all of it was handed over. A runner that is
 * gone or does not read makes it false when the stream is destroyed. Never rejects.
 */
export function giveLine(stdin: Writable, line: string): Promise<boolean> {
  return new Promise((resolve) => {
    // A write that was under way when the stream is destroyed may never be called back.
    stdin.once("close", () => resolve(false));
    stdin.write(`${line}\n`, (error) => resolve(!error));
  });
}
