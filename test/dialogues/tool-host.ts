import type { ToolClient } from "../../container/agent-runner/src/backends/backend.ts";

/** A task whose time has come, as the prompt of its run names it. */
export interface FiredTask {
  id: string;
  /** ISO 8601 with offset, in the chat's zone. */
  due: string;
  prompt: string;
}

/** The host's side of a dialogue. */
export interface ToolHost {
  tools: ToolClient;
  /** Lets time pass up to then; what fell due on the way, in order. */
  advance(toMs: number): Promise<FiredTask[]>;
}

export interface DialogueChat {
  name: string;
  jid: string;
  folder: string;
  zone: string;
}

export interface OldMessage {
  time: string;
  sender: string;
  text: string;
}

/** What a host needs to be built for one dialogue. */
export interface DialogueWorld {
  chat: DialogueChat;
  /** What was said here before, oldest first. */
  history: OldMessage[];
  now(): number;
}

export type ToolHostFactory = (world: DialogueWorld) => ToolHost;
