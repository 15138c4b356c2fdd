import { statSync } from "node:fs";
import { join } from "node:path";
import { isKiroMeant, withPersonsKiro } from "../cli/persons-kiro.ts";
import { ConfigError, loadConfig } from "../config.ts";
import type { HostNow } from "./served.ts";
import type { Setup } from "./step.ts";

/** Whether a host that runs would know more after a restart: settings, or Kiro that is there now. */
export async function isRestartDue({ terminal }: Pick<Setup, "terminal">, host: HostNow): Promise<boolean> {
  const home = terminal.homePath();
  if (writtenAt(join(home, ".env")) > host.startedAt) return true;
  return host.agent === "offline" && (await wouldBeKiro(home, terminal.env));
}

function writtenAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** By the file alone: a service does not know what this shell has. */
async function wouldBeKiro(home: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    const config = loadConfig({ env: { NANOCLAW_HOME: home }, defaultHome: home });
    return await withPersonsKiro(env, (person) => isKiroMeant(config, person, undefined));
  } catch (error) {
    if (error instanceof ConfigError) return false; // a start would wait until they can be used
    throw error;
  }
}
