import { closeSync, constants, lstatSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";

/**
 * Works in `base/<names…>`, made where it is missing, without following a link on the way: each
 * folder is opened in the one before, so that none can be exchanged once it was looked at. Only
 * Linux has a path for what is open; elsewhere the names have to do.
 * @throws when something on the way is no folder, naming it.
 */
export function inFolder<T>(base: string, names: readonly string[], work: (path: string) => T): T {
  const open: number[] = [];
  try {
    let held = enter(base, base, open);
    for (const [index, name] of names.entries()) {
      held = enter(join(held, name), join(base, ...names.slice(0, index + 1)), open);
    }
    return work(held);
  } finally {
    for (const folder of open) closeSync(folder);
  }
}

function enter(path: string, shown: string, open: number[]): string {
  if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path, { mode: 0o755 });
  try {
    const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    open.push(folder);
    return process.platform === "linux" ? `/proc/self/fd/${folder}` : path;
  } catch (error) {
    throw new Error(`${shown} is no folder; remove it, it is made again at the next turn`, { cause: error });
  }
}
