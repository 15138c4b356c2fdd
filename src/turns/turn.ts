import type { FrameBody } from "@nanoclaw/agent-runner/protocol";
import type { AgentName } from "../domain/agent-choice.ts";
import type { Clock } from "../domain/clock.ts";
import { failureOf, type Failure } from "../domain/failure.ts";
import type { Group, RegisteredChat } from "../domain/group.ts";
import type { Folder, TurnId } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import type { ChatPeople } from "../domain/prompt-people.ts";
import { journalPath } from "../runtime/journal.ts";
import { LaunchError, type Running, type Runtime } from "../runtime/runtime.ts";
import { superviseRun, type EndReason, type RunResult } from "../runtime/supervise.ts";
import type { Store } from "../store/store.ts";
import type { Attempt, Turn } from "../store/turns.ts";
import type { AgentNeeds, AgentSupply } from "./agent-needs.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { persist } from "./persist.ts";
import type { Claim } from "./queue.ts";
import {
  settleAnswered,
  settleEmpty,
  settleFailed,
  settleInterrupted,
  settleShutdown,
  settleStopped,
  type Settlement,
} from "./settle.ts";
import { isolated } from "./turn-input.ts";
import { fixInput, inboxOf, launchSpec, runLimits, workOf, type PathsOf, type TurnSettings } from "./turn-work.ts";
import type { NoWork, Work } from "./work.ts";

export interface TurnRunnerOptions {
  store: Store;
  /** Where an agent's turns run. */
  runtimeFor(agent: AgentName): Runtime;
  clock: Clock;
  log: Log;
  /** What agents need around their runs. */
  supply: AgentSupply;
  settings: TurnSettings;
  paths: PathsOf;
  /** Who is in a chat, for the prompt. */
  people?: (chat: RegisteredChat) => ChatPeople;
  /** Ends a run that fills the disk. */
  watchUsage?: (group: Group, end: (failure: Failure) => void, gone: AbortSignal) => void;
  /** Takes secret values out of an answer. */
  screen(text: string, folder: Folder): string;
  /** Secrets were taken out of what an agent said. */
  onSecret(folder: Folder, names: readonly string[]): void;
  /** Something became of a turn: answers may be in the outbox. */
  onChange(turn: TurnId): void;
  checkpoint(point: Checkpoint): void;
}

export interface TurnRunner {
  /** One attempt from launch until nothing of it is left. Never rejects. */
  run(claim: Claim): Promise<void>;
  /** The same for an attempt that an earlier host began and that is still alive. */
  adopt(turn: Turn, attempt: Attempt, running: Running, runtime: Runtime): Promise<void>;
  /** Ends a running attempt; false when none runs. */
  end(turn: TurnId, reason: EndReason): boolean;
}

export function createTurnRunner(options: TurnRunnerOptions): TurnRunner {
  const stops = new Map<TurnId, AbortController>();

  /** Whatever goes wrong, the ledger must not keep an attempt that nobody works on. */
  const whole = async (turn: TurnId, attempt: number, work: (stop: AbortSignal) => Promise<void>) => {
    const stop = new AbortController();
    stops.set(turn, stop);
    try {
      await work(stop.signal);
    } catch (error) {
      await saved(options, () => settleThrown(options, turn, attempt, error));
    } finally {
      stops.delete(turn);
    }
    options.onChange(turn);
  };

  return {
    run: (claim) => whole(claim.turn, claim.attempt, (stop) => attemptTurn(options, claim, stop)),
    adopt: (turn, attempt, running, runtime) =>
      whole(turn.id, attempt.n, async (stop) => {
        const work = workOf(options.store, options.settings, turn, attempt);
        // A person's stop that the earlier host did not live to carry out.
        if (options.store.turns.find(turn.id)?.stopReason) stops.get(turn.id)?.abort("stopped");
        if (!("failure" in work)) {
          await using needs = await options.supply.takeUp(work);
          return await supervise(options, { work, running, runtime, stop, needs });
        }
        await endNow(running, runtime);
        await settleNoWork(options, work, attempt.n);
      }),
    end: (turn, reason) => {
      stops.get(turn)?.abort(reason);
      return stops.has(turn);
    },
  };
}

const saved = <T>(options: TurnRunnerOptions, work: () => T): Promise<T> => persist(work, options);

async function attemptTurn(options: TurnRunnerOptions, claim: Claim, stop: AbortSignal): Promise<void> {
  const { log, checkpoint } = options;
  checkpoint("after-claim");
  const work = await saved(options, () => claimedWork(options, claim));
  if ("failure" in work) return settleNoWork(options, work, claim.attempt);
  await using needs = await neededBy(options, work, stop);
  if (!needs) return await saved(options, () => settleEnded(settlement(options, work), stop.reason as EndReason));
  const { turn, attempt } = work;
  const runtime = options.runtimeFor(work.agent);
  log.info({ group: turn.folder, turn: turn.id, attempt: attempt.n, runtime: runtime.name }, "Spawning agent process");
  const running = await launched(options, work, runtime, needs);
  await supervise(options, { work, running, runtime, stop, needs });
}

/** Undefined: the turn was ended while it waited for what its agent needs. */
async function neededBy(options: TurnRunnerOptions, work: Work, stop: AbortSignal): Promise<AgentNeeds | undefined> {
  try {
    return await options.supply.prepare(work, stop);
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
}

/** Launched, and written down: from here on a crash of the host finds it again. */
async function launched(options: TurnRunnerOptions, work: Work, runtime: Runtime, needs: AgentNeeds): Promise<Running> {
  const { store, settings, paths } = options;
  const { turn, attempt } = work;
  const running = await runtime.launch(launchSpec(work, settings, paths(turn.folder), needs));
  try {
    options.checkpoint("after-spawn");
    await saved(options, () => store.turns.setHandle(turn.id, attempt.n, runtime.name, running.handle));
    return running;
  } catch (error) {
    await endNow(running, runtime);
    throw error;
  }
}

function claimedWork({ store, settings }: TurnRunnerOptions, claim: Claim): Work | NoWork {
  const turn = store.turns.find(claim.turn);
  const attempt = store.turns.attempt(claim.turn, claim.attempt);
  if (!turn || !attempt) throw new Error(`The ledger has no attempt ${claim.turn}-${claim.attempt}.`);
  return workOf(store, settings, turn, attempt);
}

interface Supervised {
  work: Work;
  running: Running;
  runtime: Runtime;
  stop: AbortSignal;
  needs: AgentNeeds;
}

async function supervise(
  options: TurnRunnerOptions,
  { work, running, runtime, stop, needs }: Supervised,
): Promise<void> {
  const { store, clock, settings, checkpoint } = options;
  const { turn, attempt } = work;
  let settling: Promise<void> | undefined;
  try {
    const result = await superviseRun({
      running,
      journal: journalPath(options.paths(turn.folder).ipc, turn.id, attempt.n),
      frameToken: attempt.frameToken,
      limits: runLimits(work, settings, clock.now(), running.stdin === null),
      clock,
      stop,
      watch: (end, gone) => options.watchUsage?.(work.group, end, gone),
      input: async () => {
        checkpoint("after-ready");
        await needs.beforeInput();
        const inbox = inboxOf(runtime.name, options.paths(turn.folder));
        return saved(options, () => fixInput({ store, clock, settings, work, needs, inbox, people: options.people }));
      },
      onInputWritten: () => checkpoint("after-input"),
      onFrame: (body) => {
        noteFrame(options.log, turn.id, body);
        if (body.type === "secret") options.onSecret(turn.folder, body.names);
        if (body.type !== "answer" || body.answer.status !== "ok") return;
        settling = settleAnswer(options, work, body.answer);
        settling.catch(() => {}); // awaited below, where a failure is reported
      },
    });
    await settling;
    await saved(options, () => settleRun(options, work, result, running.stdin === null));
  } finally {
    await runtime.clear(running.handle);
  }
}

/** At the answer's frame and not at the run's end: the person need not wait for the container's end. */
async function settleAnswer(
  options: TurnRunnerOptions,
  work: Work,
  answer: { status: "ok"; text: string; session: string | null },
) {
  const { store, turn } = settlement(options, work);
  await saved(options, () => {
    const screened = { ...answer, text: options.screen(answer.text, turn.folder) };
    settleAnswered(settlement(options, work), screened, isolated({ store, turn }) ? null : work.agent);
  });
  options.checkpoint("after-answer");
  options.onChange(turn.id);
}

function settleRun(
  options: TurnRunnerOptions,
  work: Work,
  { answer, failure, ended }: RunResult,
  wasFound: boolean,
): void {
  const at = settlement(options, work);
  if (answer?.status === "ok") return; // settled when the frame came
  const why = answer ? { class: answer.class, detail: answer.error } : (failure ?? { ended });
  options.log.warn({ group: work.turn.folder, turn: work.turn.id, attempt: work.attempt.n, ...why }, "Not answered");
  if (answer)
    settleFailed(
      at,
      failureOf(answer, (text) => options.screen(text, work.turn.folder)),
    );
  else if (ended) settleEnded(at, ended);
  else if (failure && wasFound && failure.class === "crash") settleInterrupted(at, failure);
  else if (failure) settleFailed(at, failure);
  else if (options.store.turns.find(work.turn.id)?.stopReason) settleStopped(at);
  else settleEmpty(at);
}

function settleEnded(at: Settlement, reason: EndReason): void {
  if (reason === "stopped") settleStopped(at);
  else settleShutdown(at);
}

async function settleNoWork(options: TurnRunnerOptions, { turn, failure }: NoWork, attempt: number): Promise<void> {
  const at = { store: options.store, turn, attempt, now: options.clock.now() };
  await saved(options, () => (failure ? settleFailed(at, failure) : settleEmpty(at)));
}

function settleThrown({ store, clock, log }: TurnRunnerOptions, id: TurnId, attempt: number, error: unknown): void {
  const failure = asFailure(error);
  log.error({ turn: id, attempt, ...failure }, "Agent error");
  const turn = store.turns.find(id);
  if (turn?.status === "running") settleFailed({ store, turn, attempt, now: clock.now() }, failure);
}

const settlement = ({ store, clock }: TurnRunnerOptions, { turn, attempt }: Work): Settlement => ({
  store,
  turn,
  attempt: attempt.n,
  now: clock.now(),
});

async function endNow(running: Running, runtime: Runtime): Promise<void> {
  running.signal("KILL");
  await running.exited;
  await runtime.clear(running.handle);
}

function noteFrame(log: Log, turn: TurnId, body: FrameBody): void {
  switch (body.type) {
    case "log":
      log.info({ turn }, body.line);
      break;
    case "tool":
      log.info({ turn, tool: body.tool, status: body.status }, "Tool call");
      break;
    case "answer":
      log.info({ turn, status: body.answer.status }, "Agent answered");
      break;
    case "session":
    case "text":
    case "secret":
    case "closed":
      log.debug({ turn, type: body.type }, "Frame");
      break;
    default:
      body satisfies never;
  }
}

function asFailure(error: unknown): Failure {
  if (error instanceof LaunchError) {
    const { say } = error;
    return { class: error.class, detail: error.message, ...(say !== undefined && { say }) };
  }
  return { class: "crash", detail: error instanceof Error ? error.message : String(error) };
}
