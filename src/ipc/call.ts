import { requestSchema, toolArguments, toolNames, type Request, type ToolName } from "@nanoclaw/agent-runner/protocol";
import { z } from "zod";
import type { Clock } from "../domain/clock.ts";
import { isHeld } from "../domain/group.ts";
import type { Folder, Jid, TaskId, TurnId } from "../domain/ids.ts";
import { judge, type Place } from "../domain/rights.ts";
import type { OutboxFile } from "../store/outbox.ts";
import { LINKED_ACCOUNT } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import type { GroupDesk } from "./group-desk.ts";

export interface ExecuteOptions {
  store: Store;
  clock: Clock;
  /** IANA zone of chats whose group has none of its own. */
  zone: string;
  /** Takes secret values out of a message. */
  screen(text: string, folder: Folder): string;
  groups: GroupDesk;
  /** Takes work for when the request's effect is committed. */
  afterwards?(work: () => void): void;
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
  const named = args.data as { chat?: string; folder?: string };
  const chat = (named.chat ?? turn.chat) as Jid;
  const call: Call = { options, caller, id, request, turn, chat, now: options.clock.now() };
  allow(call, tool, named.folder);
  return { tool, args: args.data, call };
}

/** Only the attempt that runs now may ask: a left-over file of one that is over changes nothing. */
function liveTurn(store: Store, caller: Folder, request: Request) {
  const turn = store.turns.find(request.turn);
  if (turn?.folder !== caller) throw new Refusal("that turn is not this group's");
  if (turn.status !== "running" || turn.attempts !== request.attempt) throw new Refusal("that turn is over");
  if (turn.stopReason !== null) throw new Refusal("a person stopped that turn");
  if (turn.chat !== request.chat) throw new Refusal("that turn belongs to another chat");
  return turn;
}

/** What the host knows of a chat when it judges who may act there. */
export function placeOf(store: Store, chat: Jid): Place {
  const known = store.groups.chat(chat);
  return { folder: known?.folder, held: known !== undefined && isHeld(known, store.settings.get(LINKED_ACCOUNT)) };
}

/** @param folder the group that the request names; else it is about its chat. */
function allow({ options, caller, chat }: Call, tool: ToolName, folder: string | undefined): void {
  const place = folder === undefined ? placeOf(options.store, chat) : { folder: folder as Folder, held: false };
  const ruling = judge({ actor: { kind: "agent", folder: caller }, action: tool, chat: place });
  if (!ruling.allowed) throw new Refusal(`refused: ${ruling.reason}`);
}

/** The group that the request's chat belongs to. */
export const folderOf = ({ options, caller, chat }: Call): Folder => options.store.groups.chat(chat)?.folder ?? caller;
