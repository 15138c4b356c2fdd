import { realpathSync } from "node:fs";
import type { AgentSettings, Answer, TurnInput } from "../../protocol/index.ts";
import type { Backend, BackendContext, Place } from "../backend.ts";
import { runAttempt } from "./attempt.ts";
import type { Capabilities } from "./capabilities.ts";
import { commandLine } from "./command-line.ts";
import { readConversations, type Conversation } from "./conversations.ts";
import { kiroEnvironment, kiroStores, type KiroStores } from "./environment.ts";
import type { KiroFailure } from "./failures.ts";
import { fullPrompt } from "./full-prompt.ts";
import { judge, type Outcome } from "./judge.ts";
import { probeKiro, type ProbeOutcome } from "./probe.ts";
import { createProgress, type Progress } from "./progress.ts";
import { planResume, sessionMarker, type Resume } from "./resume.ts";
import { answeredSession, listSessionFiles, sessionsOf } from "./session-files.ts";

/** A process that stays when its turn is over is not waited for. */
const OVERDUE_MS = 10_000;

const LONGEST_SAY = 500;

type KiroTurn = TurnInput & { agent: AgentSettings & { backend: "kiro" } };

/** One turn of kiro-cli, with everything that is known for all its tries. */
interface Work {
  turn: KiroTurn;
  context: BackendContext;
  progress: Progress;
  env: Record<string, string>;
  cwd: string;
  stores: KiroStores;
  ownGroup: boolean;
  program: string;
  capabilities: Capabilities;
}

/** Kiro as a program that is started once for every turn. Nothing of a turn outlives it here. */
export function createKiroBackend(place: Place): Backend {
  return {
    async run(turn, context) {
      if (turn.agent.backend !== "kiro") throw new Error(`This is no turn for Kiro: ${turn.agent.backend}`);
      return answerOf({ ...turn, agent: turn.agent }, context, place);
    },
  };
}

async function answerOf(turn: KiroTurn, context: BackendContext, place: Place): Promise<Answer> {
  const env = kiroEnvironment(place.env, turn.secrets);
  const cwd = realpathSync(place.cwd);
  const isInside = place.env["NANOCLAW_IN_DOCKER"] === "1";
  const cache = place.env["NANOCLAW_KIRO_PROBE"];
  const { KIRO_API_KEY: _key, ...withoutKey } = env;
  const found = await probeKiro({ env: withoutKey, cwd, cache, ownGroup: isInside, signal: context.signal });
  if (found.kind !== "found") return failedAnswer(turn, notFound(found, isInside));
  const progress = createProgress({
    emit: context.emit,
    secrets: turn.secrets,
    outputBytes: turn.limits.outputBytes,
    now: context.now,
  });
  const stores = kiroStores(env, place.platform);
  return converse({ turn, context, progress, env, cwd, stores, ownGroup: isInside, ...found });
}

/** The turn in the conversation it belongs to; in a new one when that one cannot be had. */
async function converse(work: Work): Promise<Answer> {
  const { progress } = work;
  const resume = await chooseResume(work);
  if (resume.kind === "none" && resume.why !== null) progress.log(`A new conversation is started: ${resume.why}`);
  const first = await tryOnce(work, resume);
  if (!shouldStartAnew(first, resume, work)) return finalAnswer(work, first, resume);
  const why = first.kind === "failed" ? first.failure.error : "Kiro went into another one";
  progress.log(`The conversation could not be continued, a new one is started: ${why}`);
  const second = await tryOnce(work, { kind: "none", why: null });
  return finalAnswer(work, second, { kind: "none", why: null });
}

/** Only when nothing was done yet: what a tool did must not be done twice. */
function shouldStartAnew(outcome: Outcome, resume: Resume, { context }: Work): boolean {
  if (resume.kind === "none" || context.signal.aborted) return false;
  if (outcome.kind === "other-session") return true;
  return outcome.kind === "failed" && !outcome.calledTools && outcome.failure.blamesSession;
}

async function chooseResume(work: Work): Promise<Resume> {
  const { turn, capabilities, progress } = work;
  if (turn.agent.model !== null && !capabilities.flags.includes("--model")) {
    progress.log("This kiro-cli takes no --model; the agent's own or Kiro's default is used");
  }
  const { session } = turn;
  const stored = session === null ? undefined : await storedSessions(work);
  return planResume({ session, sharedStore: turn.agent.sharedStore, capabilities, stored });
}

async function storedSessions({ capabilities, stores, cwd }: Work): Promise<string[] | undefined> {
  const files = await sessionsOf(stores.sessions, cwd);
  if (capabilities.streamJson) return files;
  const rows = await readConversations(stores.database, cwd);
  return rows && [...rows.map(({ id }) => id), ...files];
}

async function tryOnce(work: Work, resume: Resume): Promise<Outcome> {
  const { turn, context, capabilities, stores, cwd } = work;
  const { agent, secrets, recap } = turn;
  const facts = {
    agent: agent.name,
    model: agent.model,
    hasApiKey: work.env["KIRO_API_KEY"] !== undefined,
    now: context.now(),
  };
  const filesBefore = await listSessionFiles(stores.sessions);
  const rowsBefore = await classicRows(work);
  const seen = await runAttempt({
    program: work.program,
    args: commandLine(capabilities, { agent: agent.name, model: agent.model, resume }),
    cwd,
    env: work.env,
    prompt: fullPrompt(turn.prompt, resume.kind === "none" ? recap : null),
    ownGroup: work.ownGroup,
    streamJson: capabilities.streamJson,
    expected: resume.kind === "none" ? null : resume.id,
    needsMemory: resume.kind !== "none" && recap !== null,
    outputBytes: turn.limits.outputBytes,
    overdueMs: OVERDUE_MS,
    facts,
    progress: work.progress,
    signal: context.signal,
  });
  // In a shared store the file that was written meanwhile may be another group's.
  const written = agent.sharedStore ? undefined : await answeredSession(stores.sessions, filesBefore, cwd);
  const outcome = judge(seen, { facts, secrets, version: capabilities.version, answeredSession: written });
  if (outcome.kind !== "answered" || outcome.session !== undefined) return outcome;
  return { ...outcome, session: written ?? onlyChanged(rowsBefore, await classicRows(work)) };
}

/** Read only where this turn's row can be told from others': in a store of its own, from an engine that prints no id. */
function classicRows({ turn, capabilities, stores, cwd }: Work): Promise<Conversation[] | undefined> {
  const isTold = turn.agent.sharedStore || capabilities.streamJson;
  return isTold ? Promise.resolve(undefined) : readConversations(stores.database, cwd);
}

function onlyChanged(before: Conversation[] | undefined, after: Conversation[] | undefined): string | undefined {
  const known = new Map(before?.map(({ id, state }) => [id, state]));
  const changed = (after ?? []).filter(({ id, state }) => known.get(id) !== state);
  return changed.length === 1 ? changed[0]?.id : undefined;
}

function finalAnswer(work: Work, outcome: Outcome, resume: Resume): Answer {
  const { turn, progress } = work;
  if (outcome.kind === "failed") return failedAnswer(turn, outcome.failure, outcome.calledTools);
  if (outcome.kind === "other-session") {
    return failedAnswer(turn, {
      class: "crash",
      error: "Kiro went into another conversation than the one asked for",
      blamesSession: true,
    });
  }
  const session = outcome.session ?? sessionMarker(turn.group.folder);
  if (resume.kind !== "none" && resume.id !== null && session !== resume.id) {
    progress.log(`Kiro answered in ${session}, not in ${resume.id}: it is continued from there`);
  }
  if (Buffer.byteLength(JSON.stringify(outcome.text)) > turn.limits.outputBytes / 2) {
    const error = "Kiro's answer is longer than one turn may be (CONTAINER_MAX_OUTPUT_SIZE)";
    return failedAnswer(turn, { class: "output-cap", error, blamesSession: false });
  }
  progress.session(session);
  const usage = outcome.credits === undefined ? {} : { usage: { credits: outcome.credits } };
  return { status: "ok", text: outcome.text, session, ...usage };
}

function failedAnswer(
  { session }: KiroTurn,
  { class: errorClass, error, say, resetsAt }: KiroFailure,
  worked = false,
): Answer {
  return {
    ...{ status: "error", class: errorClass, error, session },
    ...(say === undefined ? {} : { say: say.slice(0, LONGEST_SAY) }),
    ...(worked && { worked }),
    ...(resetsAt === undefined ? {} : { resetsAt }),
  };
}

function notFound(found: Exclude<ProbeOutcome, { kind: "found" }>, isInside: boolean): KiroFailure {
  const cure = isInside
    ? "On the machine, build the image anew with kiro-cli in it: docker build -t nanoclaw-agent:latest ./container"
    : "Install it on the machine: curl -fsSL https://cli.kiro.dev/install | bash. It must be on NanoClaw's PATH";
  switch (found.kind) {
    case "missing": {
      const say = `There is no kiro-cli ${isInside ? "in the agent image" : "on this machine"}. ${cure}`;
      return { class: "agent-missing", error: say, say, blamesSession: false };
    }
    case "unusable": {
      const say = `kiro-cli does not run. ${cure}`;
      return { class: "agent-missing", error: `${say} (${found.error})`, say, blamesSession: false };
    }
    case "slow":
      return { class: "crash", error: "kiro-cli did not tell its version and flags in time", blamesSession: false };
    default:
      return found satisfies never;
  }
}
