import {
  requestSchema,
  toolArguments,
  toolNames,
  type Request,
  type Response,
  type ToolArguments,
  type ToolName,
} from "@nanoclaw/agent-runner/protocol";
import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import { MAIN, newMessageId, newTaskId, type Folder, type Jid, type TurnId } from "../domain/ids.ts";
import { visibleText } from "../domain/outgoing.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import { actsOutside, judgeRequest } from "../domain/rights.ts";
import { firstRun } from "../domain/schedule.ts";
import { taskView, type Task } from "../domain/task.ts";
import { exactIsoInZone } from "../domain/zone.ts";
import type { Store } from "../store/store.ts";
import { searchMessages } from "./search.ts";

export interface ExecuteOptions {
  store: Store;
  clock: Clock;
  /** IANA zone of chats whose group has none of its own. */
  zone: string;
  /** Takes secret values out of a message. */
  screen(text: string, folder: Folder): string;
  /** Rows were added to the outbox or the schedule: look now. */
  onOutbox(): void;
  onSchedule(): void;
}

/** What `list_tasks` shows at most, and how much of each prompt, so that a response stays small. */
const MOST_TASKS = 100;
const LISTED_PROMPT = 1_000;
/** A refusal may quote what it refuses. */
const LONGEST_REFUSAL = 2_000;

/** How long a request's response is kept: its turn is over long before. */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/** Refused; the message goes to the agent. */
class Refusal extends Error {}

interface Call {
  options: ExecuteOptions;
  caller: Folder;
  id: string;
  request: Request;
  /** The chat that the request acts on. */
  chat: Jid;
  now: number;
}

/**
 * Executes one request and keeps its response, in one transaction: a second execution of the same
 * id changes nothing and answers the same. Refusals are responses; a throw means that nothing was
 * done and that it may be tried again.
 */
export function executeRequest(options: ExecuteOptions, caller: Folder, id: string, content: unknown): Response {
  const { store, clock } = options;
  const response = store.transaction((): Response => {
    const known = store.requests.response(caller, id);
    if (known) return known;
    const now = clock.now();
    const made = answer(options, caller, id, content, now);
    // A refusal did nothing and needs no memory: asked again, it is refused again.
    const request = requestSchema.safeParse(content).data;
    if (made.ok && request) {
      store.requests.record(caller, id, request.turn, request.tool, made, now);
      store.requests.forgetBefore(now - KEPT_MS);
    }
    return made;
  });
  options.onOutbox();
  options.onSchedule();
  return response;
}

function answer(options: ExecuteOptions, caller: Folder, id: string, content: unknown, now: number): Response {
  try {
    const request = requestSchema.safeParse(content);
    if (!request.success) throw new Refusal(`malformed request: ${z.prettifyError(request.error)}`);
    return { ok: true, result: perform(options, caller, id, request.data, now) };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: cutAtCharacter(error.message, LONGEST_REFUSAL) };
    throw error;
  }
}

function perform(options: ExecuteOptions, caller: Folder, id: string, request: Request, now: number): unknown {
  const tool = toolNames.find((name) => name === request.tool);
  if (!tool) throw new Refusal(`there is no tool "${request.tool}"; there are: ${toolNames.join(", ")}`);
  const args = toolArguments[tool].safeParse(request.args);
  if (!args.success) throw new Refusal(`${tool}: ${z.prettifyError(args.error)}`);
  const turn = liveTurn(options.store, caller, request);
  const named = (args.data as { chat?: string }).chat;
  const chat = (named ?? turn.chat) as Jid;
  const call: Call = { options, caller, id, request, chat, now };
  allow(call, tool, named !== undefined && named !== turn.chat);
  const result = effects[tool](call, args.data as never);
  // Not before: what was refused had no effect.
  if (actsOutside(tool)) options.store.turns.markActed(turn.id);
  return result;
}

/** Only the attempt that runs now may ask: a left-over file of one that is over changes nothing. */
function liveTurn(store: Store, caller: Folder, request: Request) {
  const turn = store.turns.find(request.turn);
  if (turn?.folder !== caller) throw new Refusal("that turn is not this group's");
  if (turn.status !== "running" || turn.attempts !== request.attempt) throw new Refusal("that turn is over");
  if (turn.chat !== request.chat) throw new Refusal("that turn belongs to another chat");
  return turn;
}

function allow({ options, caller, chat }: Call, tool: ToolName, otherChat: boolean): void {
  const chatFolder = options.store.groups.chat(chat)?.folder;
  const ruling = judgeRequest({ caller, tool, chatFolder, otherChat });
  if (!ruling.allowed) throw new Refusal(`refused: ${ruling.reason}`);
}

const effects: { [Name in ToolName]: (call: Call, args: ToolArguments<Name>) => unknown } = {
  send_message: sendMessage,
  schedule_task: scheduleTask,
  list_tasks: ({ options, caller }) => {
    const tasks = options.store.tasks.open(caller === MAIN ? null : caller).slice(0, MOST_TASKS);
    return { tasks: tasks.map((task) => taskView({ ...task, prompt: cutAtCharacter(task.prompt, LISTED_PROMPT) })) };
  },
  cancel_task: cancelTask,
  search_messages: ({ options, caller, now }, args) => {
    const found = searchMessages(options.store, caller, args, now);
    if ("problem" in found) throw new Refusal(found.problem);
    const zone = zoneOf(options, caller);
    const messages = found.messages.map((message) => ({ ...message, time: exactIsoInZone(message.time, zone) }));
    return { messages, more: found.more };
  },
};

function sendMessage({ options, caller, id, request, chat, now }: Call, { text }: ToolArguments<"send_message">) {
  const visible = visibleText(options.screen(text, caller));
  if (visible === "") throw new Refusal("there is nothing to send: the text has no visible part");
  const folder = options.store.groups.chat(chat)?.folder ?? caller;
  const messageId = newMessageId();
  const turn = options.store.turns.find(request.turn);
  options.store.outbox.add({
    chat,
    folder,
    messageId,
    text: visible,
    source: "send_message",
    turn: turn?.id ?? null,
    task: turn?.taskId ?? null,
    requestKey: `${caller}/${id}`,
    now,
  });
  return { message_id: messageId };
}

function scheduleTask({ options, caller, request, chat, now }: Call, args: ToolArguments<"schedule_task">) {
  const { store } = options;
  const folder = store.groups.chat(chat)?.folder ?? caller;
  const schedule = {
    type: args.schedule_type,
    value: args.schedule_value,
    zone: args.zone ?? zoneOf(options, folder),
  };
  const first = firstRun(schedule, args.schedule_type === "once" ? askedAt(store, request, now) : now);
  if (!first.ok) throw new Refusal(first.problem);
  const task: Task = {
    id: newTaskId(),
    folder,
    chat,
    prompt: args.prompt,
    schedule,
    contextMode: args.context_mode ?? "group",
    status: "active",
    nextRun: first.value,
    lastRun: null,
    lastResult: null,
    createdAt: now,
    createdTurn: store.turns.find(request.turn)?.id ?? null,
  };
  store.tasks.add(task);
  return taskView(task);
}

/**
 * The time that the agent was told. "In one second" may be past when a slow agent asks for it, and
 * is then due at once.
 */
const askedAt = (store: Store, { turn, attempt }: Request, now: number): number =>
  Math.min(now, store.turns.attempt(turn as TurnId, attempt)?.inputAt ?? now);

function cancelTask({ options, caller }: Call, { task_id }: ToolArguments<"cancel_task">) {
  const { store } = options;
  const task = store.tasks.find(task_id);
  if (!task || (caller !== MAIN && task.folder !== caller)) {
    throw new Refusal(`there is no task ${task_id} in this group; list_tasks shows what there is`);
  }
  if (!store.tasks.cancel(task.id)) throw new Refusal(`task ${task_id} is ${task.status} already`);
  return taskView({ ...task, status: "cancelled", nextRun: null });
}

const zoneOf = ({ store, zone }: ExecuteOptions, folder: Folder): string =>
  store.groups.find(folder)?.settings.zone ?? zone;
