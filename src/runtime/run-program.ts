import { spawn, type ChildProcess } from "node:child_process";
import type { Clock } from "../domain/clock.ts";
import { signalGroup } from "./host-process.ts";

export interface ProgramCommand {
  program: string;
  args: readonly string[];
  env: Record<string, string>;
  limitMs: number;
}

export type ProgramEnd =
  | { kind: "ended"; code: number | null; stdout: string; stderr: string }
  | { kind: "not-started"; problem: string }
  | { kind: "late" };

const KEPT_CHARACTERS = 256 * 1024;

/** Between a program's end and the end of what it says, for what left its group and holds the pipes. */
const PIPES_MS = 1_000;

/**
 * Runs a short program of this machine, without a shell and with nothing to read. When its time is
 * over it is ended with everything it started. Never rejects.
 */
export async function runProgram(clock: Clock, { program, args, env, limitMs }: ProgramCommand): Promise<ProgramEnd> {
  const over = new AbortController();
  const late = clock.sleep(limitMs, over.signal).then((): ProgramEnd => ({ kind: "late" }));
  let child: ChildProcess | undefined;
  try {
    child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    return await Promise.race([endOf(child, clock, over.signal), late]);
  } catch (error) {
    return { kind: "not-started", problem: (error as Error).message };
  } finally {
    over.abort();
    if (child?.pid !== undefined) signalGroup(child.pid, "KILL");
    child?.stdout?.destroy();
    child?.stderr?.destroy();
  }
}

function endOf(child: ChildProcess, clock: Clock, over: AbortSignal): Promise<ProgramEnd> {
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      if (output[name].length < KEPT_CHARACTERS) output[name] += text;
    });
  }
  return new Promise((resolve) => {
    child.on("error", (error) => resolve({ kind: "not-started", problem: error.message }));
    child.once("close", (code) => resolve({ kind: "ended", code, ...output }));
    child.once("exit", (code) => {
      if (child.pid !== undefined) signalGroup(child.pid, "KILL");
      void clock.sleep(PIPES_MS, over).then(() => resolve({ kind: "ended", code, ...output }));
    });
  });
}
