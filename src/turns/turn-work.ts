import { chooseAgent, type AgentName } from "../domain/agent-choice.ts";
import type { Clock } from "../domain/clock.ts";
import type { RegisteredChat } from "../domain/group.ts";
import { isLocal, type Folder } from "../domain/ids.ts";
import type { ChatPeople } from "../domain/prompt-people.ts";
import type { GroupPaths, LaunchSpec, ResourceLimits, Runtime } from "../runtime/runtime.ts";
import type { RunLimits } from "../runtime/supervise.ts";
import type { Store } from "../store/store.ts";
import type { Attempt, Turn } from "../store/turns.ts";
import type { AgentNeeds } from "./agent-needs.ts";
import type { NoWork, Work } from "./work.ts";
import { prepareInput } from "./turn-input.ts";

/** What turns need to know of the host's settings. Times are milliseconds, sizes bytes. */
export interface TurnSettings {
  agent: AgentName | undefined;
  kiroReady: boolean;
  zone: string;
  oneShot: boolean;
  promptBudget: number;
  timeout: number;
  silenceTimeout: number;
  outputBytes: number;
  /** Between TERM and KILL. */
  grace: number;
  resources: ResourceLimits;
}

const READY_MS = 30_000;
/** An adopted run whose time is up gets this long, to hand over an answer that is on its way. */
const LEAST_MS = 1_000;

export function workOf(store: Store, settings: TurnSettings, turn: Turn, attempt: Attempt): Work | NoWork {
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

export function launchSpec(
  { turn, attempt, group }: Work,
  settings: TurnSettings,
  paths: GroupPaths,
  needs: AgentNeeds,
): LaunchSpec {
  const { memory, cpus, pids, shm, fileSize, network } = group.settings;
  const own = Object.entries({ memory, cpus, pids, shm, fileSize, network }).filter(([, value]) => value !== undefined);
  return {
    turn: turn.id,
    attempt: attempt.n,
    folder: turn.folder,
    paths,
    zone: group.settings.zone ?? settings.zone,
    oneShot: settings.oneShot || needs.oneShot,
    mounts: needs.mounts,
    agentHome: needs.home,
    limits: { ...settings.resources, ...Object.fromEntries(own) },
  };
}

/** A group's own value counts, however small; an attempt that was adopted has used some of its time. */
export function runLimits({ group, attempt }: Work, settings: TurnSettings, now: number, adopted: boolean): RunLimits {
  const whole = group.settings.timeout ?? settings.timeout;
  // What a new one waited for before its launch is not its own time.
  const used = adopted ? Math.max(0, now - attempt.startedAt) : 0;
  return {
    ready: READY_MS,
    silence: group.settings.silenceTimeout ?? settings.silenceTimeout,
    whole: Math.max(Math.min(LEAST_MS, whole), whole - used),
    grace: settings.grace,
    outputBytes: settings.outputBytes,
  };
}

export interface FixInputOptions {
  store: Store;
  clock: Clock;
  settings: TurnSettings;
  work: Work;
  needs: AgentNeeds;
  /** Where the run finds what came with messages. */
  inbox: string;
  /** Who is in a chat. */
  people?: ((chat: RegisteredChat) => ChatPeople) | undefined;
}

/** In a container the folder is mounted below the agent's own; without mounts it is where the host keeps it. */
export const inboxOf = (runtime: Runtime["name"], paths: GroupPaths): string =>
  runtime === "host" ? paths.inbox : "inbox";

/**
 * Fixes the range of messages and makes the input's line, or null when nothing is left to do; what
 * arrives later belongs to the next turn.
 */
export function fixInput({ store, clock, settings, work, needs, inbox, people }: FixInputOptions): string | null {
  const { turn, attempt, group } = work;
  const now = clock.now();
  return store.transaction(() => {
    store.turns.stampAttempt(turn.id, attempt.n, "ready", now);
    if (store.turns.find(turn.id)?.stopReason) return null;
    const prepared = prepareInput({
      ...work,
      ...{ store, now, inbox },
      ...(people && { people: people(work.chat) }),
      zone: group.settings.zone ?? settings.zone,
      agent: needs.agent,
      outputBytes: settings.outputBytes,
      promptBudget: settings.promptBudget,
      secrets: needs.secrets,
      oneShot: settings.oneShot || needs.oneShot,
    });
    if (!prepared) return passAll(store, turn);
    if (prepared.range) store.turns.fixRange(turn.id, prepared.range.fromSeq, prepared.range.toSeq);
    store.outbox.markAgentTold(prepared.told);
    store.turns.stampAttempt(turn.id, attempt.n, "input", now);
    if (turn.taskId !== null) store.tasks.logStarted(turn.id, now);
    return JSON.stringify(prepared.input);
  });
}

/** Nothing calls any more; what calls while the run ends must not count as this turn's. */
function passAll(store: Store, turn: Turn): null {
  if (turn.kind === "message") {
    store.turns.fixRange(turn.id, store.turns.answeredSeq(turn.chat) + 1, store.messages.newestIn(turn.chat));
  }
  return null;
}

export type PathsOf = (folder: Folder) => GroupPaths;
