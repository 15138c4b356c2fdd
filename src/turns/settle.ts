import type { Answer } from "@nanoclaw/agent-runner/protocol";
import { decideAfterFailure, type AfterFailure, type Failure } from "../domain/failure.ts";
import { newMessageId } from "../domain/ids.ts";
import { piecesFor, visibleText } from "../domain/outgoing.ts";
import type { Store } from "../store/store.ts";
import type { Turn, TurnEnd } from "../store/turns.ts";
import { aboutTurn, endTaskRun, lastWords, type RunEnd } from "./settle-task.ts";

export interface Settlement {
  store: Store;
  turn: Turn;
  attempt: number;
  now: number;
}

/** A reason to stop: whoever asked for it in this chat has been answered there. */
export const STOPPED_AND_TOLD = "stopped and told";

/** What became of an attempt that failed. */
export type AfterAttempt = AfterFailure | { kind: "stopped" };

/**
 * The agent answered: outbox rows with their final ids, session, cursor and the turn's end, all or
 * nothing. `agent` is null when the session must not be kept (isolated runs).
 */
export function settleAnswered(at: Settlement, answer: Answer & { status: "ok" }, agent: string | null): void {
  const { store, turn, attempt, now } = at;
  store.transaction(() => {
    // It came while the end that somebody asked for was under way.
    if (isStopped(at)) return settleStopped(at);
    const text = visibleText(answer.text);
    say(at, lastWords(store, turn, text), "answer");
    if (agent !== null && answer.session !== null) keepSession(at, agent, answer.session);
    store.turns.stampAttempt(turn.id, attempt, "answer", now);
    store.turns.endAttempt(turn.id, attempt, "answered", null, now);
    endTurn(at, "answered", { status: "success", result: text, error: null });
  });
}

/**
 * The next turn continues here. Not when the group started anew meanwhile, and never in another
 * group's conversation, whatever an agent says its own is called.
 */
function keepSession({ store, turn, attempt, now }: Settlement, agent: string, session: string): void {
  const owner = store.sessions.ownerOf(agent, session);
  if (owner !== undefined && owner !== turn.folder) return;
  // "The newest in this home" is a group's own word for it.
  if (session.startsWith("kiro:") && session !== `kiro:${turn.folder}`) return;
  const begunAt = store.turns.attempt(turn.id, attempt)?.inputAt ?? 0;
  if (begunAt > store.groups.freshAt(turn.folder)) store.sessions.set(turn.folder, agent, session, now);
}

/** The attempt failed: retry, wait or give up, as its cause says. */
export function settleFailed(at: Settlement, failure: Failure): AfterAttempt {
  const { store, turn, attempt, now } = at;
  return store.transaction(() => {
    store.turns.endAttempt(turn.id, attempt, "failed", failure, now);
    return afterFailure(at, failure);
  });
}

/**
 * The host died while the attempt ran and nothing is left of it. It is tried again at once, as
 * nothing but the host was at fault. An attempt that had its input counts all the same: a turn that
 * takes the host down must not do so for ever.
 */
export function settleInterrupted(at: Settlement, failure: Failure): AfterAttempt {
  const { store, turn, attempt, now } = at;
  return store.transaction(() => {
    store.turns.endAttempt(turn.id, attempt, "interrupted", failure, now);
    const hadInput = store.turns.attempt(turn.id, attempt)?.inputAt !== null;
    const next = afterFailure(at, failure, hadInput);
    if (next.kind === "retry") store.turns.requeue(turn.id, now, turn.told);
    return next;
  });
}

/** The host is stopping: what was cut off goes on at the next start, unless it had acted already. */
export function settleShutdown(at: Settlement): void {
  const { store, turn, attempt, now } = at;
  const failure: Failure = { class: "crash", detail: "the host was stopped", cause: "NanoClaw was stopped" };
  store.transaction(() => {
    store.turns.endAttempt(turn.id, attempt, "interrupted", failure, now);
    if (actedNow(at) || isStopped(at)) afterFailure(at, failure);
    else store.turns.requeue(turn.id, now, turn.told);
  });
}

/** A person asked for the end of this turn. */
export function settleStopped(at: Settlement): void {
  const { store, turn, attempt, now } = at;
  store.transaction(() => {
    if (attempt > 0) store.turns.endAttempt(turn.id, attempt, "cancelled", null, now);
    if (stopReason(at) !== STOPPED_AND_TOLD) say(at, "Stopped, as you asked.", "notice");
    endTurn(at, "cancelled", { status: "cancelled", result: null, error: "stopped" });
  });
}

/** There is nothing left to answer: the messages were withdrawn before the agent saw them. */
export function settleEmpty(at: Settlement): void {
  const { store, turn, attempt, now } = at;
  store.transaction(() => {
    store.turns.endAttempt(turn.id, attempt, "cancelled", null, now);
    endTurn(at, "cancelled", { status: "cancelled", result: null, error: "nothing to do" });
  });
}

function afterFailure(at: Settlement, failure: Failure, counts = failure.class === "crash"): AfterAttempt {
  if (isStopped(at)) {
    settleStopped(at);
    return { kind: "stopped" };
  }
  const { store, turn, now } = at;
  store.turns.noteFailure(turn.id, failure.class, failure.detail, counts);
  const crashes = Math.max(1, store.turns.find(turn.id)?.crashes ?? 0);
  const isTask = turn.kind === "task";
  const tell = (sentence: string) => say(at, aboutTurn(store, turn, sentence, now), "notice");
  const told = turn.told || (isTask && isToldBeside(at, failure));
  const next = decideAfterFailure({
    failure,
    crashes,
    attempts: turn.attempts,
    acted: actedNow(at),
    told,
    isTask,
    now,
  });
  switch (next.kind) {
    case "retry":
      store.turns.requeue(turn.id, next.at, turn.told);
      break;
    case "wait":
      if (next.say !== null) tell(next.say);
      store.turns.requeue(turn.id, next.at, true);
      break;
    case "end":
      tell(next.say);
      endTurn(at, next.status, { status: "error", result: null, error: `${failure.class}: ${failure.detail}` });
      break;
    default:
      next satisfies never;
  }
  return next;
}

/** Nobody asked just now: a task need not repeat what another turn of the chat was told to wait for. */
const isToldBeside = ({ store, turn }: Settlement, failure: Failure): boolean =>
  store.turns
    .openIn(turn.folder)
    .some(
      (other) => other.id !== turn.id && other.chat === turn.chat && other.told && other.failureClass === failure.class,
    );

const stopReason = ({ store, turn }: Settlement): string | null => store.turns.find(turn.id)?.stopReason ?? null;
const isStopped = (at: Settlement): boolean => stopReason(at) !== null;

/** The turn as it was claimed may be older than what its requests did since. */
const actedNow = ({ store, turn }: Settlement): boolean => store.turns.find(turn.id)?.acted ?? turn.acted;

function endTurn({ store, turn, now }: Settlement, status: TurnEnd, run: RunEnd): void {
  store.turns.end(turn.id, status, now);
  if (turn.kind === "message") passMessages(store, turn);
  endTaskRun(store, turn, run, now);
}

/** A turn that ends before any input was written has the messages that it would have taken. */
function passMessages(store: Store, turn: Turn): void {
  let toSeq = store.turns.find(turn.id)?.toSeq ?? null;
  if (toSeq === null) {
    toSeq = store.messages.newestIn(turn.chat);
    store.turns.fixRange(turn.id, store.turns.answeredSeq(turn.chat) + 1, toSeq);
  }
  store.turns.moveAnswered(turn.chat, toSeq);
}

function say({ store, turn, now }: Settlement, text: string, source: "answer" | "notice"): void {
  for (const piece of piecesFor(turn.chat, text)) {
    store.outbox.add({
      chat: turn.chat,
      folder: turn.folder,
      messageId: newMessageId(),
      text: piece,
      source,
      turn: turn.id,
      task: turn.taskId,
      requestKey: null,
      now,
    });
  }
}
