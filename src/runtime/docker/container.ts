import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { LaunchError, type Exit } from "../runtime.ts";
import { firstLines, isNoSuchContainer, type Engine } from "./engine.ts";
import { INSTALL_LABEL } from "./run-arguments.ts";

export interface ContainerState {
  status: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead" | (string & {});
  exitCode: number;
  install: string;
}

/** What the engine knows of containers of this installation. */
export interface Containers {
  /** Undefined when there is none of that name. @throws {LaunchError} when the engine is down. */
  inspect(name: string): Promise<ContainerState | undefined>;
  /** In any state. @throws {LaunchError} */
  names(): Promise<string[]>;
  /** True when nothing is left of it; false when the engine could not be asked. Never throws. */
  remove(name: string): Promise<boolean>;
  /** Removes it, however long the engine is away meanwhile. */
  kill(name: string): Promise<void>;
  signal(name: string, kind: "TERM"): Promise<void>;
  /** Resolves when the container has ended, however often the engine goes away meanwhile. */
  ended(name: string): Promise<Exit>;
}

export interface ContainersOptions {
  engine: Engine;
  install: string;
  clock: Clock;
  log: Log;
}

const LOOK_MS = 500;
/** Between questions to an engine that is away. */
const AWAY_MS = 2_000;
/** How long one client waits for a container's end; an engine that hangs is noticed after that. */
const WAIT_MS = 30_000;
/** Of `LOOK_MS` each: how long a removal that is under way may take. */
const REMOVAL_LOOKS = 20;
const FORMAT = `{{.State.Status}} {{.State.ExitCode}} {{index .Config.Labels "${INSTALL_LABEL}"}}`;
const ENDED = new Set(["created", "exited", "dead"]);

export function createContainers({ engine, install, clock, log }: ContainersOptions): Containers {
  const inspect = async (name: string): Promise<ContainerState | undefined> => {
    const result = await engine.call("container", "inspect", "--format", FORMAT, name);
    if (result.code !== 0) {
      if (isNoSuchContainer(result.stderr)) return undefined;
      throw new LaunchError("engine-down", firstLines(result.stderr));
    }
    const [status = "", exitCode = "", label = ""] = result.stdout.trim().split(" ");
    return { status, exitCode: Number(exitCode), install: label };
  };

  /** Somebody else removes it: `--rm` at its end, or an earlier host. */
  const isRemoved = async (name: string): Promise<boolean> => {
    for (let looks = 0; looks < REMOVAL_LOOKS; looks += 1) {
      if (!(await inspect(name))) return true;
      await clock.sleep(LOOK_MS);
    }
    return false;
  };

  const remove = async (name: string): Promise<boolean> => {
    try {
      const { code, stderr } = await engine.call("rm", "--force", name);
      if (code === 0 || isNoSuchContainer(stderr)) return true;
      if (/already in progress/i.test(stderr)) return await isRemoved(name);
      throw new LaunchError("crash", firstLines(stderr));
    } catch (error) {
      log.warn({ container: name, error: (error as Error).message }, "A container could not be removed");
      return false;
    }
  };

  return {
    inspect,
    remove,
    names: async () => {
      const mine = `label=${INSTALL_LABEL}=${install}`;
      const listed = await engine.need("ps", "--all", "--filter", mine, "--format", "{{.Names}}");
      return listed.split("\n").filter(Boolean);
    },
    kill: async (name) => {
      while (!(await remove(name))) await clock.sleep(AWAY_MS);
    },
    signal: async (name, kind) => {
      await engine.call("kill", `--signal=${kind}`, name).catch(() => {}); // gone, or the engine is down: KILL follows
    },
    ended: (name) => untilEnded({ engine, clock, log, inspect, remove }, name),
  };
}

type Watch = Pick<ContainersOptions, "engine" | "clock" | "log"> & Pick<Containers, "inspect" | "remove">;

async function untilEnded(watch: Watch, name: string): Promise<Exit> {
  for (let lostEngine = false; ;) {
    try {
      const exit = await waitOnce(watch, name);
      if (exit) return lostEngine ? { ...exit, lostEngine } : exit;
    } catch (error) {
      if (!lostEngine)
        watch.log.warn({ container: name, error: (error as Error).message }, "The engine does not answer");
      lostEngine = true;
    }
    await watch.clock.sleep(lostEngine ? AWAY_MS : LOOK_MS);
  }
}

/** Undefined when it is still there. @throws {LaunchError} when the engine is down. */
async function waitOnce({ engine, inspect, remove }: Watch, name: string): Promise<Exit | undefined> {
  // Its own answer is no proof of anything: a client may be killed, or say nothing of use.
  const waited = await engine.callWithin(WAIT_MS, "wait", name);
  const state = await inspect(name);
  const code = waited?.code === 0 && /^\d+$/.test(waited.stdout.trim()) ? Number(waited.stdout) : null;
  if (!state) return { code, signal: null };
  if (!ENDED.has(state.status)) return undefined;
  // `created` stays for ever when its client died between creating and starting it.
  await remove(name);
  return { code: state.exitCode, signal: null };
}
