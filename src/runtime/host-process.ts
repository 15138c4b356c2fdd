import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { PassThrough, pipeline, type Readable } from "node:stream";
import { LaunchError, type Exit, type Running } from "./runtime.ts";

/** A process of this machine in a group of its own, without what makes it recognisable later. */
export interface HostProcess extends Omit<Running, "handle"> {
  pid: number;
}

/** @throws {LaunchError} */
export async function startProcess(
  [program, ...args]: readonly [string, ...string[]],
  cwd: string,
  env: Record<string, string>,
): Promise<HostProcess> {
  try {
    await mkdir(cwd, { recursive: true });
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["pipe", "pipe", "pipe"] });
    // Listens to `error` at once: without process or without pipes that is all there ever is.
    await once(child, "spawn");
    child.on("error", () => {}); // a failed signal; `exited` is what counts
    // A runner that is gone already turns every write into EPIPE; its exit tells the story.
    child.stdin.on("error", () => {});
    const pid = child.pid as number;
    return {
      pid,
      stdin: child.stdin,
      stdout: held(child.stdout),
      stderr: held(child.stderr),
      exited: exitOf(child, pid),
      signal: (kind) => signalGroup(pid, kind),
    };
  } catch (error) {
    throw launchError(error as NodeJS.ErrnoException);
  }
}

function launchError(error: NodeJS.ErrnoException): LaunchError {
  const isDisk = error.code === "ENOSPC" || error.code === "EDQUOT";
  return new LaunchError(isDisk ? "disk" : "crash", `The runner could not be started: ${error.message}`, {
    cause: error,
  });
}

/**
 * The stream with a reader from the start: Node throws away what a process that ends at once has
 * written, unless somebody reads it by then. Destroying it closes the pipe.
 */
function held(stream: Readable): Readable {
  const kept = new PassThrough();
  pipeline(stream, kept, () => {}); // cut off or at its end: both close it
  return kept;
}

function exitOf(child: ChildProcess, pid: number): Promise<Exit> {
  return new Promise((resolve) => {
    const leave = (code: number | null, signal: string | null) => {
      // What the runner leaves behind ends with it, as in a container; it may also hold the pipes.
      signalGroup(pid, "KILL");
      resolve({ code, signal });
    };
    if (child.exitCode !== null || child.signalCode !== null) leave(child.exitCode, child.signalCode);
    else child.once("exit", leave);
  });
}

/** Reaches the leader and all that did not leave its group. Never throws. */
export function signalGroup(pid: number, kind: "TERM" | "KILL"): void {
  try {
    process.kill(-pid, `SIG${kind}`);
  } catch {
    // the group is gone
  }
}
