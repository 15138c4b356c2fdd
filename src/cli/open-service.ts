import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { systemClock } from "../clock.ts";
import { runProgram } from "../runtime/run-program.ts";
import { createService, type Platform, type ProgramResult, type Service } from "../service/service.ts";
import { stableNode } from "../service/stable-node.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

/** A stop waits for running turns, as long as the settings say. */
const LIMIT_MS = 30 * 60_000;

/** The service of this person, for this home and this program. */
export function openService(terminal: Terminal, platform: Platform = platformHere()): Service {
  return createService({
    platform,
    home: terminal.homePath(),
    root: terminal.root,
    node: stableNode(process.execPath, existsSync),
    env: terminal.env,
    run: runner(terminal),
  });
}

/** @throws {CommandError} on a system that we know no manager of. */
export function platformHere(): Platform {
  if (process.platform === "darwin") return "macos";
  if (process.platform === "linux") return "linux";
  throw new CommandError(
    `The service is for macOS and Linux; this is ${process.platform}. What it does anywhere: npm start`,
  );
}

/** launchctl, systemctl and loginctl. */
function runner({ env, interrupted }: Terminal) {
  return async (program: string, args: readonly string[]): Promise<ProgramResult> => {
    const command = { program, args, env: { ...given(env), ...userManager(env), LC_ALL: "C" }, limitMs: LIMIT_MS };
    const end = await Promise.race([runProgram(systemClock, command), abortion(interrupted)]);
    if (end === undefined)
      throw new CommandError(`Interrupted. "${program} ${args.join(" ")}" may have gone through; see: service status`);
    if (end.kind === "late") return { code: 124, stdout: "", stderr: `${program} took longer than half an hour` };
    if (end.kind === "not-started") return { code: 127, stdout: "", stderr: end.problem };
    return { code: end.code ?? 1, stdout: end.stdout, stderr: end.stderr };
  };
}

const given = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

/** A shell made by su or cron does not say where the user manager listens; it is always there. */
function userManager(env: NodeJS.ProcessEnv): Record<string, string> {
  const folder = `/run/user/${userInfo().uid}`;
  return env["XDG_RUNTIME_DIR"] || !existsSync(folder) ? {} : { XDG_RUNTIME_DIR: folder };
}

const abortion = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
