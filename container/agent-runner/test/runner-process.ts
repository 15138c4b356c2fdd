import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";

const program = new URL("../src/main.ts", import.meta.url).pathname;

export interface RunnerProcess {
  child: ChildProcessWithoutNullStreams;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves when stdout holds the text. */
  saw(text: string): Promise<void>;
  /** Exit code or signal, once it is gone and its output is read. */
  ended: Promise<number | string>;
}

/** The runner as the host starts it: a process of its own with an exchange folder. */
export function startRunner(ipcDir: string | undefined): RunnerProcess {
  const env = { PATH: process.env["PATH"], TZ: "America/New_York", ...(ipcDir && { NANOCLAW_IPC_DIR: ipcDir }) };
  const child = spawn(process.execPath, [program], { env });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  child.stdin.on("error", () => undefined);
  const saw = async (text: string): Promise<void> => {
    while (!out.includes(text)) await once(child.stdout, "data");
  };
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return { child, stdout: () => out, stderr: () => err, saw, ended };
}
