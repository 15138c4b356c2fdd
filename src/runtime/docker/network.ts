import { INSTALL_LABEL } from "./run-arguments.ts";
import { LaunchError } from "../runtime.ts";
import { classifyEngineError, firstLines, type Engine } from "./engine.ts";

export const networkName = (install: string): string => `nanoclaw-${install.slice(0, 12)}`;

/**
 * Makes a bridge of our own on which containers do not reach each other.
 * @throws {LaunchError} when the engine is down or will not make it.
 */
export async function makeNetwork(engine: Engine, install: string): Promise<void> {
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
  // Another turn may have made it at the same moment.
  const isThere = code === 0 || /already (exists|used)/i.test(stderr);
  if (!isThere) throw new LaunchError(classifyEngineError(stderr), firstLines(stderr));
}
