import { LaunchError, type Runtime } from "./runtime.ts";

/** A runtime that was asked for and is not there: every turn waits, and says for what. */
export function createUnavailableRuntime(name: Runtime["name"], reason: string): Runtime {
  return {
    name,
    launch: () => Promise.reject(new LaunchError("engine-down", reason)),
    find: () => Promise.resolve(undefined),
    clear: () => Promise.resolve(),
  };
}
