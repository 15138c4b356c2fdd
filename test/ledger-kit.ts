import type { Response } from "@nanoclaw/agent-runner/protocol";
import type { Verdict } from "../src/domain/decide.ts";
import type { RegisteredChat } from "../src/domain/group.ts";
import { localJid, newTurnId, type Folder, type Jid, type TaskId, type TurnId } from "../src/domain/ids.ts";
import type { InboundMessage, LedgerMessage } from "../src/domain/message.ts";
import type { Task } from "../src/domain/task.ts";
import type { Store } from "../src/store/store.ts";
import type { Attempt, Turn } from "../src/store/turns.ts";

export const folderOf = (name: string): Folder => name as Folder;
export const jidOf = (jid: string): Jid => jid as Jid;
export const taskIdOf = (id: string): TaskId => id as TaskId;

export const registered = (folder: string, changes: Partial<RegisteredChat> = {}): RegisteredChat => ({
  jid: localJid(folderOf(folder)),
  folder: folderOf(folder),
  name: folder,
  trigger: null,
  requiresTrigger: false,
  senders: "owner",
  account: null,
  ...changes,
});

/** A group with a local chat. */
export function addGroup(store: Store, folder: string, changes: Partial<RegisteredChat> = {}): RegisteredChat {
  if (!store.groups.find(folder)) store.groups.add(folderOf(folder), folder, {}, 1);
  const chat = registered(folder, changes);
  store.groups.addChat(chat);
  store.groups.seen(chat.jid, "local", 1);
  return chat;
}

export const inbound = (changes: Partial<InboundMessage> = {}): InboundMessage => ({
  chat: localJid(folderOf("main")),
  id: `id-${Math.random()}`,
  sender: "owner",
  senderName: "Ann",
  text: "hello",
  sentAt: Date.UTC(2026, 10, 22, 17, 0, 0),
  fromOwner: true,
  fromAssistant: false,
  mentionsUs: false,
  aside: false,
  quote: null,
  attachments: [],
  away: null,
  ...changes,
});

/** The same as the ledger keeps it. */
export const kept = (changes: Partial<LedgerMessage> = {}): LedgerMessage => ({
  ...inbound(),
  quote: null,
  ...changes,
});

export const wakes: Verdict = { decision: "wakes", reason: "main" };
export const context: Verdict = { decision: "context", reason: "no-trigger" };

/** A stored message; returns its seq. */
export function say(store: Store, text: string, changes: Partial<LedgerMessage> = {}, verdict = wakes): number {
  const message = kept({ text, ...changes });
  const folder = store.groups.chat(message.chat)?.folder ?? folderOf("main");
  const seq = store.messages.add(message, folder, verdict, message.sentAt);
  if (seq === undefined) throw new Error("that message was there already");
  return seq;
}

export interface Started {
  turn: Turn;
  attempt: Attempt;
}

export const found = <T>(value: T | undefined | null): T => {
  if (value === undefined || value === null) throw new Error("it should be there");
  return value;
};

/** A turn that runs, with its first attempt open. */
export function startTurn(store: Store, folder = "main", task?: Task, now = 1_000): Started {
  const id = newTurnId();
  const chat = task?.chat ?? localJid(folderOf(folder));
  const kind = task ? "task" : "message";
  const due = { taskId: task?.id ?? null, taskDueAt: task ? now : null };
  store.turns.add({ id, folder: folderOf(folder), chat, kind, ...due, status: "running", queueSeq: 1, dueAt: 0, now });
  if (task) store.tasks.logQueued(task.id, id, now);
  if (task?.schedule.type === "once") store.tasks.setNextRun(task.id, null);
  return startAttempt(store, id, now);
}

/** One more attempt at a turn. */
export function startAttempt(store: Store, id: TurnId, now = 1_000): Started {
  store.turns.setRunning(id);
  const n = store.turns.startAttempt(id, "0123456789abcdef", now);
  return { turn: found(store.turns.find(id)), attempt: found(store.turns.attempt(id, n)) };
}

export function addTask(store: Store, changes: Partial<Task> = {}): Task {
  const folder = changes.folder ?? folderOf("main");
  const task: Task = {
    id: taskIdOf(`task-${String(store.tasks.all().length).padStart(8, "0")}`),
    folder,
    chat: localJid(folder),
    prompt: "Send this reminder: stretch",
    schedule: { type: "once", value: "2026-11-22T19:00:00", zone: "Europe/Berlin" },
    contextMode: "group",
    missed: "latest",
    staleAfter: null,
    status: "active",
    nextRun: 2_000,
    lastRun: null,
    lastResult: null,
    createdAt: 1,
    createdTurn: null,
    ...changes,
  };
  store.tasks.add(task);
  return task;
}

/** Texts in the outbox of a chat, oldest first. */
export const sentTo = (store: Store, folder = "main"): string[] =>
  store.outbox.after(localJid(folderOf(folder)), 0, 1_000).map(({ text }) => text);

/** What a tool call was answered: its result, or the refusal as text. */
export const resultOf = (response: Response): unknown => (response.ok ? response.result : response.error);
