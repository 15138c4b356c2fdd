import { lstatSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { isIn } from "../domain/mount-rules.ts";

const MOST_LINKS = 40;

/**
 * The link below one of the roots that a path leads through; undefined: none. Links above a root
 * are the person's; below it, whoever may write there can lay one.
 * @param roots real paths.
 */
export function linkBelow(path: string, roots: readonly string[]): string | undefined {
  const names = path.split("/");
  let at = "/";
  for (let links = 0; names.length > 0;) {
    const name = names.shift() ?? "";
    if (name === "" || name === ".") continue;
    const next = name === ".." ? dirname(at) : join(at, name);
    const target = linkTarget(next);
    if (target === undefined) {
      at = next;
      continue;
    }
    links += 1;
    if (links > MOST_LINKS || roots.some((root) => next !== root && isIn(next, root))) return next;
    names.unshift(...target.split("/"));
    if (target.startsWith("/")) at = "/";
  }
  return undefined;
}

const linkTarget = (path: string): string | undefined =>
  lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
