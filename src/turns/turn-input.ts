import { PROTOCOL_VERSION, type AgentSettings, type TurnInput } from "@nanoclaw/agent-runner/protocol";
import type { Group, RegisteredChat } from "../domain/group.ts";
import { MAIN, type Folder } from "../domain/ids.ts";
import { spokenText } from "../domain/outgoing.ts";
import { cutAtCharacter, interruptedNote, messagePrompt, taskPrompt, type PromptChat } from "../domain/prompt.ts";
import type { ChatPeople } from "../domain/prompt-people.ts";
import type { StoredMessage } from "../store/messages.ts";
import { lateNoteForAgent } from "../domain/task-notice.ts";
import { recapOf } from "./recap.ts";
import { isStaleRun, latenessOf } from "./settle-task.ts";
import type { Store } from "../store/store.ts";
import type { Attempt, Turn } from "../store/turns.ts";

/** More messages than any budget holds need not be read. */
const MOST_MESSAGES = 2_000;

export interface TurnInputFacts {
  store: Store;
  turn: Turn;
  attempt: Attempt;
  group: Group;
  chat: RegisteredChat;
  zone: string;
  agent: AgentSettings;
  outputBytes: number;
  promptBudget: number;
  /** Where this run finds what came with messages. */
  inbox: string;
  /** Who is in the chat. */
  people?: ChatPeople;
  secrets: Record<string, string>;
  oneShot: boolean;
  now: number;
}

export interface PreparedInput {
  input: TurnInput;
  /** The messages it holds; null for a task. */
  range: { fromSeq: number; toSeq: number } | null;
  /** Failed messages of the outbox that it tells of. */
  told: readonly number[];
}

/** The turn as it stands now, with everything that arrived until this moment; null when nothing is left to answer. */
export function prepareInput(facts: TurnInputFacts): PreparedInput | null {
  const { turn, attempt, group, chat, zone, agent, now } = facts;
  const { people } = facts;
  const place: PromptChat = { jid: chat.jid, name: chat.name, folder: group.folder, zone, ...(people && { people }) };
  const made = turn.kind === "task" ? preparedTask(facts, place) : preparedMessages(facts, place);
  if (!made) return null;
  const resumed = isolated(facts) ? null : facts.store.sessions.get(group.folder, agent.backend);
  const input: TurnInput = {
    protocol: PROTOCOL_VERSION,
    turn: turn.id,
    attempt: attempt.n,
    kind: turn.kind,
    group: { folder: group.folder, name: group.name, main: group.folder === MAIN },
    chat: { jid: chat.jid, name: chat.name, zone },
    prompt: made.prompt,
    now,
    session: resumed,
    recap: agent.backend === "offline" || isolated(facts) ? null : recapOf(facts.store, group.folder, zone),
    agent,
    limits: { outputBytes: facts.outputBytes },
    secrets: facts.secrets,
    frameToken: attempt.frameToken,
    oneShot: facts.oneShot,
  };
  return { input, range: made.range, told: made.told };
}

/** An isolated run neither continues the group's session nor leaves one behind. */
export function isolated({ store, turn }: Pick<TurnInputFacts, "store" | "turn">): boolean {
  return turn.taskId !== null && store.tasks.find(turn.taskId)?.contextMode === "isolated";
}

function preparedTask({ store, turn, now, ...facts }: TurnInputFacts, chat: PromptChat) {
  const task = turn.taskId === null ? undefined : store.tasks.find(turn.taskId);
  // Paused, cancelled or outdated while it waited.
  if (task?.status !== "active" || isStaleRun(task, turn, now)) return null;
  const dueAt = turn.taskDueAt ?? now;
  const unsent = unsentNotes(store, turn.folder);
  const late = latenessOf(store, turn, now);
  const lateNotes = late === null ? [] : [lateNoteForAgent(late)];
  const notes = [...lateNotes, ...earlierAttemptNotes({ store, turn, ...facts }, chat.zone), ...unsent.notes];
  const prompt = taskPrompt({ chat, now, task: { id: task.id, prompt: task.prompt, dueAt }, notes });
  return { prompt, range: null, told: unsent.told };
}

function preparedMessages(facts: TurnInputFacts, chat: PromptChat) {
  const { store, turn, now, promptBudget } = facts;
  const { after, note } = startOfRange(store, turn);
  const toSeq = store.messages.newestIn(turn.chat);
  const messages = store.messages.forPrompt(turn.chat, after, toSeq, MOST_MESSAGES);
  const call = store.messages.newestCall(turn.chat, after, toSeq);
  if (!call) return null;
  // The talk of a busy chat must not push out what the turn is about.
  if (!messages.some(({ seq }) => seq === call.seq)) messages.unshift(call);
  const olderCount = store.messages.countForPrompt(turn.chat, after, toSeq) - messages.length;
  const unsent = unsentNotes(store, turn.folder);
  const notes = [...(note === null ? [] : [note]), ...earlierAttemptNotes(facts, chat.zone), ...unsent.notes];
  const isGroup = chat.people?.kind === "group";
  const lines = messages.map((message) => ({
    ...promptMessage(message, facts.inbox),
    owner: isGroup && message.fromOwner,
  }));
  const prompt = messagePrompt({ chat, now, messages: lines, olderCount, notes, budget: promptBudget });
  return { prompt, range: { fromSeq: after + 1, toSeq }, told: unsent.told };
}

/** "Go on" needs to know what: a turn that was cut off hands its messages to the next one. */
function startOfRange(store: Store, turn: Turn): { after: number; note: string | null } {
  const answered = store.turns.answeredSeq(turn.chat);
  const last = store.turns.lastEnded(turn.chat);
  if (last?.status !== "interrupted" || last.fromSeq === null) return { after: answered, note: null };
  const sent = store.outbox.ofTurn(last.id).filter((row) => row.source === "send_message").length;
  const note = `The turn before was cut off after it had already acted (messages sent: ${sent}). Its messages are repeated here; do not repeat what was done, and go on only if the person wants it.`;
  return { after: Math.min(answered, last.fromSeq - 1), note };
}

function earlierAttemptNotes(
  { store, turn, attempt }: Pick<TurnInputFacts, "store" | "turn" | "attempt">,
  zone: string,
) {
  const at = store.turns.earlierInput(turn.id, attempt.n);
  return at === undefined ? [] : [interruptedNote(at, zone)];
}

/** The agent thinks that these arrived. */
function unsentNotes(store: Store, folder: Folder): { notes: string[]; told: number[] } {
  const failed = store.outbox.failedUntold(folder);
  const notes = failed.map(
    (row) =>
      `A message of yours to ${row.chat} could not be sent (${row.error ?? "no reason known"}). It began: "${cutAtCharacter(spokenText(row), 80)}"`,
  );
  return { notes, told: failed.map(({ seq }) => seq) };
}

const promptMessage = (message: StoredMessage, inbox: string) => ({
  senderName: message.senderName,
  text: message.text,
  sentAt: message.sentAt,
  guest: message.reason === "sender-not-allowed",
  quoteText: message.quoteText,
  quoteClaimed: message.quoteClaimed,
  attachments: message.attachments.map((file) => ({
    ...file,
    path: file.path?.replace(/^inbox(?=\/)/, () => inbox) ?? null,
  })),
  call: message.decision === "wakes",
});
