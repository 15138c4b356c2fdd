import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/clock.ts";
import { runProgram } from "../../src/runtime/run-program.ts";
import { createService, type Platform, type Service } from "../../src/service/service.ts";
import { compileCache, shareCompileCache } from "./compile-cache.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const programs = join(root, "test", "system", "fixtures", "service-programs");

export interface ServiceSite extends Disposable {
  /** The person's. */
  person: string;
  /** NanoClaw's. */
  home: string;
  env: Record<string, string>;
  service(platform: Platform, changed?: { env?: Record<string, string>; home?: string; node?: string }): Service;
  /** The command lines that the stand-ins were asked since the last look. */
  calls(): string[];
  /** What a stand-in is to know or do. */
  set(name: string, value: unknown): void;
  /** Lines for bash, as a person types them in the home. */
  shell(lines: string): { status: number | null; stdout: string; stderr: string };
}

/** A person with a home for NanoClaw, and the programs that manage services there. */
export function openServiceSite({ homeName = "nano claw" } = {}): ServiceSite {
  const person = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-service-")));
  const home = join(person, homeName);
  const state = join(person, "stand-ins");
  const bin = join(person, "bin");
  for (const folder of [home, state, bin]) mkdirSync(folder);
  shareCompileCache(home);
  // An engine that is not there, and disks that may be tiny.
  writeFileSync(join(home, ".env"), "NANOCLAW_DOCKER=/nowhere/docker\nNANOCLAW_FREE_DISK=1\n");
  const program = (name: string, line: string) =>
    writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
  const exec = (name: string) =>
    `STAND_IN='${state}' exec '${process.execPath}' '${join(programs, `${name}.ts`)}' "$@"`;
  for (const name of ["launchctl", "systemctl", "loginctl", "plutil"]) program(name, exec(name));
  program("PlistBuddy", exec("plist-buddy"));
  program("id", "echo 501");
  program("rg", 'exec grep -E "$@"');
  const env = { HOME: person, PATH: `${bin}:/usr/bin:/bin`, NODE_COMPILE_CACHE: compileCache };
  return {
    ...{ person, home, env },
    service: (platform, changed = {}) =>
      createService({
        ...{ platform, root, home, node: process.execPath, uid: 501, ...changed },
        env: { ...env, ...changed.env },
        run: async (name, args) => {
          const end = await runProgram(systemClock, { program: name, args, env, limitMs: 60_000 });
          if (end.kind !== "ended") return { code: 127, stdout: "", stderr: end.kind };
          return { ...end, code: end.code ?? 1 };
        },
      }),
    calls: () => {
      const path = join(state, "calls");
      const lines = existsSync(path) ? readFileSync(path, "utf8").replaceAll(person, "~").trim().split("\n") : [];
      rmSync(path, { force: true });
      return lines;
    },
    set: (name, value) => writeFileSync(join(state, name), JSON.stringify(value)),
    shell: (lines) => {
      // Nobody may write in /usr/libexec here, but bash finds a function of that name.
      const script = `function /usr/libexec/PlistBuddy { PlistBuddy "$@"; }\n${lines}`;
      const { status, stdout, stderr } = spawnSync("bash", ["-c", script], { cwd: home, env, encoding: "utf8" });
      return { status, stdout, stderr };
    },
    [Symbol.dispose]: () => {
      const job = join(state, "job");
      const running = existsSync(job) ? (JSON.parse(readFileSync(job, "utf8")) as { pid: number } | null) : null;
      if (running) killGroup(running.pid);
      rmSync(person, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it ended
  }
}
