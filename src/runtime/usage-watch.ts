import { statfs } from "node:fs/promises";
import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { treeBytes } from "./tree-bytes.ts";

/** What one run may fill. */
export interface Usage {
  folder: Folder;
  /** All that the group alone may write. */
  trees: readonly string[];
  /** Bytes that they may take together. */
  limit: number;
}

/** Watches one run until the signal; calls `end` at most once. Never throws. */
export type UsageWatch = (usage: Usage, end: (failure: Failure) => void, gone: AbortSignal) => void;

export interface UsageWatchOptions {
  /** A path on the disk whose free space is watched. */
  disk: string;
  /** Bytes that must stay free there. */
  freeFloor: number;
  clock: Clock;
  log: Log;
  /** Bytes that trees take, or undefined when nobody can tell. */
  measure?: (trees: readonly string[], signal: AbortSignal) => Promise<number | undefined>;
}

const STEP_MS = 1_000;
/** Of a group's trees: at least so long between two measurements, and so many times what one takes. */
const MEASURE_MS = 5_000;
const SHARE = 20;

/**
 * Bind mounts have no quota: the host looks at each running group's size and at the free space.
 * A group that was measured a moment ago is not measured again at its next run.
 */
export function createUsageWatch({ disk, freeFloor, clock, log, measure = treeBytes }: UsageWatchOptions): UsageWatch {
  const measureAt = new Map<Folder, number>();

  const tooLarge = async ({ folder, trees, limit }: Usage, gone: AbortSignal): Promise<Failure | undefined> => {
    const startedAt = clock.monotonic();
    if (startedAt < (measureAt.get(folder) ?? 0)) return undefined;
    const bytes = await measure(trees, gone);
    const endedAt = clock.monotonic();
    if (gone.aborted) return undefined;
    measureAt.set(folder, endedAt + Math.max(MEASURE_MS, SHARE * (endedAt - startedAt)));
    if (bytes === undefined) log.warn({ group: folder }, "The group's size could not be measured");
    return bytes !== undefined && bytes > limit ? groupFailure(folder, bytes, limit) : undefined;
  };

  const watch = async (usage: Usage, end: (failure: Failure) => void, gone: AbortSignal): Promise<void> => {
    while (!gone.aborted) {
      const failure = (await tooFull(disk, freeFloor)) ?? (await tooLarge(usage, gone));
      if (failure && !gone.aborted) {
        // Whether it was cured is asked at the next run, not some time later.
        measureAt.delete(usage.folder);
        return end(failure);
      }
      await clock.sleep(STEP_MS, gone);
    }
  };

  return (usage, end, gone) => void watch(usage, end, gone);
}

async function tooFull(disk: string, floor: number): Promise<Failure | undefined> {
  try {
    const { bavail, bsize } = await statfs(disk);
    const free = bavail * bsize;
    return free < floor ? diskFailure(free, floor) : undefined;
  } catch {
    return undefined; // a disk that is gone fails louder elsewhere
  }
}

function groupFailure(folder: Folder, bytes: number, limit: number): Failure {
  const cause = `the files of this group take ${size(bytes)}, and may take ${size(limit)}`;
  return {
    class: "disk",
    detail: `${cause} (groups/${folder}, data/kiro/${folder} and ipc/${folder} together)`,
    cause,
    cure: `Delete some in groups/${folder} on the machine, or raise the limit there (NANOCLAW_GROUP_SIZE for all groups, or npm run nanoclaw -- groups set ${folder} --group-size <bytes>), then write again.`,
  };
}

function diskFailure(free: number, floor: number): Failure {
  const cause = `the disk of the machine has ${size(free)} free, and ${size(floor)} must stay free`;
  return {
    class: "disk",
    detail: cause,
    cause,
    cure: "Free some space there, or lower NANOCLAW_FREE_DISK, then write again.",
  };
}

const size = (bytes: number): string =>
  bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
