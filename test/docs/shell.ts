import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { until } from "../system/until.ts";

export interface Said {
  exit: number;
  /** Both streams, as a terminal shows them. */
  output: string;
}

/** A shell as a person has it open: its folder and its variables go from one command to the next. */
export interface Shell extends AsyncDisposable {
  run(command: string): Promise<Said>;
  /** What was said so far by the command that runs. */
  soFar(): string;
  /** Starts what is meant to stay; resolves when it has said this, rejects when it ends before. */
  start(command: string, banner: RegExp): Promise<string>;
  /** Ends what was started so, the newest first; to what ended badly. */
  endStarted(): Promise<string[]>;
}

interface Started {
  command: string;
  child: ChildProcess;
  output: string;
}

export function openShell(cwd: string, env: Record<string, string>): Shell {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-shell-"));
  const options = { cwd, env, detached: true } as const;
  // Commands get no standard input: it is where the shell reads what to do.
  const shell = spawn("bash", ["--noprofile", "--norc"], { ...options, stdio: ["pipe", "ignore", "ignore", "pipe"] });
  const ends = createInterface({ input: shell.stdio[3] as Readable });
  const started: Started[] = [];
  let [count, at] = [0, cwd];
  const file = (kind: string) => join(folder, `${count}.${kind}`);
  const soFar = () => {
    try {
      return readFileSync(file("out"), "utf8");
    } catch {
      return ""; // it has not begun
    }
  };
  const endStarted = async () => {
    const bad: string[] = [];
    for (const one of started.splice(0).reverse()) bad.push(...(await end(one)));
    return bad;
  };
  return {
    soFar,
    endStarted,
    run: async (command) => {
      count += 1;
      writeFileSync(file("sh"), `${command}\n`);
      const over = once(ends, "line");
      shell.stdin?.write(`. ${file("sh")} </dev/null >${file("out")} 2>&1 3>&-; echo "$? $PWD" >&3\n`);
      const [line] = (await over) as [string];
      at = line.slice(line.indexOf(" ") + 1);
      return { exit: Number.parseInt(line), output: soFar() };
    },
    start: async (command, banner) => {
      const child = spawn("bash", ["-c", command], { ...options, cwd: at, stdio: ["ignore", "pipe", "pipe"] });
      const one: Started = { command, child, output: "" };
      started.push(one);
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => (one.output += text));
      }
      await until(() => banner.test(one.output) || child.exitCode !== null);
      if (!banner.test(one.output)) throw new Error(`"${command}" ended: ${one.output}`);
      return one.output;
    },
    [Symbol.asyncDispose]: async () => {
      await endStarted();
      if (shell.exitCode === null) {
        const closed = once(shell, "close");
        signal(shell, "SIGKILL");
        await closed;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As a terminal that is closed, or a service manager, ends it: the whole group, politely. */
async function end({ command, child, output }: Started): Promise<string[]> {
  if (child.exitCode !== null) return [`"${command}" had ended by itself with ${child.exitCode}: ${output}`];
  const closed = once(child, "close");
  signal(child, "SIGTERM");
  const [code, by] = (await closed) as [number | null, string | null];
  return code === 0 || by === "SIGTERM" || code === 143 ? [] : [`"${command}" ended with ${code ?? by}`];
}

function signal({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, name);
  } catch {
    // it is gone
  }
}
