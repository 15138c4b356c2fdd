import { lstat, readdir, readlink } from "node:fs/promises";
import type { Stats } from "node:fs";
import { join } from "node:path";
import { openFolder } from "../ipc/open-folder.ts";
import type { LeftOut } from "./manifest.ts";
import { isBesideKiroDatabase, isOfThisMoment } from "./places.ts";

/** Something in a tree, while its folder is held open. `path` is below the home. */
export type Found =
  | { kind: "folder"; path: string; stat: Stats }
  /** `at` leads to it for now, whatever takes the folder's name meanwhile. */
  | { kind: "file"; path: string; stat: Stats; at: string }
  | { kind: "link"; path: string; stat: Stats; target: string }
  | ({ kind: "left-out" } & LeftOut);

/** An agent can make paths that no program could open again. */
const LONGEST_PATH = 2_000;
const DEEPEST = 200;

/**
 * What lies in a folder, top down. No link is followed, also not one that an agent puts in the place of
 * a folder meanwhile. What goes while it is looked at is not there.
 */
export async function* walkTree(at: string, path: string, depth = 0): AsyncGenerator<Found, void> {
  const stat = await lstatOf(at);
  if (!stat?.isDirectory()) return;
  await using folder = await openFolder(at);
  if (!folder) {
    const isStillThere = (await lstatOf(at))?.isDirectory() === true;
    if (isStillThere) yield leftOut(path, "this user may not read that folder");
    return;
  }
  yield { kind: "folder", path, stat };
  for (const name of (await readdir(folder.path, { encoding: "buffer" })).sort(Buffer.compare)) {
    yield* look(folder.path, path, name, depth);
  }
}

async function* look(folder: string, path: string, bytes: Buffer, depth: number): AsyncGenerator<Found, void> {
  const name = bytes.toString("utf8");
  const below = `${path}/${name}`;
  if (isOfThisMoment(below) || isBesideKiroDatabase(below)) return;
  const problem = nameProblem(below, bytes, depth);
  const at = join(folder, name);
  const stat = await lstatOf(at);
  if (problem !== undefined) yield leftOut(below, problem);
  else if (!stat) return;
  else if (stat.isDirectory()) yield* walkTree(at, below, depth + 1);
  else if (stat.isSymbolicLink()) yield* linkAt(at, below, stat);
  else if (stat.isFile()) yield { kind: "file", path: below, stat, at };
  else yield leftOut(below, "it is a socket, pipe or device", false);
}

function nameProblem(path: string, name: Buffer, depth: number): string | undefined {
  if (!isText(name)) return "its name is no text";
  const isFar = Buffer.byteLength(path) > LONGEST_PATH || depth > DEEPEST;
  return isFar ? "it lies too deep, or its path is too long" : undefined;
}

const isText = (bytes: Buffer): boolean => Buffer.from(bytes.toString("utf8")).equals(bytes);

async function* linkAt(at: string, path: string, stat: Stats): AsyncGenerator<Found, void> {
  const bytes = await readlink(at, { encoding: "buffer" }).catch(() => undefined);
  if (!bytes) return;
  const target = bytes.toString("utf8");
  if (isText(bytes)) yield { kind: "link", path, stat, target };
  else yield leftOut(path, "the link's target is no text");
}

const leftOut = (path: string, why: string, missed = true): Found => ({ kind: "left-out", path, why, missed });

const lstatOf = (path: string): Promise<Stats | undefined> => lstat(path).catch(() => undefined);
