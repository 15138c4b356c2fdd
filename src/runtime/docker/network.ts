import { INSTALL_LABEL } from "./run-arguments.ts";
import { LaunchError } from "../runtime.ts";
import { classifyEngineError, firstLines, type Engine } from "./engine.ts";

export const networkName = (install: string): string => `nanoclaw-${install.slice(0, 12)}`;

export interface Network {
  /** Makes it where it is missing, so that a container can join it. @throws {LaunchError} */
  mend(): Promise<void>;
}

/**
 * One at a time: the engine gives several that ask at the same moment a network each, all of the
 * same name, and from then on refuses the name as ambiguous.
 */
export function createNetwork(engine: Engine, install: string): Network {
  let mending: Promise<void> | undefined;
  const work = async () => {
    await removeDoubles(engine, install);
    await makeNetwork(engine, install);
  };
  return { mend: () => (mending ??= work().finally(() => (mending = undefined))) };
}

/** One that a container is on stays: the engine does not remove it. */
async function removeDoubles(engine: Engine, install: string): Promise<void> {
  const mine = `label=${INSTALL_LABEL}=${install}`;
  const ids = (await engine.need("network", "ls", "--filter", mine, "--format", "{{.ID}}")).split("\n").filter(Boolean);
  if (ids.length > 1) for (const id of ids) await engine.call("network", "rm", id);
}

/**
 * Makes a bridge of our own on which containers do not reach each other.
 * @throws {LaunchError} when the engine is down or will not make it.
 */
async function makeNetwork(engine: Engine, install: string): Promise<void> {
  const isolation = engine.program.endsWith("podman") ? "isolate=true" : "com.docker.network.bridge.enable_icc=false";
  const label = `${INSTALL_LABEL}=${install}`;
  const name = networkName(install);
  const { code, stderr } = await engine.call(
    "network",
    "create",
    "--driver=bridge",
    `--opt=${isolation}`,
    `--label=${label}`,
    name,
  );
  // It was there all along, or another turn has made it since.
  const isThere = code === 0 || /already (exists|used)/i.test(stderr);
  if (!isThere) throw new LaunchError(classifyEngineError(stderr), firstLines(stderr));
}
