import type { Readable } from "node:stream";
import { PROTOCOL_VERSION, type Answer, type FrameBody } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";
import { createFrameReader, type Feed } from "./frame-reader.ts";
import { followJournal } from "./journal.ts";
import type { Exit, Running } from "./runtime.ts";

/** Milliseconds, but for `outputBytes`. */
export interface RunLimits {
  ready: number;
  silence: number;
  whole: number;
  /** Between TERM and KILL, and between the answer and TERM. */
  grace: number;
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
   * Called once, when the runner is ready: the line to write, without its line feed, or null to
   * give it nothing (it then ends by itself). Not called for a run that was found again.
   */
  input(): Promise<string | null>;
  onInputWritten(): void;
  onFrame(body: FrameBody): void;
}

export type EndReason = "stopped" | "shutdown";

export interface RunResult {
  /** Present when the run answered, whatever came after. */
  answer: Answer | undefined;
  /** Why there is no answer; the first cause wins. Null after an answer, a stop or an empty input. */
  failure: Failure | null;
  /** The run was told to end before it answered. */
  ended: EndReason | null;
}

/**
 * Sees one run through from `ready` until process or container is gone. Never rejects for anything
 * the runner does; a throw of the callbacks ends the run and rejects.
 */
export async function superviseRun(options: SuperviseOptions): Promise<RunResult> {
  const run = createRun(options);
  try {
    await run.untilGone();
    return run.result();
  } finally {
    run.close();
  }
}

function createRun({ running, journal, frameToken, limits, clock, stop, ...callbacks }: SuperviseOptions) {
  const over = new AbortController();
  let isReady = running.stdin === null;
  let answer: Answer | undefined;
  let failure: Failure | null = null;
  let ended: EndReason | null = null;
  let ending: Promise<void> | undefined;
  let callbackError: { error: unknown } | undefined;
  let lastFrameAt = clock.monotonic();
  let exit: Exit | undefined;
  let givenNothing = false;
  const stderr = tail(running.stderr);

  const end = (): Promise<void> => (ending ??= escalate());
  async function escalate(): Promise<void> {
    running.stdin?.destroy();
    running.signal("TERM");
    await clock.sleep(limits.grace, over.signal);
    if (exit === undefined) running.signal("KILL");
  }

  const fail = (failed: Failure): void => {
    if (answer === undefined && ended === null) failure ??= failed;
    void end();
  };

  const breakOff = (error: unknown): void => {
    callbackError ??= { error };
    void end();
  };

  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      breakOff(error);
    }
  };

  const giveInput = async (): Promise<void> => {
    try {
      const line = await callbacks.input();
      givenNothing = line === null;
      lastFrameAt = clock.monotonic();
      if (line === null) running.stdin?.end();
      else running.stdin?.write(`${line}\n`, (error) => error ?? guarded(callbacks.onInputWritten));
    } catch (error) {
      breakOff(error);
    }
  };

  const reader = createFrameReader({
    token: frameToken,
    maxBytes: limits.outputBytes,
    onReady: ({ protocol }) => {
      if (isReady) return;
      isReady = true;
      lastFrameAt = clock.monotonic();
      if (protocol === PROTOCOL_VERSION) return void giveInput();
      fail({ class: "image-mismatch", detail: `the runner speaks protocol ${protocol}, the host ${PROTOCOL_VERSION}` });
    },
    onFrame: (body) => {
      lastFrameAt = clock.monotonic();
      if (answer !== undefined || failure !== null || ended !== null) return;
      if (body.type === "answer") {
        answer = body.answer;
        void leaveAfterAnswer();
      }
      guarded(() => callbacks.onFrame(body));
    },
    onTooMuch: () => fail({ class: "output-cap", detail: `more than ${limits.outputBytes} bytes of output` }),
  });

  async function leaveAfterAnswer(): Promise<void> {
    await clock.sleep(limits.grace, over.signal);
    if (exit === undefined) await end();
  }

  async function watchReady(): Promise<void> {
    await clock.sleep(limits.ready, over.signal);
    if (!over.signal.aborted && !isReady) fail({ class: "crash", detail: `not ready after ${limits.ready} ms` });
  }

  async function watchWhole(): Promise<void> {
    await clock.sleep(limits.whole, over.signal);
    if (!over.signal.aborted) fail({ class: "timeout", detail: `no answer after ${limits.whole} ms` });
  }

  async function watchSilence(): Promise<void> {
    while (!over.signal.aborted) {
      const left = limits.silence - (clock.monotonic() - lastFrameAt);
      if (left <= 0 && isReady) return fail({ class: "silence", detail: `no frame for ${limits.silence} ms` });
      await clock.sleep(Math.max(left, 50), over.signal);
    }
  }

  const onStop = () => {
    if (answer === undefined && failure === null) ended ??= stop.reason as EndReason;
    void end();
  };

  return {
    untilGone: async () => {
      if (stop.aborted) onStop();
      stop.addEventListener("abort", onStop, { once: true });
      const following = followJournal(journal, reader.source(), clock, over.signal);
      const reading = readStream(running.stdout, reader.source());
      void Promise.all([watchReady(), watchWhole(), watchSilence()]);
      exit = await running.exited;
      // What the runner wrote last may still be on its way through the pipe; a child that outlived
      // it can hold that pipe open, so there is a limit.
      await Promise.race([reading, clock.sleep(limits.grace, over.signal)]);
      over.abort();
      await following;
      await ending;
      if (callbackError) throw callbackError.error;
    },
    result: (): RunResult => {
      if (answer !== undefined) return { answer, failure: null, ended: null };
      if (failure !== null || ended !== null || givenNothing) return { answer, failure, ended };
      return { answer, failure: exitFailure(exit, isReady, stderr()), ended };
    },
    close: () => {
      over.abort();
      stop.removeEventListener("abort", onStop);
      running.stdout?.destroy();
      running.stderr?.destroy();
    },
  };
}

/** Resolves at the end of the stream, or when it need not be read any more. */
function readStream(stream: Readable | null, feed: Feed): Promise<void> {
  if (!stream) return Promise.resolve();
  return new Promise((resolve) => {
    stream.on("data", (chunk: Buffer) => {
      if (!feed(chunk)) stream.destroy();
    });
    stream.once("close", resolve);
  });
}

const TAIL_BYTES = 4096;

/** Keeps the end of what the runner says on stderr, for the log. */
function tail(stream: Readable | null): () => string {
  let kept = Buffer.alloc(0);
  stream?.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-TAIL_BYTES);
  });
  return () => kept.toString("utf8").trim();
}

function exitFailure(exit: Exit | undefined, wasReady: boolean, stderr: string): Failure {
  const how = exit?.signal
    ? `was ended by SIG${exit.signal.replace(/^SIG/, "")}`
    : `exited with code ${exit?.code ?? "unknown"}`;
  const hint = exit?.code === 137 || exit?.signal === "SIGKILL" ? " (killed; possibly out of memory)" : "";
  const when = wasReady ? "before it answered" : "before it was ready";
  return { class: "crash", detail: `the runner ${how}${hint} ${when}${stderr === "" ? "" : `: ${stderr}`}` };
}
