import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below a folder with its content and time: equal when nothing was touched. */
export function tree(root: string, below = ""): string[] {
  return readdirSync(join(root, below))
    .sort()
    .flatMap((name) => {
      const path = join(below, name);
      const stat = lstatSync(join(root, path));
      if (stat.isDirectory()) return [`${path}/`, ...tree(root, path)];
      const content = stat.isSymbolicLink() ? readlinkSync(join(root, path)) : readFileSync(join(root, path));
      return [`${path} ${createHash("sha256").update(content).digest("hex")} ${stat.mtimeMs}`];
    });
}
