import { PROTOCOL_VERSION, type FrameBody, type ReadyFrame } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";
import { createEnding, type Ending } from "./ending.ts";
import { createFrameReader, type Feed } from "./frame-reader.ts";
import { giveLine } from "./give-line.ts";
import { followJournal } from "./journal.ts";
import { createTail, readStream } from "./output.ts";
import type { Running } from "./runtime.ts";
import { createVerdict, exitFailure, type EndReason, type RunResult, type Verdict } from "./verdict.ts";
import { startWatchdogs, type Watchdogs, type WatchLimits } from "./watchdogs.ts";

export type { EndReason, RunResult } from "./verdict.ts";

/** Milliseconds, but for `outputBytes`. */
export interface RunLimits extends WatchLimits {
  /** Between TERM and KILL, and between the answer and TERM. */
  grace: number;
  /** What stdout, stderr and journal may bring, each. */
  outputBytes: number;
}

export interface SuperviseOptions {
  running: Running;
  journal: string;
  frameToken: string;
  limits: RunLimits;
  clock: Clock;
  /** Ends the run: TERM, then KILL. Its reason is an `EndReason`. */
  stop: AbortSignal;
  /**
   * Called at most once, when the runner is ready: the line to write, without its line feed, or
   * null to give it nothing (it then ends by itself). Not called for a run that was found again.
   */
  input(): Promise<string | null>;
  onInputWritten(): void;
  /** Every frame in its order, also after the answer; an `answer` only when it is the one that counts. */
  onFrame(body: FrameBody): void;
  /** Watches over the run from outside until `gone`, and may end it. */
  watch?: ((end: (failure: Failure) => void, gone: AbortSignal) => void) | undefined;
}

/**
 * Sees one run through from `ready` until process or container is gone. Never rejects for anything
 * the runner does; a throw of the callbacks ends the run and rejects.
 */
export async function superviseRun(options: SuperviseOptions): Promise<RunResult> {
  const { running, stop } = options;
  const run = openRun(options);
  const onStop = () => endFor(run, stop.reason as EndReason);
  stop.addEventListener("abort", onStop, { once: true });
  if (stop.aborted) onStop();
  try {
    return await untilGone(run);
  } finally {
    stop.removeEventListener("abort", onStop);
    for (const stream of [running.stdin, running.stdout, running.stderr]) stream?.destroy();
  }
}

interface Run {
  options: SuperviseOptions;
  verdict: Verdict;
  ending: Ending;
  watchdogs: Watchdogs;
  /** Aborts when process or container is gone. */
  gone: AbortController;
  isReady: boolean;
  /** Resolves when nothing of the input is under way any more. */
  giving: Promise<void>;
}

function openRun(options: SuperviseOptions): Run {
  const { running, limits, clock } = options;
  const gone = new AbortController();
  const verdict = createVerdict();
  const ending = createEnding({ running, grace: limits.grace, clock, gone: gone.signal });
  const watchdogs = startWatchdogs({
    limits,
    clock,
    signal: gone.signal,
    onExpired: (failure) => fail(run, failure),
  });
  const run: Run = { options, verdict, ending, watchdogs, gone, isReady: false, giving: Promise.resolve() };
  options.watch?.((failure) => fail(run, failure), gone.signal);
  if (running.stdin === null) {
    // Found again: it had its input from an earlier host.
    run.isReady = true;
    watchdogs.ready();
    watchdogs.expectFrames();
  }
  return run;
}

async function untilGone(run: Run): Promise<RunResult> {
  const { running, journal, limits, clock } = run.options;
  const drained = new AbortController();
  const onTooMuch = () => fail(run, { class: "output-cap", detail: `more than ${limits.outputBytes} bytes of output` });
  const source = frameSources(run, onTooMuch);
  const stderr = createTail(limits.outputBytes, onTooMuch);
  const following = followJournal(journal, source(), clock, drained.signal);
  const reading = Promise.all([readStream(running.stdout, source()), readStream(running.stderr, stderr.feed)]);
  const exit = await running.exited;
  run.gone.abort();
  running.stdin?.destroy();
  // What the runner wrote last may still be on its way through the pipes; a process that left its
  // group can outlive it and hold them open, so there is a limit.
  await Promise.race([reading, clock.sleep(limits.grace, drained.signal)]);
  drained.abort();
  await following;
  // The caller's work on the input must not go on behind a result.
  await run.giving;
  return run.verdict.result(() => exitFailure(exit, run.isReady, stderr.text()));
}

function frameSources(run: Run, onTooMuch: () => void): () => Feed {
  const { frameToken, limits } = run.options;
  return createFrameReader({
    token: frameToken,
    maxBytes: limits.outputBytes,
    onReady: (ready) => takeReady(run, ready),
    onFrame: (body) => takeFrame(run, body),
    onTooMuch,
  }).source;
}

function takeReady(run: Run, { protocol }: ReadyFrame): void {
  if (run.isReady) return;
  run.isReady = true;
  run.watchdogs.ready();
  if (protocol !== PROTOCOL_VERSION) {
    const detail = `the runner speaks protocol ${protocol}, the host ${PROTOCOL_VERSION}`;
    fail(run, { class: "image-mismatch", detail });
  }
  // A run that is being ended is asked nothing: what waits for an answer stays for the next one.
  if (run.verdict.isOpen()) run.giving = giveInput(run);
}

/** Never rejects. */
async function giveInput(run: Run): Promise<void> {
  const { running, input, onInputWritten } = run.options;
  try {
    const line = await input();
    if (line === null) return giveNothing(run);
    if (!run.verdict.isOpen()) return;
    run.watchdogs.expectFrames();
    if (running.stdin && (await giveLine(running.stdin, line))) onInputWritten();
  } catch (error) {
    breakOff(run, error);
  }
}

function giveNothing({ verdict, ending, options }: Run): void {
  verdict.decide({ kind: "given-nothing" });
  options.running.stdin?.end();
  ending.soon();
}

function takeFrame(run: Run, body: FrameBody): void {
  run.watchdogs.frame();
  if (run.verdict.isBroken()) return;
  if (body.type === "answer") {
    if (!run.verdict.decide({ kind: "answered", answer: body.answer })) return;
    run.ending.soon();
  }
  try {
    run.options.onFrame(body);
  } catch (error) {
    breakOff(run, error);
  }
}

function fail(run: Run, failure: Failure): void {
  run.verdict.decide({ kind: "failed", failure });
  run.ending.now();
}

function endFor(run: Run, reason: EndReason): void {
  run.verdict.decide({ kind: "ended", reason });
  run.ending.now();
}

function breakOff(run: Run, error: unknown): void {
  run.verdict.broke(error);
  run.ending.now();
}
