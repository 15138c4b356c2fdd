import { closeSync, constants, fchownSync, fstatSync, lstatSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Owner } from "./shared-login-files.ts";

/**
 * Where the host is root and the user inside is another one, that user is given what it works on.
 * The person is root then, and can use it as before.
 */

/** Kiro's database and what SQLite keeps beside it; of the rest, V3's programs among it, reading is enough. */
const LOGIN_FILE = /^data\.sqlite3(?:-wal|-shm|-journal)?$/;

/** Gives the person's login away. */
export function handOverLogin(data: string, owner: Owner): void {
  if (!lstatSync(data, { throwIfNoEntry: false })?.isDirectory()) return;
  for (const name of readdirSync(data).filter((name) => LOGIN_FILE.test(name))) handOverFile(join(data, name), owner);
}

/** Deeper than anything of Kiro's. */
const DEEPEST = 16;

/**
 * Gives a folder away with all that is in it, but for these names directly in it. Agents may be at
 * work there: each folder is opened in the one before, so that a name that becomes a link leads nowhere.
 */
export function handOverFolder(path: string, owner: Owner, except: readonly string[] = [], depth = 0): void {
  const folder = tryOpen(path, constants.O_DIRECTORY);
  if (folder === undefined) return;
  try {
    if (fstatSync(folder).uid !== owner.uid) fchownSync(folder, owner.uid, owner.gid);
    const held = process.platform === "linux" ? `/proc/self/fd/${folder}` : path;
    for (const entry of readdirSync(held, { withFileTypes: true })) {
      if (depth === 0 && except.includes(entry.name)) continue;
      if (entry.isFile()) handOverFile(join(held, entry.name), owner);
      else if (entry.isDirectory() && depth < DEEPEST) handOverFolder(join(held, entry.name), owner, [], depth + 1);
    }
  } finally {
    closeSync(folder);
  }
}

function handOverFile(path: string, { uid, gid }: Owner): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.uid === uid) return;
  const file = tryOpen(path, constants.O_NONBLOCK);
  if (file === undefined) return;
  try {
    const stat = fstatSync(file);
    if (stat.isFile() && stat.nlink === 1) fchownSync(file, uid, gid);
  } finally {
    closeSync(file);
  }
}

/** Undefined for what is gone by now, and for a link: nothing of Kiro's. */
function tryOpen(path: string, flags: number): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | flags);
  } catch {
    return undefined;
  }
}

const MOST_LOOKED_AT = 500;

/** The first thing in a folder of the person's that the user inside cannot read, as far as its mode tells. */
export function closedTo(owner: Owner, folder: string): string | undefined {
  const ways = [folder];
  for (let looked = 0; looked < MOST_LOOKED_AT; looked += 1) {
    const path = ways.shift();
    const stat = path === undefined ? undefined : lstatSync(path, { throwIfNoEntry: false });
    if (path === undefined) return undefined;
    if (!stat || stat.uid === owner.uid || !(stat.isFile() || stat.isDirectory())) continue;
    const needed = stat.isDirectory() ? 0o5 : 0o4;
    if ((stat.mode & needed) !== needed) return path;
    if (stat.isDirectory()) ways.push(...readdirSync(path).map((name) => join(path, name)));
  }
  return undefined;
}
