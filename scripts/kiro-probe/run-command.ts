import { execFile, spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

export interface Command {
  program: string;
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  input: string;
  limitMs: number;
  /** Ends it as soon as this was seen on stdout. */
  endAt?: { seen: RegExp; by: NodeJS.Signals };
  signal: AbortSignal;
}

export interface Outcome {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** Why it was ended, if it did not end by itself. */
  ended: "limit" | "on purpose" | "interrupted" | undefined;
  stdout: string;
  stderr: string;
  /** There was more than is kept. */
  cut: boolean;
  ms: number;
  /** A while after its exit. */
  pipes: "closed" | "open";
  /** What of its process group still ran then. */
  leftBehind: string[];
}

const MOST_CHARACTERS = 256 * 1024;
const GRACE_MS = 5_000;
const CLOSE_MS = 2_000;
const LINGER_MS = 500;

/** Runs a program in a process group of its own, and ends the whole group when it is gone. Never rejects. */
export async function runCommand({ program, args, cwd, env, ...how }: Command): Promise<Outcome> {
  const since = performance.now();
  const child = spawn(program, args, { cwd, env, detached: true });
  const read = readStreams(child, how.endAt?.seen);
  child.stdin.on("error", () => {}); // it may leave before it has read everything
  child.stdin.end(how.input);
  const over = new AbortController();
  const gone = new Promise<Error | undefined>((resolve) =>
    child.once("exit", () => resolve(undefined)).once("error", resolve),
  );
  const closed = new Promise<"closed">((resolve) => child.once("close", () => resolve("closed")));
  const ended = endInTime(child, how, read.seen, over.signal);
  const error = await gone;
  over.abort();
  const ms = Math.round(performance.now() - since);
  const pipes = error ? "closed" : await Promise.race([closed, sleep(CLOSE_MS, "open" as const)]);
  if (signalGroup(child, 0)) await sleep(LINGER_MS);
  const leftBehind = signalGroup(child, 0) ? await groupOf(child) : [];
  signalGroup(child, "SIGKILL");
  child.stdout.destroy();
  child.stderr.destroy();
  const { signalCode: signal } = child;
  const code = error ? null : child.exitCode;
  const stderr = error ? `could not be started: ${error.message}` : read.stderr;
  return { code, signal, ended: ended(), stdout: read.stdout, stderr, cut: read.cut, ms, pipes, leftBehind };
}

function readStreams(child: ChildProcessWithoutNullStreams, wanted: RegExp | undefined) {
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const read = { stdout: "", stderr: "", cut: false, seen };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      const whole = read[name] + text;
      read[name] = whole.slice(0, MOST_CHARACTERS);
      read.cut ||= whole.length > MOST_CHARACTERS;
      if (name === "stdout" && wanted?.test(whole)) resolve();
    });
  }
  return read;
}

type How = Pick<Command, "limitMs" | "endAt" | "signal">;

/** Ends it at its limit, when it said what was waited for, or with us; tells which it was. */
function endInTime(child: ChildProcessWithoutNullStreams, how: How, seen: Promise<void>, over: AbortSignal) {
  let why: Outcome["ended"];
  const end = (reason: Outcome["ended"], signal: NodeJS.Signals) => {
    if (why !== undefined || over.aborted) return;
    why = reason;
    signalGroup(child, signal);
  };
  const after = (ms: number, act: () => void) => void sleep(ms, undefined, { signal: over }).then(act, () => {});
  after(how.limitMs, () => end("limit", "SIGKILL"));
  const interrupt = () => end("interrupted", "SIGKILL");
  if (how.signal.aborted) interrupt();
  how.signal.addEventListener("abort", interrupt, { signal: over });
  void seen.then(() => {
    end("on purpose", how.endAt?.by ?? "SIGKILL");
    after(GRACE_MS, () => signalGroup(child, "SIGKILL"));
  });
  return () => why;
}

function signalGroup({ pid }: ChildProcessWithoutNullStreams, signal: NodeJS.Signals | 0): boolean {
  try {
    return pid !== undefined && process.kill(-pid, signal);
  } catch {
    return false; // nobody is left in it
  }
}

/** Without those that are dead and only wait for their parent to notice. */
async function groupOf({ pid }: ChildProcessWithoutNullStreams): Promise<string[]> {
  const ps = await promisify(execFile)("ps", ["-A", "-o", "pgid=,stat=,args="]).catch(() => undefined);
  if (ps === undefined) return ["(there is no ps to name them)"];
  return ps.stdout.split("\n").flatMap((line) => {
    const [, pgid, stat = "", args = ""] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return Number(pgid) === pid && !stat.startsWith("Z") ? [args] : [];
  });
}
