import { NoManagerError, ServiceError } from "./service-error.ts";
import type { ProgramResult, ServiceOptions } from "./service-port.ts";

const NO_SUCH_PROGRAM = 127;

/** As `systemctl show` tells it. */
export interface Unit {
  isKnown: boolean;
  active: string;
  sub: string;
  pid: number | null;
  result: string;
  exitStatus: string;
  isOutdated: boolean;
}

/** One unit of one user. */
export interface Systemctl {
  unit(): Promise<Unit>;
  /** @throws {ServiceError} when systemd refused. */
  order(verb: "enable" | "disable" | "start" | "stop" | "restart" | "reset-failed"): Promise<void>;
  reload(): Promise<void>;
  /** Whether the person's services go on after they logged out; null: not known. */
  isLingering(user: string): Promise<boolean | null>;
}

const PROPERTIES = ["LoadState", "ActiveState", "SubState", "MainPID", "Result", "ExecMainStatus", "NeedDaemonReload"];

export function createSystemctl(run: ServiceOptions["run"], unit: string): Systemctl {
  const systemctl = async (...args: string[]): Promise<string> => {
    const answer = await run("systemctl", ["--user", ...args]);
    if (answer.code === 0) return answer.stdout;
    throw isUnreachable(answer) ? await noManager(run) : refused(args, answer);
  };
  return {
    unit: async () => readUnit(await systemctl("show", unit, `--property=${PROPERTIES.join(",")}`)),
    order: async (verb) => void (await systemctl(verb, unit)),
    reload: async () => void (await systemctl("daemon-reload")),
    isLingering: async (user) => {
      const { code, stdout, stderr } = await run("loginctl", ["show-user", user, "--property=Linger"]);
      if (code === 0) return stdout.trim() === "Linger=yes";
      // Of somebody who is not logged in, logind knows only those who linger.
      return /not logged in or lingering/.test(stderr) ? false : null;
    },
  };
}

function readUnit(shown: string): Unit {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(shown)?.[1] ?? "";
  const pid = Number(value("MainPID"));
  return {
    isKnown: value("LoadState") !== "not-found",
    active: value("ActiveState"),
    sub: value("SubState"),
    pid: pid > 0 ? pid : null,
    result: value("Result"),
    exitStatus: value("ExecMainStatus"),
    isOutdated: value("NeedDaemonReload") === "yes",
  };
}

const isUnreachable = ({ code, stderr }: ProgramResult): boolean =>
  code === NO_SUCH_PROGRAM || /Failed to connect to|has not been booted with systemd|Failed to get D-Bus/.test(stderr);

/** Two different cures: there is no systemd at all, or this login has no part in it. */
async function noManager(run: ServiceOptions["run"]): Promise<NoManagerError> {
  const { code, stdout } = await run("systemctl", ["is-system-running"]);
  if (code === NO_SUCH_PROGRAM || stdout.trim() === "offline" || stdout.trim() === "") {
    return new NoManagerError(
      "This machine is not run by systemd (a container, WSL without it, or another init).",
      "In WSL put systemd=true below [boot] in /etc/wsl.conf and run wsl --shutdown in Windows. Elsewhere let what starts programs there run: bin/nanoclaw start --service",
    );
  }
  return new NoManagerError(
    "The systemd of this user cannot be reached from this login (su, sudo or cron make such).",
    "Log in as that user itself, by ssh or at the screen, and try again; a user without a login needs: sudo loginctl enable-linger <user>",
  );
}

function refused(args: string[], { code, stdout, stderr }: ProgramResult): ServiceError {
  const said = (stderr || stdout).trim() || "it said nothing";
  return new ServiceError(
    `systemctl --user ${args.join(" ")} failed (${code}): ${said}\nsystemd's own words: journalctl --user --unit nanoclaw --lines 20`,
  );
}
