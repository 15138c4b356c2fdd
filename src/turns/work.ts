import type { AgentName } from "../domain/agent-choice.ts";
import type { Failure } from "../domain/failure.ts";
import type { Group, RegisteredChat } from "../domain/group.ts";
import type { Attempt, Turn } from "../store/turns.ts";

/** One attempt with everything that is known before it begins. */
export interface Work {
  turn: Turn;
  attempt: Attempt;
  group: Group;
  chat: RegisteredChat;
  agent: AgentName;
}

/** There is nothing to begin: the group is gone (no failure), or no agent is set for the chat. */
export interface NoWork {
  turn: Turn;
  failure: Failure | null;
}
