import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compileCache } from "./compile-cache.ts";
import { until } from "./until.ts";

const PROGRAM = fileURLToPath(new URL("../../bin/nanoclaw", import.meta.url));

export interface CommandOptions {
  env?: Record<string, string>;
  /** The whole standard input; none by default. */
  input?: string | Buffer;
  /** Run as another user; needs root. */
  uid?: number;
  /** In a process group of its own, as a terminal gives a command. */
  ownGroup?: true;
}

/** A command as a person runs it, without a terminal. */
export interface Command extends AsyncDisposable {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves to the exit code, or to the signal that ended it, when all output is there. */
  ended: Promise<number | string>;
  /** Resolves when the text was written to either output; rejects when the command ends without it. */
  says(text: string | RegExp): Promise<void>;
}

export function nanoclaw(
  home: string,
  args: string[],
  { env = {}, input, uid, ownGroup }: CommandOptions = {},
): Command {
  const { PATH = "", HOME = "" } = process.env;
  // Some of these homes are on tiny disks.
  const own = { PATH, HOME, TZ: "UTC", NODE_COMPILE_CACHE: compileCache, NANOCLAW_HOME: home, NANOCLAW_FREE_DISK: "1" };
  const child = spawn(PROGRAM, args, {
    env: { ...own, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: ownGroup === true,
    ...(uid === undefined ? {} : { uid, gid: uid, cwd: "/" }),
  });
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (out[name] += text));
  }
  child.stdin.on("error", () => {}); // it did not read all of it
  child.stdin.end(input);
  let isOver = false;
  const ended = new Promise<number | string>((resolve) =>
    child.once("close", (code, signal) => {
      isOver = true;
      resolve(code ?? signal ?? "unknown");
    }),
  );
  const has = (text: string | RegExp) =>
    [out.stdout, out.stderr].some((said) => (typeof text === "string" ? said.includes(text) : text.test(said)));
  return {
    child,
    ended,
    stdout: () => out.stdout,
    stderr: () => out.stderr,
    says: async (text) => {
      await until(() => isOver || has(text));
      if (!has(text)) throw new Error(`It ended without saying ${String(text)}:\n${out.stdout}${out.stderr}`);
    },
    [Symbol.asyncDispose]: async () => {
      if (!isOver) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Runs a command to its end. */
export async function run(home: string, args: string[], options?: CommandOptions) {
  const command = nanoclaw(home, args, options);
  const exit = await command.ended;
  return { exit, stdout: command.stdout(), stderr: command.stderr() };
}
