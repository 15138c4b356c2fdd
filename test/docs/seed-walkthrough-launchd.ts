// What stands in for launchctl, PlistBuddy and plutil of a Mac: `node seed-walkthrough-launchd.ts <program> <argument…>`.
// It knows what the seed's commands and ours ask of them, for one job; loaded jobs stand in ~/.launchd.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { build, parse } from "plist";

const HOME = process.env["HOME"] ?? "/";
const LABEL = "com.nanoclaw";
const loaded = join(HOME, ".launchd", LABEL);

interface JobFile {
  Label: string;
  ProgramArguments: [string, ...string[]];
  WorkingDirectory: string;
  EnvironmentVariables: Record<string, string>;
  ExitTimeOut: number;
  StandardOutPath: string;
  StandardErrorPath: string;
}

interface Loaded {
  job: JobFile;
  pid: number;
}

const readPlist = (path: string) => parse(readFileSync(path, "utf8")) as unknown as JobFile;
const current = (): Loaded | undefined =>
  existsSync(loaded) ? (JSON.parse(readFileSync(loaded, "utf8")) as Loaded) : undefined;

/** A zombie that nobody has waited for has ended all the same. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

function run(job: JobFile): void {
  const [program, ...rest] = job.ProgramArguments;
  const child = spawn(program, rest, {
    cwd: job.WorkingDirectory,
    // As sparse as launchd's own.
    env: { HOME, PATH: "/usr/bin:/bin:/usr/sbin:/sbin", ...job.EnvironmentVariables },
    detached: true,
    stdio: ["ignore", openSync(job.StandardOutPath, "a"), openSync(job.StandardErrorPath, "a")],
  });
  child.unref();
  mkdirSync(join(HOME, ".launchd"), { recursive: true });
  writeFileSync(loaded, JSON.stringify({ job, pid: child.pid }));
}

async function stop({ job, pid }: Loaded): Promise<void> {
  if (isAlive(pid)) process.kill(pid, "SIGTERM");
  for (let waited = 0; isAlive(pid); waited += 50) {
    if (waited > job.ExitTimeOut * 1_000) process.kill(pid, "SIGKILL");
    await delay(50);
  }
}

/** What each order ends with. */
const orders: Record<string, (args: string[], running: Loaded | undefined) => number | Promise<number>> = {
  enable: () => 0,
  load: (args, running) => (running ? 0 : begin(args)),
  bootstrap: (args, running) => (running ? 5 : begin(args)),
  unload: async (_, running) => (running ? unload(running) : 0),
  bootout: async (_, running) => (running ? unload(running) : 113),
  kickstart: async (args, running) => {
    if (!running) return 113;
    if (args[0] === "-k") await stop(running);
    if (!isAlive(running.pid)) run(running.job);
    return 0;
  },
  list: (_, running) => {
    process.stdout.write("PID\tStatus\tLabel\n");
    if (running) process.stdout.write(`${isAlive(running.pid) ? running.pid : "-"}\t0\t${LABEL}\n`);
    return 0;
  },
  print: (args, running) => {
    if (!running) return 113;
    const pid = isAlive(running.pid) ? `\tpid = ${running.pid}\n` : "";
    process.stdout.write(`${args[0]} = {\n${pid}\tlast exit code = 0\n}\n`);
    return 0;
  },
};

function begin(args: string[]): number {
  run(readPlist(args.at(-1) ?? ""));
  return 0;
}

async function unload(running: Loaded): Promise<number> {
  await stop(running);
  rmSync(loaded);
  return 0;
}

function launchctl([order = "", ...args]: string[]): number | Promise<number> {
  const known = orders[order];
  if (known) return known(args, current());
  process.stderr.write(`launchctl ${order}: nothing stands in for that\n`);
  return 64;
}

/** `-c "Print|Set|Add :Key:Key [type] [value]" <file>` */
function plistBuddy([, order = "", path = ""]: string[]): number {
  const [, verb, keys = "", rest = ""] = /^(Print|Set|Add) :(\S+) ?(.*)$/.exec(order) ?? [];
  const [dict = "", key = ""] = keys.split(":");
  const plist = readPlist(path) as unknown as Record<string, Record<string, string>>;
  const entry = plist[dict];
  if (!entry || (verb === "Add") === key in entry) {
    process.stderr.write(`${verb}: Entry, ":${keys}", ${verb === "Add" ? "Already Exists" : "Does Not Exist"}\n`);
    return 1;
  }
  if (verb === "Print") process.stdout.write(`${entry[key]}\n`);
  else {
    entry[key] = verb === "Add" ? rest.replace(/^string /, "") : rest;
    writeFileSync(path, build(plist));
  }
  return 0;
}

function plutil([, path = ""]: string[]): number {
  const lines = Object.entries(readPlist(path).EnvironmentVariables).map(
    ([key, value]) => `    "${key}" => "${value}"\n`,
  );
  process.stdout.write(lines.join(""));
  return 0;
}

const programs: Record<string, (args: string[]) => number | Promise<number>> = {
  launchctl,
  PlistBuddy: plistBuddy,
  plutil,
};
const [program = "", ...args] = process.argv.slice(2);
process.exitCode = (await programs[program]?.(args)) ?? 64;
