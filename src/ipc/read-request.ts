import { constants, type PathLike, type Stats } from "node:fs";
import { lstat, open, rename, unlink, type FileHandle } from "node:fs/promises";
import { REQUEST_MAX_BYTES } from "@nanoclaw/agent-runner/protocol";

/** Not to be read: what it is instead of a plain file of modest size. */
export interface Refused {
  kind: "refused";
  problem: string;
}

export type ReadResult = { kind: "content"; text: string } | Refused | { kind: "gone" };

/**
 * Opens one direct child of a folder that the agent owns, so a name may be anything by now: only a
 * regular file with a single name and at most `limit` bytes, through the descriptor that was checked.
 */
export async function openPlainFile(
  path: PathLike,
  limit: number,
): Promise<{ kind: "open"; file: FileHandle } | Refused | { kind: "gone" }> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return explainOpen(error as NodeJS.ErrnoException);
  }
  const problem = unfit(await file.stat(), limit);
  if (problem === undefined) return { kind: "open", file };
  await file.close();
  return { kind: "refused", problem };
}

function unfit(stat: Stats, limit: number): string | undefined {
  if (!stat.isFile()) return "it is no regular file";
  if (stat.nlink !== 1) return "it has a second name (hard link)";
  return stat.size > limit ? `it has ${stat.size} bytes; the limit is ${limit}` : undefined;
}

/** Reads one direct child of a requests folder. */
export async function readRequestFile(path: PathLike): Promise<ReadResult> {
  const opened = await openPlainFile(path, REQUEST_MAX_BYTES);
  if (opened.kind !== "open") return opened;
  await using file = opened.file;
  const buffer = Buffer.alloc(REQUEST_MAX_BYTES);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return { kind: "content", text: buffer.subarray(0, bytesRead).toString("utf8") };
}

function explainOpen(error: NodeJS.ErrnoException): Refused | { kind: "gone" } {
  if (error.code === "ENOENT") return { kind: "gone" };
  if (error.code === "ELOOP" || error.code === "EMLINK") return { kind: "refused", problem: "it is a link" };
  // The host's own shortage, not the file's fault: it is tried again.
  if (["EMFILE", "ENFILE", "ENOMEM", "EINTR", "EIO"].includes(error.code ?? "")) throw error;
  return { kind: "refused", problem: `it cannot be opened (${error.code ?? error.message})` };
}

/**
 * Takes a name out of the folder, whatever stands behind it, without opening it. A folder is moved
 * to `aside`, which must be the agent's own: going into it, even to delete it, would follow paths
 * that the agent changes meanwhile.
 */
export async function takeAway(path: PathLike, aside: string): Promise<void> {
  const stat = await lstat(path).catch(() => undefined);
  if (!stat) return;
  if (stat.isDirectory()) await rename(path, aside);
  else await removeName(path);
}

/**
 * Removes a name from a folder that the agent writes, and throws when a folder stands there by now.
 * Not Node's `rm`: when what it began to remove is a folder all of a sudden, it empties that, and
 * follows a link that takes the folder's place meanwhile.
 */
export async function removeName(path: PathLike): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
