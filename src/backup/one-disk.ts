import { lstatSync, readFileSync, realpathSync, statSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import type { Home } from "../home.ts";
import { BackupError } from "./backup-error.ts";
import { parts } from "./restore-plan.ts";

/** @throws {BackupError} when some part could not be renamed to or from its place. */
export function assertOneDisk(home: Home): void {
  const disk = statSync(dirname(home.restoring)).dev;
  const mounts = mountPoints();
  const root = realpathSync(home.root);
  const check = (path: string, stat: Stats | undefined) => {
    if (mounts.has(path) || (stat?.dev ?? disk) !== disk) throw onOtherDisk(path, root);
  };
  for (const path of parts.map((part) => join(root, part))) {
    const folder = dirname(path);
    // A folder on the way is followed; a part that is a link is renamed itself.
    if (folder !== root) check(folder, statSync(folder, { throwIfNoEntry: false }));
    check(path, lstatSync(path, { throwIfNoEntry: false }));
  }
}

const onOtherDisk = (path: string, root: string): BackupError =>
  new BackupError(
    `${path} lies on another disk than ${root}, or is mounted there; nothing was restored. Restore into a folder on one disk (NANOCLAW_HOME), and move its parts afterwards.`,
  );

/** A folder of the same disk that is mounted cannot be renamed either; only Linux lists them in a file. */
function mountPoints(): ReadonlySet<string> {
  try {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    const unescape = (path: string) =>
      path.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
    return new Set(lines.map((line) => unescape(line.split(" ")[4] ?? "")));
  } catch {
    return new Set();
  }
}
