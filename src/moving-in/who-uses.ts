import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import type { Clock } from "../domain/clock.ts";
import { runProgram } from "../runtime/run-program.ts";

export interface LookForUsers {
  platform?: NodeJS.Platform;
  /** Where `lsof` is looked for. */
  searchPath?: string;
  limitMs?: number;
}

/**
 * Other processes of this user that have the file open. The old program keeps its database open as
 * long as it runs. Empty, too, where there is nothing to look with; undefined: it could not be told in time.
 */
export async function whoUses(clock: Clock, path: string, options: LookForUsers = {}): Promise<number[] | undefined> {
  const { platform = process.platform, searchPath = "/usr/sbin:/usr/bin:/bin", limitMs = 30_000 } = options;
  const found = platform === "linux" ? openOnLinux(path) : await openByLsof(clock, path, searchPath, limitMs);
  return found?.filter((pid) => pid !== process.pid);
}

function openOnLinux(path: string): number[] {
  const real = realpathSync(path);
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => list(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === real))
    .map(Number);
}

/** Nobody has it open, which lsof calls a failure, or there is no lsof: the same to us. */
async function openByLsof(
  clock: Clock,
  path: string,
  searchPath: string,
  limitMs: number,
): Promise<number[] | undefined> {
  const env = { PATH: searchPath };
  const end = await runProgram(clock, { program: "lsof", args: ["-t", "--", path], env, limitMs });
  if (end.kind === "late") return undefined;
  return end.kind === "ended" ? end.stdout.split("\n").filter(Boolean).map(Number) : [];
}

/** Of other users, or gone meanwhile. */
function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
