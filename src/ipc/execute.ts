import {
  requestSchema,
  type Request,
  type Response,
  type ToolArguments,
  type ToolName,
} from "@nanoclaw/agent-runner/protocol";
import { MAIN, newTaskId, type Folder, type TurnId } from "../domain/ids.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import { actsOutside } from "../domain/rights.ts";
import { firstRun } from "../domain/schedule.ts";
import { taskView, type Task } from "../domain/task.ts";
import { exactIsoInZone } from "../domain/zone.ts";
import type { Store } from "../store/store.ts";
import { folderOf, prepareCall, Refusal, type Call, type ExecuteOptions, type FileCopy } from "./call.ts";
import { searchMessages } from "./search.ts";
import { sendFile, sendMessage } from "./send.ts";

/** What `list_tasks` shows at most, and how much of each prompt, so that a response stays small. */
const MOST_TASKS = 100;
const LISTED_PROMPT = 1_000;
/** A refusal may quote what it refuses. */
const LONGEST_REFUSAL = 2_000;

/** How long a request's response is kept: its turn is over long before. */
const KEPT_MS = 7 * 24 * 60 * 60_000;

/**
 * Executes one request and keeps its response, in one transaction: a second execution of the same
 * id changes nothing and answers the same. Refusals are responses; a throw means that nothing was
 * done and that it may be tried again.
 * @param file the copy of the file that came with it.
 */
export function executeRequest(
  options: ExecuteOptions,
  caller: Folder,
  id: string,
  content: unknown,
  file?: FileCopy,
): Response {
  const { store, clock } = options;
  const response = store.transaction((): Response => {
    const known = store.requests.response(caller, id);
    if (known) return known;
    const now = clock.now();
    const made = answerOr(() => perform(options, caller, id, content, file));
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

/** Its result, or the refusal. */
export function answerOr(work: () => unknown): Response {
  try {
    return { ok: true, result: work() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, error: cutAtCharacter(error.message, LONGEST_REFUSAL) };
    throw error;
  }
}

function perform(
  options: ExecuteOptions,
  caller: Folder,
  id: string,
  content: unknown,
  file: FileCopy | undefined,
): unknown {
  const { tool, args, call } = prepareCall(options, caller, id, content);
  const result = effects[tool](call, args as never, file);
  // Not before: what was refused had no effect.
  if (actsOutside(tool)) options.store.turns.markActed(call.turn.id);
  return result;
}

type Effect<Name extends ToolName> = (call: Call, args: ToolArguments<Name>, file: FileCopy | undefined) => unknown;

const effects: { [Name in ToolName]: Effect<Name> } = {
  send_message: sendMessage,
  send_file: sendFile,
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

function scheduleTask(call: Call, args: ToolArguments<"schedule_task">) {
  const { options, request, turn, chat, now } = call;
  const { store } = options;
  const folder = folderOf(call);
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
    createdTurn: turn.id,
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
