import { setTimeout as delay } from "node:timers/promises";
import { NoManagerError, ServiceError } from "./service-error.ts";
import type { ProgramResult, ServiceOptions } from "./service-port.ts";

/** What `launchctl` ends with, other than 0. */
const INPUT_OUTPUT_ERROR = 5;
const NO_SUCH_SERVICE = 113;
const NO_SUCH_PROGRAM = 127;

const POLL_MS = 250;
const LAST_TRY = 8;

export interface Job {
  pid: number | null;
  /** Of the last run, in launchd's words. */
  lastExit: string;
}

/** One job of one user. */
export interface Launchctl {
  /** Undefined: launchd does not know it. */
  job(): Promise<Job | undefined>;
  load(path: string): Promise<void>;
  /** Whether there was one; resolves when launchd has let go of it. */
  unload(seconds: number): Promise<boolean>;
  kickstart(): Promise<void>;
}

/**
 * `bootstrap` and `bootout`, because `load` and `unload` end with 0 whatever happened. Both pairs
 * work on the same job.
 */
export function createLaunchctl(run: ServiceOptions["run"], label: string, uid: number): Launchctl {
  const domain = `gui/${uid}`;
  const target = `${domain}/${label}`;
  const job = async (): Promise<Job | undefined> => {
    const answer = await run("launchctl", ["print", target]);
    if (answer.code === NO_SUCH_SERVICE) return undefined;
    if (answer.code !== 0) throw noManager(answer);
    return readJob(answer.stdout);
  };
  return {
    job,
    load: async (path) => {
      // A job that somebody disabled (`unload -w`) is refused for ever.
      await run("launchctl", ["enable", target]);
      for (let attempt = 1; ; attempt += 1) {
        const answer = await run("launchctl", ["bootstrap", domain, path]);
        if (answer.code === 0) return;
        // It says so for a moment after a bootout, and when somebody else has just loaded it.
        if (answer.code === INPUT_OUTPUT_ERROR && attempt === LAST_TRY && (await job())) return;
        if (answer.code !== INPUT_OUTPUT_ERROR || attempt === LAST_TRY) throw failed("bootstrap", answer);
        await delay(POLL_MS);
      }
    },
    unload: async (seconds) => {
      if (!(await job())) return false;
      const answer = await run("launchctl", ["bootout", target]);
      // It may end before the job does, with 36: in progress.
      for (let waited = 0; await job(); waited += POLL_MS) {
        if (waited > seconds * 1_000) throw failed("bootout", answer);
        await delay(POLL_MS);
      }
      return true;
    },
    kickstart: async () => {
      const answer = await run("launchctl", ["kickstart", target]);
      if (answer.code !== 0) throw failed("kickstart", answer);
    },
  };
}

/** `launchctl print` is for people; these lines have been there, with one tab, since it is. */
function readJob(printed: string): Job {
  const line = (name: string) => new RegExp(`^\\t${name} = (.*)$`, "m").exec(printed)?.[1];
  const pid = Number(line("pid"));
  return { pid: Number.isInteger(pid) && pid > 0 ? pid : null, lastExit: line("last exit code") ?? "not known" };
}

function noManager({ code, stdout, stderr }: ProgramResult): NoManagerError {
  if (code === NO_SUCH_PROGRAM) {
    return new NoManagerError("There is no launchctl here: this is no macOS.", "On Linux: --platform linux");
  }
  const said = (stderr || stdout).trim();
  return new NoManagerError(
    `launchd has no session for this user (launchctl print ended with ${code}${said ? `: ${said}` : ""}).`,
    "Log in at the Mac's screen, or by Screen Sharing, and try again: over ssh alone there is none.",
  );
}

function failed(what: string, { code, stdout, stderr }: ProgramResult): ServiceError {
  const said = (stderr || stdout).trim() || "it said nothing";
  return new ServiceError(
    `launchctl ${what} failed (${code}): ${said}. Look at logs/service.err.log, then: npm run nanoclaw -- service status`,
  );
}
