import { appendFileSync, closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";

export interface Journal {
  /** Returns when the line is with the operating system; throws when it could not be written whole. */
  append(line: string): void;
  /** Returns when everything appended would survive a power cut. */
  sync(): void;
  close(): void;
}

/**
 * The turn's own record of its frames: what a host that was restarted meanwhile finishes the turn
 * from. One attempt, one file; an existing one means that this attempt has already been made.
 */
export function openJournal(ipcDir: string, turn: string, attempt: number): Journal {
  const file = openSync(join(ipcDir, "journal", `${turn}-${attempt}.ndjson`), "wx", 0o600);
  return {
    append: (line) => appendFileSync(file, line),
    sync: () => fsyncSync(file),
    close: () => closeSync(file),
  };
}
