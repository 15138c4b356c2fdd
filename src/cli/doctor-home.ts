import { accessSync, chmodSync, constants, existsSync, lstatSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { homePaths, makeHome } from "../home.ts";
import type { Check } from "./check.ts";

/** The home itself: that it can be used, and by nobody else. */
export const checkHome = (config: Config): Check[] => [
  checkAccess(config),
  checkDisk(config),
  ...checkEnvFile(config),
  checkFolders(config),
  checkLogs(config),
];

function checkAccess({ home }: Config): Check {
  try {
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
    return { name: "home", state: "ok", detail: home };
  } catch (error) {
    const detail = `${home} cannot be written: ${(error as Error).message}`;
    const cure = `${takeOver(home)}, or set NANOCLAW_HOME to a folder of yours`;
    return { name: "home", state: "wrong", detail, cure };
  }
}

const takeOver = (path: string): string => `sudo chown -R "$USER" '${path}'`;

function checkDisk({ home, settings }: Config): Check {
  const { bavail, bsize } = statfsSync(home);
  const free = bavail * bsize;
  const detail = `${gib(free)} GiB free, ${gib(settings.NANOCLAW_FREE_DISK)} needed`;
  if (free >= settings.NANOCLAW_FREE_DISK) return { name: "disk", state: "ok", detail };
  const cure = "make room on that disk (du -xh -d 2 . | sort -h shows what takes it)";
  return { name: "disk", state: "wrong", detail, cure };
}

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);

/** Nobody else comes below a folder that is shut. */
const isOpen = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.mode ?? 0) % 0o100 !== 0;

const isOurs = (path: string): boolean =>
  (lstatSync(path, { throwIfNoEntry: false })?.uid ?? process.getuid?.()) === process.getuid?.();

/** It may hold a key that costs money. */
function checkEnvFile({ home }: Config): Check[] {
  const [name, path] = ["env file", join(home, ".env")];
  if (!existsSync(path)) return [];
  if (!isOpen(home) || !isOpen(path)) return [{ name, state: "ok", detail: `${path}, for this user alone` }];
  const detail = `other users can read ${path}; it may hold KIRO_API_KEY`;
  if (!isOurs(path)) return [{ name, state: "wrong", detail, cure: `${takeOver(path)}; chmod 600 '${path}'` }];
  return [{ name, state: "wrong", detail, cure: `chmod 600 '${path}'`, fix: shut([path], 0o600) }];
}

const shut = (paths: readonly string[], mode: number) => ({
  what: `make ${paths.join(", ")} private (mode ${mode.toString(8)})`,
  run: () => {
    for (const path of paths) chmodSync(path, mode);
    return Promise.resolve("done");
  },
});

/** Folders of the host's own. What lies in `groups/` somebody may want to share. */
function checkFolders({ home }: Config): Check {
  const name = "folders";
  const paths = homePaths(home);
  const needed = [paths.store, paths.ipc, paths.ipcErrors, paths.logs, join(home, "groups", "global")];
  const missing = needed.filter((path) => !existsSync(path));
  if (missing.length > 0) {
    const make = () => {
      makeHome(paths);
      return Promise.resolve("made");
    };
    const fix = { what: `make ${missing.join(", ")}`, run: make };
    return { name, state: "wrong", detail: `missing: ${missing.join(", ")}`, cure: `mkdir -p '${missing[0]}'`, fix };
  }
  const own = [paths.store, join(home, "data"), paths.ipc, paths.logs];
  const open = isOpen(home) ? own.filter(isOpen) : [];
  if (open.length === 0) return { name, state: "ok", detail: "for this user alone" };
  const detail = `other users can look into ${open.join(", ")}`;
  const mine = open.filter(isOurs);
  if (mine.length === 0) return { name, state: "wrong", detail, cure: takeOver(home) };
  return { name, state: "wrong", detail, cure: `chmod 700 '${open.join("' '")}'`, fix: shut(mine, 0o700) };
}

function checkLogs({ home }: Config): Check {
  const { logs } = homePaths(home);
  const files = ["nanoclaw.log", "nanoclaw.error.log"]
    .map((name) => join(logs, name))
    .filter((path) => existsSync(path));
  try {
    for (const path of [logs, ...files]) accessSync(path, constants.W_OK);
    return { name: "logs", state: "ok", detail: logs };
  } catch (error) {
    return { name: "logs", state: "wrong", detail: (error as Error).message, cure: takeOver(logs) };
  }
}
