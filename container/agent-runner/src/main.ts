import { readyLine } from "./protocol/ready-line.ts";
import { readLine, type LineOutcome } from "./read-line.ts";
import type { ProgramDeps, ProgramEnd } from "./turn-program.ts";

const exitCodes = { done: 0, badInput: 2, noInput: 3, journal: 4, terminated: 143 } as const;
type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

type RunInput = (line: string, deps: ProgramDeps) => Promise<ProgramEnd>;

const INPUT_MAX_BYTES = 8 * 1024 * 1024;
const STOP_BUDGET_MS = 2_000;
const FLUSH_BUDGET_MS = 1_000;

const stop = new AbortController();
process.once("SIGTERM", () => {
  stop.abort();
  setTimeout(() => process.exit(exitCodes.terminated), STOP_BUDGET_MS);
});
// The host may be gone while the turn goes on: then the journal alone tells what became of it.
process.stdout.on("error", () => undefined);

process.exit(await main());

async function main(): Promise<ExitCode> {
  process.stdout.write(readyLine());
  // The schemas load while the host is still writing down that this runner exists.
  const [line, turnProgram] = await Promise.all([
    readLine(process.stdin, INPUT_MAX_BYTES, stop.signal),
    import("./turn-program.ts"),
  ]);
  if (line.kind !== "line") return withoutInput(line);
  const ipcDir = process.env["NANOCLAW_IPC_DIR"];
  const deps: ProgramDeps = {
    ipcDir,
    echo: (text) => void process.stdout.write(text),
    complain,
    monotonic: () => performance.now(),
    signal: stop.signal,
    place: {
      env: process.env,
      cwd: process.env["NANOCLAW_GROUP_DIR"] || process.cwd(),
      platform: process.platform,
    },
  };
  let ended = await turnProgram.runInput(line.text, deps);
  if (ipcDir && process.env["NANOCLAW_AGENT_ONE_SHOT"] === "false") {
    ended = await stayFor(turnProgram.runInput, ipcDir, ended, deps);
  }
  await flushed();
  return exitCodes[ended];
}

/** Long-lived mode: each follow-up is a turn of its own, announced by a `ready` as the first one was. */
async function stayFor(run: RunInput, ipcDir: string, first: ProgramEnd, deps: ProgramDeps): Promise<ProgramEnd> {
  const { createFollowUps } = await import("./follow-up.ts");
  const next = createFollowUps({ ipcDir, stdin: process.stdin, signal: stop.signal });
  let ended = first;
  while (ended === "done") {
    process.stdout.write(readyLine());
    const line = await next();
    if (line === undefined) return stop.signal.aborted ? "terminated" : "done";
    ended = await run(line, deps);
  }
  return ended;
}

function withoutInput(line: Exclude<LineOutcome, { kind: "line" }>): ExitCode {
  switch (line.kind) {
    case "end":
      complain("no input: standard input ended before a complete line");
      return exitCodes.noInput;
    case "too-long":
      complain(`the input line is longer than ${INPUT_MAX_BYTES} bytes`);
      return exitCodes.badInput;
    case "not-utf8":
      complain("the input line is not UTF-8");
      return exitCodes.badInput;
    case "aborted":
      return exitCodes.terminated;
    default:
      return line satisfies never;
  }
}

/** A reader that stopped reading must not keep the process; what it misses is in the journal. */
function flushed(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, FLUSH_BUDGET_MS);
    process.stdout.write("", () => resolve());
  });
}

function complain(message: string): void {
  process.stderr.write(`agent-runner: ${message}\n`);
}
