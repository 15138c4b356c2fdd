import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { signalGroup } from "../host-process.ts";

export interface Build {
  program: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Where all that it says is kept. */
  logFile: string;
  /** What it is at. */
  onStage(stage: string): void;
  signal: AbortSignal;
}

export type BuildEnd =
  | { kind: "built" }
  | { kind: "failed"; said: string[] }
  | { kind: "not-started"; problem: string }
  | { kind: "interrupted" };

const KEPT_LINES = 15;
const PATIENCE_MS = 5_000;

/** Builds as the person's own command line would, with all that it says in a file. Never rejects. */
export async function buildImage(build: Build): Promise<BuildEnd> {
  const { program, args, env, signal, onStage } = build;
  if (signal.aborted) return { kind: "interrupted" };
  using file = openLog(build.logFile);
  file.write(`$ ${program} ${args.join(" ")}\n`);
  const said: string[] = [];
  const hear = (line: string) => {
    if (line.trim() !== "") said.push(line);
    if (said.length > KEPT_LINES) said.shift();
    const stage = stageOf(line);
    if (stage !== undefined) onStage(stage);
  };
  const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text: string) => {
      file.write(text);
      const lines = (rest + text).split(/[\r\n]+/);
      rest = lines.pop() ?? "";
      lines.forEach(hear);
    });
    stream.once("end", () => hear(rest));
  }
  const end = () => {
    const { pid } = child;
    if (pid === undefined) return;
    signalGroup(pid, "TERM");
    setTimeout(() => signalGroup(pid, "KILL"), PATIENCE_MS).unref();
  };
  signal.addEventListener("abort", end, { once: true });
  const ended = await new Promise<number | Error>((resolve) => {
    child.once("error", resolve);
    child.once("close", (code) => resolve(code ?? 1));
  });
  signal.removeEventListener("abort", end);
  if (signal.aborted) return { kind: "interrupted" };
  if (ended instanceof Error) return { kind: "not-started", problem: ended.message };
  return ended === 0 ? { kind: "built" } : { kind: "failed", said };
}

/** Of the legacy builder, of BuildKit, of podman. */
export function stageOf(line: string): string | undefined {
  // eslint-disable-next-line no-control-regex
  const plain = line.replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, "").trim();
  const [stage] = /^(step \d+\/\d+ ?: .*|#\d+ \[[^\]]*\d+\/\d+\] .*)$/i.exec(plain) ?? [];
  return stage?.replace(/^#\d+ /, "").slice(0, 100);
}

interface LogFile extends Disposable {
  write(text: string): void;
}

/** A full disk takes the log, not the build's end. */
function openLog(path: string): LogFile {
  let file: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    file = openSync(path, "w", 0o600);
  } catch {
    // what it said last is shown all the same
  }
  return {
    write: (text) => {
      try {
        if (file !== undefined) writeSync(file, text);
      } catch {
        // likewise
      }
    },
    [Symbol.dispose]: () => {
      if (file !== undefined) closeSync(file);
    },
  };
}
