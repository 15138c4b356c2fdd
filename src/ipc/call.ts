import { requestSchema, toolArguments, toolNames, type Request, type ToolName } from "@nanoclaw/agent-runner/protocol";
import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import type { Folder, Jid, TaskId, TurnId } from "../domain/ids.ts";
import { judgeRequest } from "../domain/rights.ts";
import type { OutboxFile } from "../store/outbox.ts";
import type { Store } from "../store/store.ts";

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

/** Refused; the message goes to the agent. */
export class Refusal extends Error {}

export interface Call {
  options: ExecuteOptions;
  caller: Folder;
  id: string;
  request: Request;
  turn: { id: TurnId; taskId: TaskId | null };
  /** The chat that the request acts on. */
  chat: Jid;
  now: number;
}

/** The host's copy of the file that came with a request, under the id of the message to be. */
export interface FileCopy {
  messageId: string;
  path: OutboxFile["path"];
  bytes: number;
}

export interface Prepared {
  tool: ToolName;
  /** Parsed by the tool's schema. */
  args: unknown;
  call: Call;
}

/**
 * A request that may be executed.
 * @throws {Refusal} for every other one.
 */
export function prepareCall(options: ExecuteOptions, caller: Folder, id: string, content: unknown): Prepared {
  const parsed = requestSchema.safeParse(content);
  if (!parsed.success) throw new Refusal(`malformed request: ${z.prettifyError(parsed.error)}`);
  const request = parsed.data;
  const tool = toolNames.find((name) => name === request.tool);
  if (!tool) throw new Refusal(`there is no tool "${request.tool}"; there are: ${toolNames.join(", ")}`);
  const args = toolArguments[tool].safeParse(request.args);
  if (!args.success) throw new Refusal(`${tool}: ${z.prettifyError(args.error)}`);
  const turn = liveTurn(options.store, caller, request);
  const named = (args.data as { chat?: string }).chat;
  const chat = (named ?? turn.chat) as Jid;
  const call: Call = { options, caller, id, request, turn, chat, now: options.clock.now() };
  allow(call, tool, named !== undefined && named !== turn.chat);
  return { tool, args: args.data, call };
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

/** The group that the request's chat belongs to. */
export const folderOf = ({ options, caller, chat }: Call): Folder => options.store.groups.chat(chat)?.folder ?? caller;
