import { linkSync, rmSync, writeFileSync } from "node:fs";

/** Makes a file for this user alone, whole or not at all; false: there is one already, and it stays. */
export function createFile(path: string, text: string): boolean {
  const temporary = `${path}.new`;
  try {
    rmSync(temporary, { force: true }); // of one that was killed here
    writeFileSync(temporary, text, { mode: 0o600, flag: "wx" });
    // A rename would put it in another one's place.
    linkSync(temporary, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}
