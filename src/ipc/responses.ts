import { constants } from "node:fs";
import { open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Response } from "@nanoclaw/agent-runner/protocol";

/** Puts a response where the runner finds it, whole or not at all. The folder is the host's. */
export async function writeResponse(folder: string, id: string, response: Response): Promise<void> {
  const path = join(folder, `${id}.json`);
  const temporary = join(folder, `.${id}.tmp`);
  await rm(temporary, { force: true });
  const file = await open(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o644,
  );
  try {
    // In a container another user reads it; the folders above decide who else can.
    await file.chmod(0o644);
    await file.writeFile(JSON.stringify(response));
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** Nobody waits for a response whose turn is over. */
export async function clearResponses(folder: string): Promise<void> {
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
}
