import { existsSync, lstatSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { copyTree, isSame } from "./copy-tree.ts";
import type { PlannedGroup } from "./plan-groups.ts";
import type { Renaming } from "./put-in-place.ts";

export interface StageFolders {
  groups: readonly PlannedGroup[];
  /** The old system's `groups`, and this home's; they may be one. */
  from: string;
  to: string;
  /** Goes behind the name of what lies in the way. */
  suffix: string;
}

export interface StagedFolders {
  /** To be done when nothing can fail any more. */
  renamings: Renaming[];
  /** For the report. */
  lines: string[];
}

/**
 * Copies groups whose folder has another name here, beside where they will be; the old folder stays.
 * What lies there already is somebody else's memory: it gets a name that no group can have.
 */
export function stageFolders({ groups, from, to, suffix }: StageFolders): StagedFolders {
  // What an attempt that was cut off had copied.
  rmSync(placeIn(to), { recursive: true, force: true });
  const staged: StagedFolders = { renamings: [], lines: [] };
  for (const group of groups) {
    const [old, target] = [join(from, group.from), join(to, group.folder)];
    if (!isRenamed(group) || !existsSync(old) || isSame(old, target)) continue;
    const place = join(placeIn(to), group.folder);
    copyTree({ from: old, to: place, workplace: `${place}.part` });
    if (hasContent(target)) {
      staged.renamings.push({ from: target, to: target + suffix });
      staged.lines.push(
        `groups/${group.folder} was there already and belonged to no group: it is groups/${group.folder}${suffix} now.`,
      );
    }
    staged.renamings.push({ from: place, to: target });
  }
  return staged;
}

/** A path is no name of a folder there. */
export const isRenamed = ({ from, folder }: Pick<PlannedGroup, "from" | "folder">): boolean =>
  from !== folder && basename(from) === from && !from.startsWith(".");

const placeIn = (groups: string): string => join(groups, ".moving-in");

/** A new folder may take the place of an empty one. */
function hasContent(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && (!stat.isDirectory() || readdirSync(path).length > 0);
}
