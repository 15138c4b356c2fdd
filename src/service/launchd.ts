import { rmSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { createLaunchctl, type Job, type Launchctl } from "./launchctl.ts";
import { isSamePlist, LABEL, launchdFile, readLaunchdFile } from "./launchd-file.ts";
import { NoManagerError, ServiceError } from "./service-error.ts";
import * as files from "./service-file.ts";
import { fromFile, personOf, planService, type FoundFile } from "./service-plan.ts";
import type { Service, ServiceOptions, ServiceStatus } from "./service-port.ts";
import { commands, describe, type State } from "./service-words.ts";

/** Beyond what the file gives it, for launchd itself. */
const LAUNCHD_SECONDS = 10;

/** A LaunchAgent: it runs while the person is logged in at the Mac. */
export function createLaunchdService(options: ServiceOptions): Service {
  const path = join(personOf(options), "Library", "LaunchAgents", `${LABEL}.plist`);
  const uid = options.uid ?? userInfo().uid;
  const launchctl = createLaunchctl(options.run, LABEL, uid);
  const found = (): FoundFile | undefined => {
    const content = files.readIfThere(path);
    return content && readLaunchdFile(content);
  };
  const unload = () => launchctl.unload(planService(options, found()).stopSeconds + LAUNCHD_SECONDS);
  const load = async () => {
    if (!found()) throw new ServiceError(`There is no service yet. ${commands.install}`);
    await launchctl.load(path);
    return `Started${await pidWords(launchctl)}, now and at every login.`;
  };
  return {
    get file() {
      return { path, text: launchdFile(planService(options, found())) };
    },
    install: async () => {
      if (uid === 0) throw new ServiceError("The service is yours, not root's: run this without sudo.");
      const old = found();
      files.refuseOtherHome(old, path, options);
      const plan = planService(options, old);
      await launchctl.job(); // nothing is written where nobody would read it
      files.makeLogFiles(plan);
      const written = files.replaceFile(path, launchdFile(plan), isSamePlist);
      const notes = [...files.installNotes(old, plan), ...guardedWords(options)];
      return [...written, ...notes, ...((await unload()) ? ["Stopped what ran before."] : []), await load()];
    },
    uninstall: async () => {
      files.refuseOtherHome(found(), path, options);
      const isStopped = await unload().catch(evenWithout(false));
      if (!isStopped && !found()) return ["There is no service."];
      rmSync(path, { force: true });
      return [...(isStopped ? ["Stopped."] : []), `Removed ${path}. State and logs stay in ${options.home}.`];
    },
    start: async () => {
      files.refuseOtherHome(found(), path, options);
      const job = await launchctl.job();
      if (!job) return [await load()];
      if (job.pid !== null) return [`It runs already (process ${job.pid}).`];
      await launchctl.kickstart();
      return [`Started${await pidWords(launchctl)}.`];
    },
    stop: async () => {
      files.refuseOtherHome(found(), path, options);
      if (!(await unload())) return ["It was not running."];
      return [`Stopped, until the next login or: ${commands.start}`];
    },
    restart: async () => {
      files.refuseOtherHome(found(), path, options);
      if (!found()) return [await load()];
      // Not kickstart -k: launchd would go on with the file as it read it at the load.
      await unload();
      return [await load()];
    },
    status: async () => statusOf(path, options, launchctl),
  };
}

/** A service that has no window is refused silently where macOS would ask a program that has one. */
function guardedWords(options: ServiceOptions): string[] {
  const person = personOf(options);
  const guarded = ["Documents", "Desktop", "Downloads", "Library/Mobile Documents"].map((name) => join(person, name));
  const found = [...new Set([options.root, options.home])].find((path) =>
    guarded.some((folder) => path.startsWith(`${folder}/`)),
  );
  if (found === undefined) return [];
  return [
    `macOS guards ${found}: allow node to go there when it asks, or, when nothing answers, move the folder elsewhere and install again.`,
  ];
}

async function statusOf(path: string, options: ServiceOptions, launchctl: Launchctl): Promise<ServiceStatus> {
  const content = files.readIfThere(path);
  const found = content && readLaunchdFile(content);
  const now = found && launchdFile(planService(fromFile(options, found), found));
  const isStale = content !== undefined && now !== undefined && !isSamePlist(now, content);
  try {
    return describe({ path, found, isStale, state: stateOf(await launchctl.job()) });
  } catch (error) {
    if (!(error instanceof NoManagerError)) throw error;
    return describe({ path, found, isStale, state: { kind: "no-manager", detail: error.detail, cure: error.cure } });
  }
}

function stateOf(job: Job | undefined): State {
  if (!job) return { kind: "stopped", detail: "does not run; it starts at the next login", cure: commands.start };
  if (job.pid !== null) return { kind: "running", pid: job.pid, detail: "" };
  return {
    kind: "stopped",
    detail: `ended, and launchd starts it again (last exit code: ${job.lastExit})`,
    cure: commands.status,
  };
}

async function pidWords(launchctl: Launchctl): Promise<string> {
  const pid = (await launchctl.job())?.pid;
  return pid ? ` (process ${pid})` : "";
}

const evenWithout =
  <T>(value: T) =>
  (error: unknown): T => {
    if (error instanceof NoManagerError) return value;
    throw error;
  };
