import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

export interface ChildOptions {
  program: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  /** Everything it ever gets on stdin. */
  input: string;
  /**
   * In a group of its own, which is killed when it is gone. Not on the host runtime: there the
   * host clears the runner's group, and what left that group would outlive the turn.
   */
  ownGroup: boolean;
  onStdout(bytes: Buffer): void;
  onStderr(bytes: Buffer): void;
  /** Ends it: TERM, and KILL after the grace. */
  signal: AbortSignal;
  graceMs: number;
}

export type ChildEnd =
  | { kind: "exited"; code: number | null; signal: NodeJS.Signals | null }
  /** It is not there, or no program for this machine. */
  | { kind: "not-started"; error: string };

/** How long output may take that was written before the end; helpers may hold the pipes open for ever. */
const DRAIN_MS = 2_000;
const DRAIN_STEP_MS = 50;

/**
 * Runs a program to its own end, not to the end of its pipes: what it leaves behind may keep these
 * open. Never rejects. After it has resolved, nothing of that run calls back any more.
 */
export async function runChild(options: ChildOptions): Promise<ChildEnd> {
  const { program, args, cwd, env, input, ownGroup, signal } = options;
  try {
    const child = spawn(program, args, { cwd, env, detached: ownGroup, stdio: ["pipe", "pipe", "pipe"] });
    // Without process or without pipes `error` is all there ever is, and it comes to this listener.
    await once(child, "spawn");
    child.on("error", () => {}); // a signal that failed; the exit is what counts
    // A program that leaves before it has read everything turns the write into EPIPE.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const streams = readStreams(child, options);
    const exit = await exitOf(child, signal, options);
    if (ownGroup) signalChild(child, true, "SIGKILL");
    await streams.drained();
    return exit;
  } catch (error) {
    return { kind: "not-started", error: error instanceof Error ? error.message : String(error) };
  }
}

async function exitOf(
  child: ChildProcessWithoutNullStreams,
  signal: AbortSignal,
  { ownGroup, graceMs }: ChildOptions,
): Promise<ChildEnd> {
  const gone = new Promise<ChildEnd>((resolve) => {
    const leave = (): void => resolve({ kind: "exited", code: child.exitCode, signal: child.signalCode });
    if (child.exitCode !== null || child.signalCode !== null) leave();
    else child.once("exit", leave);
  });
  let killing: NodeJS.Timeout | undefined;
  const end = (): void => {
    signalChild(child, ownGroup, "SIGTERM");
    killing = setTimeout(() => signalChild(child, ownGroup, "SIGKILL"), graceMs);
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  try {
    return await gone;
  } finally {
    clearTimeout(killing);
    signal.removeEventListener("abort", end);
  }
}

function signalChild(child: ChildProcessWithoutNullStreams, group: boolean, signal: NodeJS.Signals): void {
  if (!group) return void child.kill(signal);
  try {
    process.kill(-(child.pid as number), signal);
  } catch {
    // nobody is left in the group
  }
}

function readStreams(child: ChildProcessWithoutNullStreams, { onStdout, onStderr }: ChildOptions) {
  let chunks = 0;
  const read = (stream: NodeJS.ReadableStream, take: (bytes: Buffer) => void): Promise<unknown> => {
    stream.on("data", (bytes: Buffer) => {
      chunks += 1;
      take(bytes);
    });
    stream.on("error", () => {}); // what was read before it counts
    return new Promise((resolve) => stream.once("close", resolve));
  };
  const closed = Promise.all([read(child.stdout, onStdout), read(child.stderr, onStderr)]);
  return {
    /** Resolves when everything is read, or nothing came for a while. */
    async drained(): Promise<void> {
      let isClosed = false;
      void closed.then(() => (isClosed = true));
      for (let waited = 0; !isClosed && waited < DRAIN_MS; waited += DRAIN_STEP_MS) {
        const before = chunks;
        await Promise.race([closed, sleep(DRAIN_STEP_MS)]);
        await sleep(0); // a process that was held up reads first what came in meanwhile
        if (waited >= 2 * DRAIN_STEP_MS && chunks === before) break;
      }
      child.stdout.removeAllListeners("data").destroy();
      child.stderr.removeAllListeners("data").destroy();
    },
  };
}
