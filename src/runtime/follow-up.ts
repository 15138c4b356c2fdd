import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { join } from "node:path";

/** The file that asks a long-lived runner to leave. */
const CLOSE = "_close";

const inputFolder = (ipc: string): string => join(ipc, "input");

/** Hands a turn to a long-lived runner: whole or not at all. The folder is the host's alone. */
export function writeInput(ipc: string, name: string, content: string): void {
  const folder = inputFolder(ipc);
  const temporary = join(folder, `.${name}.tmp`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(temporary, content, { mode: 0o644 });
  // In a container another user reads it, whatever the umask; the folders above decide who else can.
  chmodSync(temporary, 0o644);
  renameSync(temporary, join(folder, name));
}

export const askToLeave = (ipc: string): void => writeInput(ipc, CLOSE, "");

/** What an earlier resident was given means nothing to the next one. */
export function clearInputs(ipc: string): void {
  const folder = inputFolder(ipc);
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true, recursive: true });
}
