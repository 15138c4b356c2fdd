import { runChild, type ChildEnd } from "./child.ts";
import { createFailureFinder, type KiroFailure } from "./failures.ts";
import { readStderr } from "./stderr.ts";
import { readStdout, type Said } from "./stdout.ts";
import type { AttemptOptions, Cut, Watch } from "./watch.ts";

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

/** TERM to KILL; the host gives the runner two seconds in all. */
const GRACE_MS = 1_000;

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
    over: () => (overdue ??= setTimeout(() => watch.cut("overdue"), options.overdueMs)),
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
