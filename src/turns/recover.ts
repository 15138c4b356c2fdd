import type { Answer } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";
import type { Folder } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { createFrameReader } from "../runtime/frame-reader.ts";
import { journalPath, readJournal } from "../runtime/journal.ts";
import type { GroupPaths, Runtime } from "../runtime/runtime.ts";
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
}

const CUT_OFF: Failure = { class: "crash", detail: "the host was stopped while it ran" };

/**
 * What the last host left open, before any new work: an answer in the journal is taken, a living
 * run is adopted, the rest was interrupted. Nothing finished runs again.
 */
export async function recoverTurns(options: RecoverOptions): Promise<void> {
  for (const turn of options.store.turns.running()) await recoverTurn(options, turn);
}

async function recoverTurn(options: RecoverOptions, turn: Turn): Promise<void> {
  const { store, clock, log } = options;
  const attempt = store.turns.attempt(turn.id, turn.attempts);
  if (!attempt) throw new Error(`The ledger has no attempt ${turn.id}-${turn.attempts}.`);
  const runtime = options.runtimes.find(({ name }) => name === attempt.runtime);
  const at = { store, turn, attempt: attempt.n, now: clock.now() };

  const answer = await journaledAnswer(options, turn, attempt);
  if (answer) {
    log.info({ turn: turn.id, status: answer.status }, "Finished from its journal");
    if (answer.status === "error") settleFailed(at, { class: answer.class, detail: answer.error });
    else settleAnswered(at, answer, isolated({ store, turn }) ? null : options.agentOf(turn));
    options.queue.occupy(turn.folder, remove(runtime, attempt));
    return;
  }
  const running = await runtime?.find(attempt.handle);
  if (running) {
    log.info({ turn: turn.id, group: turn.folder }, "Adopted a running turn");
    options.queue.occupy(turn.folder, options.runner.adopt(turn, attempt, running));
    return;
  }
  await runtime?.clear(attempt.handle);
  const next = settleInterrupted(at, CUT_OFF);
  log.warn({ turn: turn.id, group: turn.folder, next: next.kind }, "A turn was interrupted");
}

/** Ends what is still alive of an attempt that has answered. */
async function remove(runtime: Runtime | undefined, attempt: Attempt): Promise<void> {
  const running = await runtime?.find(attempt.handle);
  running?.signal("KILL");
  await running?.exited;
  await runtime?.clear(attempt.handle);
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
