import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { uptime } from "node:os";
import { promisify } from "node:util";

/**
 * When a process began, in a form that only serves comparison: a pid alone may be another
 * process's by now, also after a reboot. Undefined when no such process runs, or only its
 * unburied remains.
 */
export async function processStart(pid: number, platform = process.platform): Promise<string | undefined> {
  return platform === "linux" ? linuxStart(pid) : psStart(pid);
}

/** Whether a start given by `processStart` lies in the time since this machine was started; `now` is its wall clock. */
export async function isOfThisBoot(start: string, now: number, platform = process.platform): Promise<boolean> {
  if (platform === "linux") return start.startsWith(`${await bootId().catch(() => "unknown")}:`);
  return Date.parse(`${start} UTC`) >= now - (uptime() + BOOT_SLACK_S) * 1000;
}

/** Wall clock and uptime drift apart a little; nothing of ours runs in the first seconds of a boot. */
const BOOT_SLACK_S = 5;

async function linuxStart(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // The command name may hold spaces and brackets: fields are counted from its last bracket.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, start] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || start === undefined) return undefined;
    return `${await bootId()}:${start}`;
  } catch {
    return undefined; // no such process
  }
}

const bootId = async (): Promise<string> => (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();

async function psStart(pid: number): Promise<string | undefined> {
  try {
    // Language and zone fixed: the host's own may be others after a restart, the text must not.
    const env = { LC_ALL: "C", TZ: "UTC" };
    const { stdout } = await promisify(execFile)("/bin/ps", ["-o", "state=,lstart=", "-p", String(pid)], { env });
    const line = stdout.trim();
    return line === "" || line.startsWith("Z") ? undefined : line.replace(/^\S+\s+/, "");
  } catch {
    return undefined; // ps exits 1 when there is no such process
  }
}
