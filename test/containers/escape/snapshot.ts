import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Everything below these paths: kind, rights, owner and content, by path. Nothing is followed. */
export function snapshot(...roots: string[]): Record<string, string> {
  const seen: Record<string, string> = {};
  const look = (path: string) => {
    const stat = lstatSync(path);
    const facts = [stat.mode.toString(8), stat.uid, stat.gid];
    if (stat.isFile())
      facts.push(stat.nlink, stat.mtimeMs, createHash("sha256").update(readFileSync(path)).digest("hex"));
    if (stat.isSymbolicLink()) facts.push(readlinkSync(path));
    seen[path] = facts.join(" ");
    if (stat.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
  };
  roots.forEach(look);
  return seen;
}
