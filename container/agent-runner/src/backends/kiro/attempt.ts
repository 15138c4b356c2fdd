import { runChild, type ChildEnd } from "./child.ts";
import { createFailureFinder, type FailureFacts, type KiroFailure } from "./failures.ts";
import type { Progress } from "./progress.ts";
import { readStderr } from "./stderr.ts";
import { readStdout, type Said } from "./stdout.ts";

export interface AttemptOptions {
  program: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  prompt: string;
  ownGroup: boolean;
  /** Its answer was asked for as events. */
  streamJson: boolean;
  /** The conversation that was asked for by id; null when any will do. */
  expected: string | null;
  /** A conversation was asked for, and the prompt tells nothing of it: a new one would know nothing. */
  needsMemory: boolean;
  /** What the host lets a turn write. */
  outputBytes: number;
  facts: FailureFacts;
  progress: Progress;
  signal: AbortSignal;
}

/** Why a run was ended before its own end. */
export type Cut =
  /** Kiro said something that no waiting makes better. */
  | "hopeless"
  /** It wrote more than a turn may. */
  | "flood"
  /** It is in another conversation than asked for, and nothing is done in it yet. */
  | "other-session"
  /** The turn is over, the process stays. */
  | "overdue";

export interface Observed {
  end: ChildEnd;
  cut: Cut | undefined;
  said: Said;
  /** Credits of V1's footer, wherever it was. */
  footer: number | undefined;
  calledTools: boolean;
  /** What its words say went wrong, if they do. */
  cause: KiroFailure | undefined;
  /** The ends of both streams. */
  stdout: string;
  stderr: string;
}

/** What the readers of both streams share. */
export interface Watch {
  options: AttemptOptions;
  /** A line that is Kiro's own, not the model's. */
  notice(line: string): void;
  /** A line that may be the model's. */
  perhapsWords(line: string): void;
  /** The turn is over; what is left is the end of the process. */
  over(): void;
  cut(reason: Cut): void;
}

/** TERM to KILL; the host gives the runner two seconds in all. */
const GRACE_MS = 1_000;
const OVERDUE_MS = 10_000;

/** One run of kiro-cli, seen to its end, with what it said. Never rejects. */
export async function runAttempt(options: AttemptOptions): Promise<Observed> {
  const finder = createFailureFinder(options.facts);
  const stop = new AbortController();
  let cut: Cut | undefined;
  let overdue: NodeJS.Timeout | undefined;
  const watch: Watch = {
    options,
    notice: (line) => finder.notice(line) && watch.cut("hopeless"),
    perhapsWords: finder.perhapsWords,
    over: () => (overdue ??= setTimeout(() => watch.cut("overdue"), OVERDUE_MS)),
    cut(reason) {
      cut ??= reason;
      stop.abort();
    },
  };
  const stdout = readStdout(watch);
  const stderr = readStderr(watch);
  const end = await runChild({
    ...options,
    input: options.prompt,
    onStdout: stdout.push,
    onStderr: stderr.push,
    signal: AbortSignal.any([options.signal, stop.signal]),
    graceMs: GRACE_MS,
  });
  const said = stdout.finish();
  const beside = stderr.finish();
  clearTimeout(overdue);
  options.progress.flush();
  return {
    end,
    cut,
    said,
    footer: said.shape === "text" ? (beside.footer ?? said.transcript.credits) : undefined,
    calledTools: beside.calledTools || said.calledTools,
    cause: finder.cause(),
    stdout: stdout.tail(),
    stderr: stderr.tail(),
  };
}
