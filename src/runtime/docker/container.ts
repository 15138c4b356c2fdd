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
  /** Never throws; false when the engine could not be asked. */
  remove(name: string): Promise<boolean>;
  signal(name: string, kind: "TERM"): Promise<void>;
  /** Resolves when the container is gone, however often the engine goes away meanwhile. */
  gone(name: string): Promise<Exit>;
}

export interface ContainersOptions {
  engine: Engine;
  install: string;
  clock: Clock;
  log: Log;
}

const LOOK_MS = 500;
const FORMAT = `{{.State.Status}} {{.State.ExitCode}} {{index .Config.Labels "${INSTALL_LABEL}"}}`;
const LIVING = new Set(["created", "running", "paused", "restarting", "removing"]);

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

  const remove = async (name: string): Promise<boolean> => {
    try {
      const { code, stderr } = await engine.call("rm", "--force", name);
      return code === 0 || isNoSuchContainer(stderr) || /already in progress/i.test(stderr);
    } catch (error) {
      log.warn({ container: name, error: (error as Error).message }, "A container could not be removed");
      return false;
    }
  };

  /** `created` stays for ever when its client died between creating and starting it. */
  const look = async (name: string): Promise<Exit | undefined> => {
    const state = await inspect(name);
    if (!state) return { code: null, signal: null };
    if (LIVING.has(state.status) && state.status !== "created") return undefined;
    await remove(name);
    return { code: state.exitCode, signal: null };
  };

  return {
    inspect,
    remove,
    names: async () => {
      const listed = await engine.need(
        "ps",
        "--all",
        "--filter",
        `label=${INSTALL_LABEL}=${install}`,
        "--format",
        "{{.Names}}",
      );
      return listed.split("\n").filter(Boolean);
    },
    signal: async (name, kind) => {
      await engine.call("kill", `--signal=${kind}`, name).catch(() => {}); // gone, or the engine is down: KILL follows
    },
    gone: async (name) => {
      for (let engineFailed = false; ;) {
        try {
          const exit = await look(name);
          if (exit) return engineFailed ? { ...exit, lostEngine: true } : exit;
        } catch (error) {
          if (!engineFailed)
            log.warn({ container: name, error: (error as Error).message }, "The engine does not answer");
          engineFailed = true;
        }
        await clock.sleep(LOOK_MS);
      }
    },
  };
}
