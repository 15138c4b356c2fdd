import type { Stats } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { Home } from "../home.ts";
import { LOGS, TREES } from "./places.ts";
import { walkTree } from "./walk-tree.ts";

/** About how much the files of a home take, as a tar archive has them. */
export interface Measured {
  all: number;
  /** Without what takes more room in an archive than on the disk. */
  lean: number;
}

export interface MeasureOptions {
  home: Pick<Home, "root">;
  withLogs: boolean;
}

export async function measure({ home, withLogs }: MeasureOptions): Promise<Measured> {
  const sum: Measured = { all: 0, lean: 0 };
  const swells = swelling();
  for (const tree of withLogs ? [...TREES, LOGS] : TREES) {
    const at = await realpath(join(home.root, tree)).catch(() => undefined);
    if (at === undefined) continue;
    for await (const found of walkTree(at, tree)) {
      const bytes = HEADER + (found.kind === "file" ? found.stat.size : 0);
      sum.all += bytes;
      if (found.kind !== "file" || swells(found.stat) === undefined) sum.lean += bytes;
    }
  }
  return sum;
}

const HEADER = 1024;
/** Databases have small ones. */
const LARGEST_HOLE = 64 * 1024 * 1024;

/** Says of one file after the other why it takes more room in an archive than on the disk, if it does. */
export function swelling(): (stat: Stats) => string | undefined {
  const known = new Set<string>();
  return ({ dev, ino, nlink, size, blocks }) => {
    if (size - blocks * 512 > LARGEST_HOLE)
      return `there is no room for it: it has ${size} bytes, and holes in place of most of them`;
    if (nlink === 1) return undefined;
    const file = `${dev} ${ino}`;
    if (known.has(file)) return "there is no room for it: it is another name of a file that is in it";
    known.add(file);
    return undefined;
  };
}
