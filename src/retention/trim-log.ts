import { copyFile, readdir, stat, truncate } from "node:fs/promises";
import { join } from "node:path";

/** As large as the host's own logs may become. */
const MOST_BYTES = 10 * 2 ** 20;

/**
 * What a service manager writes of our output has its file open as long as we run, and its name must
 * stay: a file that is too large is copied to `<name>.1`, in place of the copy before, and emptied.
 * Lines that come in between are lost; the host writes its own log elsewhere.
 */
export async function trimServiceLogs(folder: string, most = MOST_BYTES): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => /^service\..+\.log$/.test(one))) {
    const path = join(folder, name);
    if ((await stat(path)).size <= most) continue;
    await copyFile(path, `${path}.1`);
    await truncate(path);
  }
}
