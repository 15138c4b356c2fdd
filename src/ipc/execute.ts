import { requestSchema, type Response, type ToolArguments, type ToolName } from "@nanoclaw/agent-runner/protocol";
import type { Folder } from "../domain/ids.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import { actsOutside } from "../domain/rights.ts";
import { exactIsoInZone } from "../domain/zone.ts";
import { prepareCall, Refusal, type Call, type ExecuteOptions, type FileCopy } from "./call.ts";
import { listGroups, registerGroup, removeGroup, updateGroup } from "./groups.ts";
import { searchMessages } from "./search.ts";
import { sendFile, sendMessage } from "./send.ts";
import { cancelTaskNow, listTasks, pauseTaskNow, resumeTaskNow, scheduleTask, updateTask, zoneOf } from "./tasks.ts";

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
  const later: (() => void)[] = [];
  const afterwards = (work: () => void) => void later.push(work);
  const response = store.transaction((): Response => {
    const known = store.requests.response(caller, id);
    if (known) return known;
    const now = clock.now();
    const made = answerOr(() => perform({ ...options, afterwards }, caller, id, content, file));
    // A refusal did nothing and needs no memory: asked again, it is refused again.
    const request = requestSchema.safeParse(content).data;
    if (made.ok && request) {
      store.requests.record(caller, id, request.turn, request.tool, made, now);
      store.requests.forgetBefore(now - KEPT_MS);
    }
    return made;
  });
  for (const work of later) work();
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
  list_tasks: listTasks,
  update_task: updateTask,
  pause_task: pauseTaskNow,
  resume_task: resumeTaskNow,
  cancel_task: cancelTaskNow,
  search_messages: ({ options, caller, now }, args) => {
    const found = searchMessages(options.store, caller, args, now);
    if ("problem" in found) throw new Refusal(found.problem);
    const zone = zoneOf(options, caller);
    const messages = found.messages.map((message) => ({ ...message, time: exactIsoInZone(message.time, zone) }));
    return { messages, more: found.more };
  },
  list_groups: listGroups,
  register_group: registerGroup,
  update_group: updateGroup,
  remove_group: removeGroup,
};
