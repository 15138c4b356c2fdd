import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import { processStart } from "./process-identity.ts";
import { LaunchError, type Exit, type LaunchSpec, type Running, type Runtime } from "./runtime.ts";

export interface HostRuntimeOptions {
  /** Program and first arguments that start the runner. */
  runner: readonly [string, ...string[]];
  /** The host's own environment; only what `passedOn` names reaches the runner. */
  env: NodeJS.ProcessEnv;
  clock: Clock;
  /** Where Node keeps compiled modules: a turn then starts in half the time. */
  compileCache: string;
}

/** Start time is null when the process ended before it could be read. */
const handleSchema = z.strictObject({ pid: z.int().min(2), start: z.string().nullable() });
type Handle = z.infer<typeof handleSchema>;

/** What the runner sees of the host's environment: what programs need to run, nothing of ours. */
const passedOn = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TMPDIR",
  "XDG_DATA_HOME",
  "XDG_RUNTIME_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
] as const;

const ADOPTED_POLL_MS = 200;

/**
 * Turns as plain processes of this machine, each in a process group of its own. No isolation: the
 * runner and its agent can do whatever the host's user can.
 */
export function createHostRuntime({ runner, env, clock, compileCache }: HostRuntimeOptions): Runtime {
  return {
    name: "host",
    launch: async (spec) => {
      await mkdir(spec.paths.group, { recursive: true });
      const child = await start(runner, spec, {
        ...hostEnvironment(env, spec),
        NODE_COMPILE_CACHE: compileCache,
      });
      const pid = child.pid as number;
      const handle: Handle = { pid, start: (await processStart(pid)) ?? null };
      return {
        handle,
        stdin: child.stdin,
        stdout: child.stdout,
        stderr: child.stderr,
        exited: exitOf(child),
        signal: (kind) => signalGroup(pid, kind),
      };
    },
    find: async (stored) => {
      const handle = handleSchema.safeParse(stored).data;
      if (!handle?.start || (await processStart(handle.pid)) !== handle.start) return undefined;
      return adopted(handle, clock);
    },
    clear: async (stored) => {
      const handle = handleSchema.safeParse(stored).data;
      // While a process of the group lives, no other process gets the group's number; and when the
      // number is a living process's again, the group was empty before.
      if (handle && (await processStart(handle.pid)) === undefined) signalGroup(handle.pid, "KILL");
    },
  };
}

async function start(runner: HostRuntimeOptions["runner"], spec: LaunchSpec, env: Record<string, string>) {
  const [program, ...args] = runner;
  const child = spawn(program, args, { cwd: spec.paths.group, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  // A runner that is gone already turns every write into EPIPE; its exit tells the story.
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => {});
  try {
    await once(child, "spawn");
  } catch (error) {
    throw new LaunchError("crash", `The runner could not be started: ${(error as Error).message}`, { cause: error });
  }
  child.on("error", () => {}); // a failed signal; `exited` is what counts
  return child;
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve({ code: child.exitCode, signal: child.signalCode });
    }
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

/** Pinned by a test: what an agent can see of the host is decided here. */
export function hostEnvironment(env: NodeJS.ProcessEnv, spec: LaunchSpec): Record<string, string> {
  const kept = passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return {
    ...Object.fromEntries(kept),
    TZ: spec.zone,
    NANOCLAW_REAL_HOME: env["HOME"] ?? "",
    NANOCLAW_GROUP_DIR: spec.paths.group,
    NANOCLAW_IPC_DIR: spec.paths.ipc,
    NANOCLAW_GLOBAL_DIR: spec.paths.global,
    NANOCLAW_EXTRA_DIR: spec.paths.extra,
    NANOCLAW_AGENT_ONE_SHOT: String(spec.oneShot),
  };
}

function adopted(handle: Handle, clock: Clock): Running {
  const exited = (async (): Promise<Exit> => {
    while ((await processStart(handle.pid)) === handle.start) await clock.sleep(ADOPTED_POLL_MS);
    return { code: null, signal: null };
  })();
  return {
    handle,
    stdin: null,
    stdout: null,
    stderr: null,
    exited,
    signal: (kind) => signalGroup(handle.pid, kind),
  };
}

function signalGroup(pid: number, kind: "TERM" | "KILL"): void {
  try {
    process.kill(-pid, `SIG${kind}`);
  } catch {
    // the group is gone
  }
}
