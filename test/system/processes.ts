import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const onLinux = process.platform === "linux";
export const isRoot = process.getuid?.() === 0;

/** Processes other than this one that were started for a home, as `<pid> <command line>`. */
export function processesOf(home: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        const told = readFileSync(`/proc/${pid}/environ`, "utf8") + command;
        return command !== "" && told.includes(home) ? [`${pid} ${command}`] : [];
      } catch {
        return []; // it ended meanwhile
      }
    });
}

const NOBODY = 65_534;

/** A user other than root who can run the program here; undefined when there is none. */
export function plainUser(): number | undefined {
  if (!isRoot) return undefined;
  const program = fileURLToPath(new URL("../../bin/nanoclaw", import.meta.url));
  const { status } = spawnSync("/bin/sh", ["-c", `[ -x '${program}' ]`], { uid: NOBODY, gid: NOBODY, cwd: "/" });
  return status === 0 ? NOBODY : undefined;
}
