import type { FrameBody } from "@nanoclaw/agent-runner/protocol";
import { chooseAgent, type AgentName } from "../domain/agent-choice.ts";
import type { Clock } from "../domain/clock.ts";
import type { Failure } from "../domain/failure.ts";
import type { Group, RegisteredChat } from "../domain/group.ts";
import { isLocal, type Folder, type TurnId } from "../domain/ids.ts";
import type { Log } from "../domain/log.ts";
import { journalPath } from "../runtime/journal.ts";
import { LaunchError, type GroupPaths, type Running, type Runtime } from "../runtime/runtime.ts";
import { superviseRun, type EndReason, type RunLimits, type RunResult } from "../runtime/supervise.ts";
import type { Store } from "../store/store.ts";
import type { Attempt, Turn } from "../store/turns.ts";
import { persist } from "./persist.ts";
import type { Claim } from "./queue.ts";
import {
  settleAnswered,
  settleEmpty,
  settleFailed,
  settleInterrupted,
  settleShutdown,
  settleStopped,
} from "./settle.ts";
import { isolated, prepareInput } from "./turn-input.ts";

/** Points at which a test may end the host; each is a place where a crash once cost a message somewhere. */
export type Checkpoint =
  "after-claim" | "after-spawn" | "after-ready" | "after-input" | "after-answer" | "before-send" | "after-send";

export interface TurnSettings {
  assistantName: string;
  agent: AgentName | undefined;
  agentName: string | null;
  model: string | null;
  kiroReady: boolean;
  secrets: Record<string, string>;
  zone: string;
  oneShot: boolean;
  promptBudget: number;
  timeout: number;
  silenceTimeout: number;
  outputBytes: number;
}

export interface TurnRunnerOptions {
  store: Store;
  runtime: Runtime;
  clock: Clock;
  log: Log;
  settings: TurnSettings;
  paths(folder: Folder): GroupPaths;
  /** Something became of a turn: answers may be in the outbox. */
  onChange(turn: TurnId): void;
  checkpoint(point: Checkpoint): void;
}

export interface TurnRunner {
  /** One attempt from launch until nothing of it is left. Never rejects. */
  run(claim: Claim): Promise<void>;
  /** The same for an attempt that an earlier host began and that is still alive. */
  adopt(turn: Turn, attempt: Attempt, running: Running): Promise<void>;
  /** Ends a running attempt; false when none runs. */
  end(turn: TurnId, reason: EndReason): boolean;
}

const READY_MS = 30_000;
const GRACE_MS = 5_000;

interface Work {
  turn: Turn;
  attempt: Attempt;
  group: Group;
  chat: RegisteredChat;
  agent: AgentName;
}

export function createTurnRunner(options: TurnRunnerOptions): TurnRunner {
  const { store, runtime, clock, settings, checkpoint } = options;
  const stops = new Map<TurnId, AbortController>();
  const saved = <T>(work: () => T): Promise<T> => persist(work, options);

  const settleRun = async (work: Work, result: RunResult, wasFound: boolean) => {
    const at = { store, turn: work.turn, attempt: work.attempt.n, now: clock.now() };
    const { answer, failure, ended } = result;
    if (answer?.status === "ok") return; // settled when the frame came
    if (answer) await saved(() => settleFailed(at, { class: answer.class, detail: answer.error }));
    else if (ended === "stopped") await saved(() => settleStopped(at));
    else if (ended === "shutdown") await saved(() => settleShutdown(at));
    else if (failure && wasFound && failure.class === "crash") await saved(() => settleInterrupted(at, failure));
    else if (failure) await saved(() => settleFailed(at, failure));
    else await saved(() => (store.turns.find(work.turn.id)?.stopReason ? settleStopped(at) : settleEmpty(at)));
  };

  const supervise = async (work: Work, running: Running) => {
    const { turn, attempt } = work;
    const stop = new AbortController();
    stops.set(turn.id, stop);
    let settling: Promise<void> | undefined;
    const onFrame = (body: FrameBody) => {
      noteFrame(options, turn.id, body);
      if (body.type !== "answer" || body.answer.status !== "ok") return;
      const { answer } = body;
      settling = saved(() => {
        const at = { store, turn, attempt: attempt.n, now: clock.now() };
        if (answer.status === "ok") settleAnswered(at, answer, isolated({ store, turn }) ? null : work.agent);
      }).then(() => {
        checkpoint("after-answer");
        options.onChange(turn.id);
      });
      settling.catch(() => {}); // awaited below, where a failure is reported
    };
    try {
      const result = await superviseRun({
        running,
        journal: journalPath(options.paths(turn.folder).ipc, turn.id, attempt.n),
        frameToken: attempt.frameToken,
        limits: runLimits(work.group, settings),
        clock,
        stop: stop.signal,
        input: () => saved(() => writeRange(options, work)),
        onInputWritten: () => {
          checkpoint("after-input");
        },
        onFrame,
      });
      await settling;
      await settleRun(work, result, running.stdin === null);
    } finally {
      stops.delete(turn.id);
      await runtime.clear(running.handle);
    }
  };

  const attemptTurn = async (claim: Claim) => {
    checkpoint("after-claim");
    const work = await saved(() => prepareWork(options, claim));
    if ("failure" in work) {
      const at = { store, turn: work.turn, attempt: claim.attempt, now: clock.now() };
      await saved(() => (work.failure ? settleFailed(at, work.failure) : settleEmpty(at)));
      return;
    }
    const running = await launch(options, work);
    checkpoint("after-spawn");
    await saved(() => store.turns.setHandle(work.turn.id, claim.attempt, running.handle));
    await supervise(work, running);
  };

  /** Whatever goes wrong, the ledger must not keep an attempt that nobody works on. */
  const whole = async (turn: TurnId, attempt: number, work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      const failure = asFailure(error);
      options.log.error({ turn, attempt, ...failure }, "Agent error");
      const found = store.turns.find(turn);
      if (found?.status === "running") {
        await saved(() => settleFailed({ store, turn: found, attempt, now: clock.now() }, failure));
      }
    }
    options.onChange(turn);
  };

  return {
    run: (claim) => whole(claim.turn, claim.attempt, () => attemptTurn(claim)),
    adopt: (turn, attempt, running) =>
      whole(turn.id, attempt.n, async () => {
        const work = workOf(options, turn, attempt);
        if ("failure" in work) running.signal("KILL");
        else await supervise(work, running);
      }),
    end: (turn, reason) => {
      const stop = stops.get(turn);
      stop?.abort(reason);
      return stop !== undefined;
    },
  };
}

type NoWork = { turn: Turn; failure: Failure | null };

function prepareWork(options: TurnRunnerOptions, claim: Claim): Work | NoWork {
  const turn = options.store.turns.find(claim.turn);
  const attempt = options.store.turns.attempt(claim.turn, claim.attempt);
  if (!turn || !attempt) throw new Error(`The ledger has no attempt ${claim.turn}-${claim.attempt}.`);
  return workOf(options, turn, attempt);
}

function workOf({ store, settings }: TurnRunnerOptions, turn: Turn, attempt: Attempt): Work | NoWork {
  const group = store.groups.find(turn.folder);
  const chat = store.groups.chat(turn.chat);
  if (!group || !chat) return { turn, failure: null };
  const agent = chooseAgent({
    group: group.settings.agent,
    configured: settings.agent,
    kiroReady: settings.kiroReady,
    localChat: isLocal(turn.chat),
  });
  if (agent === "none") return { turn, failure: { class: "agent-missing", detail: "no agent is set for this chat" } };
  return { turn, attempt, group, chat, agent };
}

async function launch({ runtime, settings, log, paths }: TurnRunnerOptions, work: Work): Promise<Running> {
  const { turn, attempt, group } = work;
  log.info({ group: turn.folder, turn: turn.id, attempt: attempt.n, runtime: runtime.name }, "Spawning agent process");
  return runtime.launch({
    turn: turn.id,
    attempt: attempt.n,
    folder: turn.folder,
    paths: paths(turn.folder),
    zone: group.settings.zone ?? settings.zone,
    oneShot: settings.oneShot,
  });
}

/** Fixes the range of messages and makes the line; what arrives later belongs to the next turn. */
function writeRange(options: TurnRunnerOptions, work: Work): string | null {
  const { store, clock, settings } = options;
  options.checkpoint("after-ready");
  const now = clock.now();
  return store.transaction(() => {
    store.turns.stampAttempt(work.turn.id, work.attempt.n, "ready", now);
    const prepared = prepareInput({
      ...work,
      store,
      now,
      zone: work.group.settings.zone ?? settings.zone,
      agent: {
        backend: work.agent,
        assistantName: settings.assistantName,
        name: settings.agentName,
        model: work.group.settings.model ?? settings.model,
      },
      outputBytes: settings.outputBytes,
      promptBudget: settings.promptBudget,
      secrets: work.agent === "offline" ? {} : settings.secrets,
      oneShot: settings.oneShot,
    });
    if (!prepared || store.turns.find(work.turn.id)?.stopReason) return null;
    if (prepared.range) store.turns.fixRange(work.turn.id, prepared.range.fromSeq, prepared.range.toSeq);
    store.turns.stampAttempt(work.turn.id, work.attempt.n, "input", now);
    if (work.turn.taskId !== null) store.tasks.logStarted(work.turn.id, now);
    return JSON.stringify(prepared.input);
  });
}

function runLimits(group: Group, settings: TurnSettings): RunLimits {
  return {
    ready: READY_MS,
    silence: group.settings.silenceTimeout ?? settings.silenceTimeout,
    whole: group.settings.timeout ?? settings.timeout,
    grace: GRACE_MS,
    outputBytes: settings.outputBytes,
  };
}

function noteFrame({ log }: TurnRunnerOptions, turn: TurnId, body: FrameBody): void {
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
    case "closed":
      log.debug({ turn, type: body.type }, "Frame");
      break;
    default:
      body satisfies never;
  }
}

function asFailure(error: unknown): Failure {
  if (error instanceof LaunchError) return { class: error.class, detail: error.message };
  return { class: "crash", detail: error instanceof Error ? error.message : String(error) };
}
