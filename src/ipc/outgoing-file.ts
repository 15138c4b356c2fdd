import { constants } from "node:fs";
import { lstat, mkdir, open, opendir, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";
import { OUTGOING_MAX_BYTES, requestIdSchema } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import { openFolder } from "./open-folder.ts";
import { openPlainFile, removeName } from "./read-request.ts";

/**
 * Copies what an agent put into `outgoing`. The agent owns that folder and may change the file while
 * it is read: what counts is what was copied, through the one descriptor that was checked.
 * @returns why it was not taken, in words; then nothing is left of it.
 * @throws when the host cannot do it now (a full disk).
 */
export async function copyOutgoing(source: string, target: string): Promise<{ bytes: number } | { problem: string }> {
  const opened = await openPlainFile(source, OUTGOING_MAX_BYTES);
  if (opened.kind === "gone") return { problem: "it is not there" };
  if (opened.kind === "refused") return { problem: opened.problem };
  await using file = opened.file;
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const bytes = await copyWithin(file, target).catch(async (error: unknown) => {
    await rm(target, { force: true });
    throw error;
  });
  if (bytes > 0 && bytes <= OUTGOING_MAX_BYTES) {
    await syncFolder(dirname(target));
    return { bytes };
  }
  await rm(target, { force: true });
  return { problem: bytes === 0 ? "it is empty" : `it has more than the ${OUTGOING_MAX_BYTES} bytes that are allowed` };
}

const CHUNK_BYTES = 1024 * 1024;

/** @returns the bytes copied; more than the limit when it grew beyond that meanwhile. */
async function copyWithin(source: FileHandle, target: string): Promise<number> {
  await using copy = await open(target, "wx", 0o600);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let total = 0;
  while (total <= OUTGOING_MAX_BYTES) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, total);
    if (bytesRead === 0) break;
    await copy.writeFile(buffer.subarray(0, bytesRead));
    total += bytesRead;
  }
  await copy.sync();
  return total;
}

/** So that after a power cut the row's file is there, too. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

/** A file lies there for moments before its request; one this old will never be asked for. */
const OLD_MS = 10 * 60_000;
/** Names that are looked at: an agent can make more than anybody wants to read. */
const MOST_READ = 1_000;

/** Takes away files whose request never came: the agent died in between. Everything else is the agent's own. */
export async function clearOutgoing(path: string, clock: Clock): Promise<void> {
  const opened = await openFolder(path);
  if (!opened) return;
  await using folder = opened;
  let read = 0;
  for await (const { name } of await opendir(folder.path)) {
    read += 1;
    if (read > MOST_READ) return;
    if (!requestIdSchema.safeParse(name).success) continue;
    const file = join(folder.path, name);
    const stat = await lstat(file).catch(() => undefined);
    if (stat?.isFile() && clock.now() - stat.ctimeMs > OLD_MS) await removeName(file);
  }
}
