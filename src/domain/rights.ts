import type { ToolName } from "@nanoclaw/agent-runner/protocol";
import { MAIN, type Folder } from "./ids.ts";

export interface RequestFacts {
  /** The folder the request file lay in: the caller. */
  caller: Folder;
  tool: ToolName;
  /** Folder of the chat that the request acts on; absent when that chat is not registered. */
  chatFolder: Folder | undefined;
  /** The request names a chat of its own choice, not the turn's. */
  otherChat: boolean;
  /** Owner of the task that the request acts on, where it names one. */
  taskFolder?: Folder | undefined;
}

export type Ruling = { allowed: true } | { allowed: false; reason: string };

/** May this group's agent do this? The main group may act on every group, others on themselves. */
export function judgeRequest({ caller, chatFolder, otherChat, taskFolder }: RequestFacts): Ruling {
  if (chatFolder === undefined) return deny("that chat is not registered");
  if (caller === MAIN) return { allowed: true };
  if (chatFolder !== caller) {
    return deny(
      otherChat ? "only the main group may act on another chat" : "this turn's chat belongs to another group",
    );
  }
  if (taskFolder !== undefined && taskFolder !== caller) return deny("that task belongs to another group");
  return { allowed: true };
}

const deny = (reason: string): Ruling => ({ allowed: false, reason });

/** Tools whose effect reaches beyond the group's own folder: a turn that used one is not repeated. */
const reachOutside: Record<ToolName, boolean> = {
  send_message: true,
  send_file: true,
  schedule_task: true,
  cancel_task: true,
  list_tasks: false,
  search_messages: false,
};
export const actsOutside = (tool: ToolName): boolean => reachOutside[tool];
