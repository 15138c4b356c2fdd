import { constants } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

export interface FoundProgram {
  /** As a shell would start it: Kiro looks for its sibling beside this path. */
  path: string;
  /** Changes with every update of the program. */
  key: string;
}

/** The first executable of that name on the PATH; relative folders on it are the agent's own to fill. */
export async function findProgram(name: string, searchPath: string | undefined): Promise<FoundProgram | undefined> {
  for (const folder of (searchPath ?? "").split(delimiter)) {
    const found = isAbsolute(folder) ? await executable(join(folder, name)) : undefined;
    if (found) return found;
  }
  return undefined;
}

async function executable(path: string): Promise<FoundProgram | undefined> {
  try {
    await access(path, constants.X_OK);
    const real = await realpath(path);
    const file = await stat(real);
    // Whole seconds: the layers of an image keep no more.
    return file.isFile() ? { path, key: `${real}:${file.size}:${Math.floor(file.mtimeMs / 1000)}` } : undefined;
  } catch {
    return undefined;
  }
}
