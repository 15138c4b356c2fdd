import { lchownSync, lstatSync, mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import type { KiroPlaces } from "./kiro-places.ts";
import type { Owner } from "./shared-login-files.ts";

/** A folder that a mount is put upon. The engine would make it, too, but as root. */
export interface MountPoint {
  path: string;
  /** What is made goes to the user inside. */
  owned: boolean;
}

/**
 * Makes what is missing. To be called while no container of the group runs, with parents before
 * what stands in them: then no name on the way can have become a link since it was looked at.
 * @returns what keeps a mount from being put there, in words.
 */
export function makeMountPoints(points: readonly MountPoint[], owner: Owner | null): string | undefined {
  for (const { path, owned } of points) {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) {
      mkdirSync(path, { mode: 0o755 });
      if (owned && owner) lchownSync(path, owner.uid, owner.gid);
    } else if (!stat.isDirectory()) {
      return `${path} is no folder; remove it, it is made again at the next turn`;
    }
  }
  return undefined;
}

/** What stands there, without following a link. Something else than a folder counts as missing. */
export function lookAt(path: string): "folder" | "link" | "missing" {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return "link";
  return stat?.isDirectory() ? "folder" : "missing";
}

/** With the person's own links followed: nobody else ever writes where these names stand. */
export function resolvedPlaces(places: KiroPlaces): KiroPlaces {
  const [kiro, data, aws] = [places.kiro, places.data, places.aws].map(real);
  if (kiro === undefined || data === undefined || aws === undefined) return places;
  return { ...places, kiro, data, aws, database: join(data, "data.sqlite3") };
}

function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there
  }
}
