import { constants } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

export interface FollowUpDeps {
  ipcDir: string;
  /** Closed by the end of the host. */
  stdin: Readable;
  signal: AbortSignal;
}

const LOOK_MS = 50;
const CLOSE = "_close";

/**
 * In long-lived mode: the next turn's line from `input/`, or nothing when the runner is to leave
 * (asked to, the host is gone, or it was stopped). The folder is read-only in a container: what was
 * read is remembered, not removed.
 */
export function createFollowUps({ ipcDir, stdin, signal }: FollowUpDeps): () => Promise<string | undefined> {
  const folder = join(ipcDir, "input");
  const seen = new Set<string>();
  let hostIsGone = false;
  stdin.on("end", () => (hostIsGone = true)).on("close", () => (hostIsGone = true));
  stdin.resume();
  return async () => {
    while (!signal.aborted && !hostIsGone) {
      const names = (await readdir(folder)).filter((name) => !name.startsWith(".") && !seen.has(name));
      if (names.includes(CLOSE)) return undefined;
      const [name] = names;
      if (name !== undefined) {
        seen.add(name);
        return (await readPlain(join(folder, name))).trimEnd();
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return undefined;
  };
}

async function readPlain(path: string): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  return await file.readFile("utf8");
}
