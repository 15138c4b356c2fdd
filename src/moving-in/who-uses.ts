import { readdirSync, readlinkSync, realpathSync } from "node:fs";
import type { Clock } from "../domain/clock.ts";
import { runProgram } from "../runtime/run-program.ts";

/**
 * Other processes of this user that have the file open. The old program keeps its database open as
 * long as it runs. Empty, too, when nobody can tell.
 */
export async function whoUses(clock: Clock, path: string, platform = process.platform): Promise<number[]> {
  const found = platform === "linux" ? openOnLinux(path) : await openByLsof(clock, path);
  return found.filter((pid) => pid !== process.pid);
}

function openOnLinux(path: string): number[] {
  const real = realpathSync(path);
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => list(`/proc/${pid}/fd`).some((fd) => linkOf(`/proc/${pid}/fd/${fd}`) === real))
    .map(Number);
}

/** Nobody has it open, which lsof calls a failure, or there is no lsof: the same to us. */
async function openByLsof(clock: Clock, path: string): Promise<number[]> {
  const env = { PATH: "/usr/sbin:/usr/bin:/bin" };
  const end = await runProgram(clock, { program: "lsof", args: ["-t", "--", path], env, limitMs: 10_000 });
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
