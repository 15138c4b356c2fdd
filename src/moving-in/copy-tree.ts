import { constants, cpSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

export interface CopyTree {
  from: string;
  to: string;
  /** On the disk of `to`; what lies there from a broken attempt goes. */
  workplace: string;
}

/**
 * Copies a folder so that every file of it is there whole or not at all, whenever this is cut off;
 * done again it goes on. What is there already stays; such paths are returned.
 */
export function copyTree({ from, to, workplace }: CopyTree): string[] {
  if (isSame(from, to)) return [];
  rmSync(workplace, { recursive: true, force: true });
  for (const path of [workplace, to]) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    cpSync(from, workplace, {
      ...{ recursive: true, verbatimSymlinks: true, preserveTimestamps: true, mode: constants.COPYFILE_FICLONE },
      // Sockets and pipes are nothing that could be copied.
      filter: (source) => isCopyable(source),
    });
    return merge(workplace, to);
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
}

/** Each entry by one rename. */
function merge(from: string, to: string): string[] {
  const there = lstatSync(to, { throwIfNoEntry: false });
  if (!there) {
    renameSync(from, to);
    return [];
  }
  if (!there.isDirectory() || !lstatSync(from).isDirectory()) return [to];
  return readdirSync(from).flatMap((name) => merge(join(from, name), join(to, name)));
}

function isCopyable(path: string): boolean {
  const stat = lstatSync(path);
  return stat.isFile() || stat.isDirectory() || stat.isSymbolicLink();
}

/** Where case does not count, `Family` and `family` are one folder. */
export function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((path) => lstatSync(path, { throwIfNoEntry: false }));
  return first !== undefined && second !== undefined && first.ino === second.ino && first.dev === second.dev;
}
