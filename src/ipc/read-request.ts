import { constants, type PathLike } from "node:fs";
import { lstat, open, rename, unlink } from "node:fs/promises";
import { REQUEST_MAX_BYTES } from "@nanoclaw/agent-runner/protocol";

export type ReadResult =
  | { kind: "content"; text: string }
  /** Not to be read: what it is instead of a plain small file. */
  | { kind: "refused"; problem: string }
  | { kind: "gone" };

/**
 * Reads one direct child of a requests folder. The agent owns that folder, so a name may be
 * anything by now: only a regular file with a single name and a modest size is read, through the
 * descriptor that was checked.
 */
export async function readRequestFile(path: PathLike): Promise<ReadResult> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return explainOpen(error as NodeJS.ErrnoException);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return { kind: "refused", problem: "it is no regular file" };
    if (stat.nlink !== 1) return { kind: "refused", problem: "it has a second name (hard link)" };
    if (stat.size > REQUEST_MAX_BYTES) {
      return { kind: "refused", problem: `it has ${stat.size} bytes; the limit is ${REQUEST_MAX_BYTES}` };
    }
    const buffer = Buffer.alloc(REQUEST_MAX_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { kind: "content", text: buffer.subarray(0, bytesRead).toString("utf8") };
  } finally {
    await file.close();
  }
}

function explainOpen(error: NodeJS.ErrnoException): ReadResult {
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
