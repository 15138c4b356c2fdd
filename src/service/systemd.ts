import { rmSync } from "node:fs";
import { userInfo } from "node:os";
import { isAbsolute, join } from "node:path";
import { NoManagerError, ServiceError } from "./service-error.ts";
import * as files from "./service-file.ts";
import { fromFile, personOf, planService, type FoundFile } from "./service-plan.ts";
import type { Service, ServiceOptions, ServiceStatus } from "./service-port.ts";
import { commands, describe, type State } from "./service-words.ts";
import { createSystemctl, type Systemctl, type Unit } from "./systemctl.ts";
import { isSameUnit, readSystemdFile, systemdFile, UNIT } from "./systemd-file.ts";

/** A user unit: it runs while the person is logged in, or always when they linger. */
export function createSystemdService(options: ServiceOptions): Service {
  const folder = folderOf(options);
  const path = join(folder, UNIT);
  const systemctl = createSystemctl(options.run, UNIT);
  const found = (): FoundFile | undefined => {
    const content = files.readIfThere(path);
    return content && readSystemdFile(content);
  };
  const needUnit = async () => {
    const there = found();
    if (!there) throw new ServiceError(`There is no service yet. ${commands.install}`);
    files.refuseOtherHome(there, path, options);
    await systemctl.reload(); // what a person changed counts
  };
  const started = async () => `Started${await pidWords(systemctl)}.`;
  return {
    get file() {
      return { path, text: systemdFile(planService(options, found())) };
    },
    install: async () => {
      const old = found();
      files.refuseOtherHome(old, path, options);
      const plan = planService(options, old);
      await systemctl.unit(); // nothing is written where nobody would read it
      files.makeLogFiles(plan);
      const written = files.replaceFile(path, systemdFile(plan), isSameUnit);
      await systemctl.reload();
      if (!(await systemctl.unit()).isKnown) throw elsewhere(folder);
      await systemctl.order("enable");
      await systemctl.order("restart");
      const notes = [...files.installNotes(old, plan), ...rootWords(options)];
      return [...written, ...notes, await started(), await lingerWords(systemctl)];
    },
    uninstall: async () => {
      files.refuseOtherHome(found(), path, options);
      if (!found()) return ["There is no service."];
      const isStopped = await disable(systemctl);
      rmSync(path, { force: true });
      // Without systemd nobody else takes the link of `enable` away.
      rmSync(join(folder, "default.target.wants", UNIT), { force: true });
      if (isStopped) await systemctl.reload();
      return [...(isStopped ? ["Stopped."] : []), `Removed ${path}. State and logs stay in ${options.home}.`];
    },
    start: async () => {
      await needUnit();
      const { active, pid } = await systemctl.unit();
      if (active === "active") return [`It runs already (process ${pid}).`];
      await systemctl.order("start");
      return [await started()];
    },
    stop: async () => {
      files.refuseOtherHome(found(), path, options);
      const { active } = await systemctl.unit();
      if (["inactive", "failed"].includes(active)) return ["It was not running."];
      await systemctl.order("stop");
      return [`Stopped, until this machine starts anew or: ${commands.start}`];
    },
    restart: async () => {
      await needUnit();
      await systemctl.order("restart");
      return [await started()];
    },
    status: () => statusOf(path, options, systemctl),
  };
}

/** Where the user's systemd looks; a relative XDG_CONFIG_HOME does not count, as the standard says. */
function folderOf(options: ServiceOptions): string {
  const config = options.env["XDG_CONFIG_HOME"] ?? "";
  return join(isAbsolute(config) ? config : join(personOf(options), ".config"), "systemd", "user");
}

const elsewhere = (folder: string): ServiceError =>
  new ServiceError(
    `This user's systemd does not look for units in ${folder}: HOME or XDG_CONFIG_HOME is another one for it. ` +
      "Run this with the HOME and XDG_CONFIG_HOME that you have right after a login.",
  );

async function disable(systemctl: Systemctl): Promise<boolean> {
  try {
    await systemctl.reload();
    await systemctl.order("stop");
    await systemctl.order("disable");
    return true;
  } catch (error) {
    if (error instanceof NoManagerError) return false;
    throw error;
  }
}

async function statusOf(path: string, options: ServiceOptions, systemctl: Systemctl): Promise<ServiceStatus> {
  const content = files.readIfThere(path);
  const found = content && readSystemdFile(content);
  const now = found && systemdFile(planService(fromFile(options, found), found));
  const isStale = content !== undefined && now !== undefined && !isSameUnit(now, content);
  try {
    const unit = await systemctl.unit();
    return describe({ path, found, isStale, state: stateOf(unit, await systemctl.isLingering(userInfo().username)) });
  } catch (error) {
    if (!(error instanceof NoManagerError)) throw error;
    return describe({ path, found, isStale, state: { kind: "no-manager", detail: error.detail, cure: error.cure } });
  }
}

const linger = () => `loginctl enable-linger ${userInfo().username}`;

function stateOf({ active, sub, pid, result, exitStatus, isOutdated }: Unit, isLingering: boolean | null): State {
  if (pid !== null) {
    const ends = isLingering === false ? "it ends when you log out" : "";
    const changed = isOutdated ? "its file was changed since it was started" : "";
    const cure = changed ? { cure: commands.restart } : ends ? { cure: linger() } : {};
    return { kind: "running", pid, detail: [ends, changed].filter(Boolean).join("; "), ...cure };
  }
  if (active === "inactive") return { kind: "stopped", detail: "does not run", cure: commands.start };
  const why = `${active}, ${sub}: ${result}, exit status ${exitStatus}`;
  return { kind: "stopped", detail: `does not run (${why})`, cure: commands.restart };
}

const rootWords = ({ uid = userInfo().uid }: ServiceOptions): string[] =>
  uid === 0 ? ["It runs as root, and so does what agents do without containers: a user of its own is safer."] : [];

async function lingerWords(systemctl: Systemctl): Promise<string> {
  const isLingering = await systemctl.isLingering(userInfo().username);
  if (isLingering) return "It starts with this machine and goes on when you log out.";
  const unless = isLingering === null ? "Whether that is so here could not be found out; it is after" : "For that:";
  return `A user's services end when the user logs out, and start at the next login, unless they linger. ${unless} ${linger()}`;
}

async function pidWords(systemctl: Systemctl): Promise<string> {
  const { pid } = await systemctl.unit();
  return pid ? ` (process ${pid})` : "";
}
