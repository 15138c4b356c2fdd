import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** A folder held open. */
export type HeldFolder = { path: string } & AsyncDisposable;

/**
 * The folder itself: whatever takes its name afterwards, names are read and taken away in this one.
 * Only Linux has a path for that; elsewhere the name has to do. Undefined when it is not there, or
 * a link that would lead to what is not the agent's.
 */
export async function openFolder(path: string): Promise<HeldFolder | undefined> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const handle = await open(path, flags).catch(() => undefined);
  if (!handle) return undefined;
  const held = process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : path;
  return { path: held, [Symbol.asyncDispose]: () => handle.close() };
}
