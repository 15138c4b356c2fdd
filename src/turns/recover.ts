import type { Answer } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import { failureOf, type Failure } from "../domain/failure.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { createFrameReader } from "../runtime/frame-reader.ts";
import { journalPath, readJournal } from "../runtime/journal.ts";
import { LaunchError, type GroupPaths, type Runtime } from "../runtime/runtime.ts";
import type { Store } from "../store/store.ts";
import type { Attempt, Turn } from "../store/turns.ts";
import { isolated } from "./turn-input.ts";
import type { Queue } from "./queue.ts";
import { settleAnswered, settleFailed, settleInterrupted } from "./settle.ts";
import type { TurnRunner } from "./turn.ts";

export interface RecoverOptions {
  store: Store;
  runtimes: readonly Runtime[];
  runner: TurnRunner;
  queue: Queue;
  clock: Clock;
  log: Log;
  paths(folder: Folder): GroupPaths;
  outputBytes: number;
  agentOf(turn: Turn): string;
  /** Takes secret values out of an answer. */
  screen(text: string, folder: Folder): string;
}

const CUT_OFF: Failure = { class: "crash", detail: "the host was stopped while it ran", cause: "NanoClaw was stopped" };

/**
 * What the last host left open, before any new work: an answer in the journal is taken, a living
 * run is adopted, the rest was interrupted. Nothing finished runs again.
 */
export async function recoverTurns(options: RecoverOptions): Promise<void> {
  const { store, runtimes, log } = options;
  const open = store.turns.running();
  for (const turn of open) await recoverTurn(options, turn);
  const handles = open.map(({ id, attempts }) => store.turns.attempt(id, attempts)?.handle);
  for (const runtime of runtimes) {
    await runtime.sweep(handles).catch((error: unknown) => {
      log.debug({ runtime: runtime.name, error: (error as Error).message }, "Nothing swept");
    });
  }
}

async function recoverTurn(options: RecoverOptions, turn: Turn): Promise<void> {
  const { store, log } = options;
  const attempt = store.turns.attempt(turn.id, turn.attempts);
  if (!attempt) throw new Error(`The ledger has no attempt ${turn.id}-${turn.attempts}.`);
  const runtime = options.runtimes.find(({ name }) => name === attempt.runtime);

  const answer = await journaledAnswer(options, turn, attempt);
  if (answer) return finish(options, turn, attempt, runtime, answer);
  try {
    await goOn(options, turn, attempt, runtime);
  } catch (error) {
    if (!isEngineDown(error)) throw error;
    log.warn({ turn: turn.id, error: error.message }, "The engine does not answer, a running turn waits for it");
    options.queue.occupy(turn.folder, goOnLater(options, turn, attempt, runtime));
  }
}

/** It answered, whatever became of it since. */
function finish(
  options: RecoverOptions,
  turn: Turn,
  attempt: Attempt,
  runtime: Runtime | undefined,
  answer: Answer,
): void {
  const { store, clock, log } = options;
  const at = { store, turn, attempt: attempt.n, now: clock.now() };
  log.info({ turn: turn.id, status: answer.status }, "Finished from its journal");
  if (answer.status === "error")
    settleFailed(
      at,
      failureOf(answer, (text) => options.screen(text, turn.folder)),
    );
  else
    settleAnswered(
      at,
      { ...answer, text: options.screen(answer.text, turn.folder) },
      isolated({ store, turn }) ? null : options.agentOf(turn),
    );
  options.queue.occupy(turn.folder, remove(options, runtime, attempt));
}

/** Adopts what is alive, settles what is not. @throws {LaunchError} when that cannot be known now. */
async function goOn(
  options: RecoverOptions,
  turn: Turn,
  attempt: Attempt,
  runtime: Runtime | undefined,
): Promise<void> {
  const { store, clock, log } = options;
  const running = await runtime?.find(attempt.handle);
  if (running && runtime) {
    log.info({ turn: turn.id, group: turn.folder }, "Adopted a running turn");
    options.queue.occupy(turn.folder, options.runner.adopt(turn, attempt, running, runtime));
    return;
  }
  // While nobody could see it, it may have answered and left.
  const answer = await journaledAnswer(options, turn, attempt);
  if (answer) return finish(options, turn, attempt, runtime, answer);
  await runtime?.clear(attempt.handle);
  const next = settleInterrupted({ store, turn, attempt: attempt.n, now: clock.now() }, CUT_OFF);
  log.warn({ turn: turn.id, group: turn.folder, next: next.kind }, "A turn was interrupted");
}

const ENGINE_STEP_MS = 5_000;

async function goOnLater(
  options: RecoverOptions,
  turn: Turn,
  attempt: Attempt,
  runtime: Runtime | undefined,
): Promise<void> {
  for (;;) {
    await options.clock.sleep(ENGINE_STEP_MS);
    // A container may outlive its engine, and its answer need not wait for that.
    const answer = await journaledAnswer(options, turn, attempt);
    if (answer) return finish(options, turn, attempt, runtime, answer);
    try {
      return await goOn(options, turn, attempt, runtime);
    } catch (error) {
      if (!isEngineDown(error)) throw error;
    }
  }
}

const isEngineDown = (error: unknown): error is LaunchError =>
  error instanceof LaunchError && error.class === "engine-down";

/** Ends what is still alive of an attempt that has answered; left-overs are also swept later. */
async function remove({ log }: RecoverOptions, runtime: Runtime | undefined, attempt: Attempt): Promise<void> {
  try {
    const running = await runtime?.find(attempt.handle);
    running?.signal("KILL");
    await running?.exited;
    await runtime?.clear(attempt.handle);
  } catch (error) {
    log.warn({ error: (error as Error).message }, "What is left of an answered turn could not be removed");
  }
}

async function journaledAnswer(
  { paths, outputBytes }: RecoverOptions,
  turn: Turn,
  attempt: Attempt,
): Promise<Answer | undefined> {
  let answer: Answer | undefined;
  const reader = createFrameReader({
    token: attempt.frameToken,
    maxBytes: outputBytes,
    onReady: () => {},
    onFrame: (body) => {
      if (body.type === "answer") answer ??= body.answer;
    },
    onTooMuch: () => {},
  });
  await readJournal(journalPath(paths(turn.folder).ipc, turn.id, attempt.n), 0, reader.source());
  return answer;
}
