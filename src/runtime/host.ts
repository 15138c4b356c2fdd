import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import { hostEnvironment } from "./host-environment.ts";
import { signalGroup, startProcess } from "./host-process.ts";
import { isOfThisBoot, processStart } from "./process-identity.ts";
import type { Exit, Running, Runtime } from "./runtime.ts";

export interface HostRuntimeOptions {
  /** Program and first arguments that start the runner. */
  runner: readonly [string, ...string[]];
  /** The host's own environment; only a safe part of it reaches the runner. */
  env: NodeJS.ProcessEnv;
  clock: Clock;
  /** Where Node keeps compiled modules: a turn then starts in half the time. */
  compileCache: string;
  /** Where runners keep what they asked kiro-cli once. */
  kiroProbe: string;
}

/** Start time is null when the process ended before it could be read. */
const handleSchema = z.strictObject({ pid: z.int().min(2), start: z.string().nullable() });
type Handle = z.infer<typeof handleSchema>;

const ADOPTED_POLL_MS = 200;

/**
 * Turns as plain processes of this machine, each in a process group of its own. No isolation: the
 * runner and its agent can do whatever the host's user can.
 */
export function createHostRuntime({ runner, env, clock, ...kept }: HostRuntimeOptions): Runtime {
  return {
    name: "host",
    launch: async (spec) => {
      const inside = {
        ...hostEnvironment(env, spec),
        NODE_COMPILE_CACHE: kept.compileCache,
        NANOCLAW_KIRO_PROBE: kept.kiroProbe,
      };
      const { pid, ...started } = await startProcess(runner, spec.paths.group, inside);
      const handle: Handle = { pid, start: (await processStart(pid)) ?? null };
      return { ...started, handle };
    },
    find: async (stored) => {
      const handle = handleSchema.safeParse(stored).data;
      if (!handle?.start || (await processStart(handle.pid)) !== handle.start) return undefined;
      return adopted(handle, clock);
    },
    clear: async (stored) => {
      const handle = handleSchema.safeParse(stored).data;
      // After a reboot the number may be the group of some daemon whose leader has left.
      if (!handle?.start || !(await isOfThisBoot(handle.start, clock.now()))) return;
      // While a process of the group lives, no other process gets the group's number; and when the
      // number is a living process's again, the group was empty before.
      if ((await processStart(handle.pid)) === undefined) signalGroup(handle.pid, "KILL");
    },
    // Nothing marks a process as ours: what ran is known by its handle alone.
    sweep: () => Promise.resolve(),
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
