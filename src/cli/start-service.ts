import { mkdirSync } from "node:fs";
import { ConfigError, type Config } from "../config.ts";
import type { Clock } from "../domain/clock.ts";
import { homePaths } from "../home.ts";
import { openLog } from "../log.ts";

/** What the service's own part needs of the process. */
export interface ServiceStart {
  /** @throws {ConfigError} as long as the settings cannot be used. */
  config(): Config;
  homePath(): string;
  stderr: { write(text: string): unknown };
  clock: Clock;
  interrupted: AbortSignal;
  /** Runs the host until it is told to stop. */
  serve(config: Config): Promise<void>;
}

const LOOK_AGAIN_MS = 2_000;
/** A manager of services starts again at once what ended; the pause is ours, so it holds on every one. */
const PAUSE_MS = 60_000;

/**
 * Runs under a manager of services: nothing that stays wrong may make it loop, or leave it dead
 * without a word. Settings that cannot be used are waited for; after anything else it ends, slowly,
 * so that the next start is one of the program as it is then.
 */
export async function runAsService(start: ServiceStart): Promise<"stopped" | "failed"> {
  const { clock, interrupted } = start;
  try {
    const config = await usableConfig(start);
    if (config) await start.serve(config);
    return "stopped";
  } catch (error) {
    await tell(start, words(error));
    if (interrupted.aborted) return "failed";
    tellOnly(start, `It ends in ${PAUSE_MS / 1_000} seconds and is then started again.`);
    await clock.sleep(PAUSE_MS, interrupted);
    return "failed";
  }
}

async function usableConfig(start: ServiceStart): Promise<Config | undefined> {
  const { clock, interrupted } = start;
  for (let told = ""; !interrupted.aborted;) {
    try {
      const config = start.config();
      if (told) tellOnly(start, "The settings can be used now.");
      return config;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (error.message !== told) await tell(start, `${error.message}\n${waitWords}`);
      told = error.message;
    }
    await clock.sleep(LOOK_AGAIN_MS, interrupted);
  }
  return undefined;
}

const waitWords =
  "Waiting until they can; .env is read again every two seconds. What the service file itself sets needs: npm run nanoclaw -- service restart";

/** Errors that name themselves were written for people; the others are bugs. */
const words = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.name === "Error" || error.name === "TypeError" ? (error.stack ?? error.message) : error.message;
};

async function tell(start: ServiceStart, text: string): Promise<void> {
  tellOnly(start, text);
  await logProblem(start.homePath(), text);
}

const tellOnly = ({ stderr, clock }: ServiceStart, text: string): void =>
  void stderr.write(`${new Date(clock.now()).toISOString()} ${text}\n`);

/** No host has opened the log yet. */
async function logProblem(home: string, text: string): Promise<void> {
  const { logs } = homePaths(home);
  try {
    mkdirSync(logs, { recursive: true, mode: 0o700 });
  } catch {
    return; // the home itself is the problem
  }
  await using files = openLog(logs, "error");
  files.log.error({}, text);
}
