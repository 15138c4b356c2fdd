import type { RegisteredChat } from "./group.ts";
import { isLocal, MAIN, type Folder } from "./ids.ts";
import { consoleCommands, judge, type ConsoleCommand, type Role } from "./rights.ts";
import { isTrigger } from "./trigger.ts";

/** A text as it may be a command. */
export interface Said {
  text: string;
  /** Of the chat. */
  trigger: string;
  /** It names us with a real mention. */
  mentionsUs: boolean;
  folder: Folder;
}

/** No trigger is that long. */
const LONGEST = 200;

/** The command that a message is as a whole, with or without the trigger before it; others are the agent's. */
export function readCommand({ text, trigger, mentionsUs, folder }: Said): ConsoleCommand | undefined {
  const said = text.trim();
  const found = said.length > LONGEST ? null : /^(.*?)\s*(\/[a-z]+)$/is.exec(said);
  if (!found) return undefined;
  const [, before = "", word = ""] = found;
  const command = consoleCommands.find((name) => name === word.toLowerCase());
  if (command === "/groups" && folder !== MAIN) return undefined;
  const isCalled = before === "" || isTrigger(before, trigger) || (mentionsUs && /^@\S+$/.test(before));
  return isCalled ? command : undefined;
}

/** A command that somebody gave who may start turns in that chat. */
export interface Asked {
  /** Of the message. */
  seq: number;
  command: ConsoleCommand;
  chat: RegisteredChat;
  role: Role;
}

/**
 * How far an answer looks. What is said in a chat is read by all who are in it, so the whole host is
 * told of to the owner in main alone, and a group's other chats in its local chat.
 */
export type Scope = "host" | "group" | "chat";

export type CommandRuling = { allowed: true; scope: Scope } | { allowed: false; reason: string };

/** What the chat was registered for is judged before: a held one has no console. */
export function judgeCommand({ command, chat, role }: Pick<Asked, "command" | "chat" | "role">): CommandRuling {
  const actor = { kind: "person", role, folder: chat.folder } as const;
  const ruling = judge({ actor, action: command, chat: { folder: chat.folder, held: false } });
  if (!ruling.allowed) return ruling;
  const scope = scopeOf({ command, chat, role });
  // It tells of nothing but other groups.
  if (command === "/groups" && scope !== "host") return { allowed: false, reason: "only the owner may do that" };
  return { allowed: true, scope };
}

function scopeOf({ command, chat, role }: Pick<Asked, "command" | "chat" | "role">): Scope {
  if (role !== "owner") return "chat";
  // Ending what runs here does not mean what runs elsewhere.
  if (command === "/stop" || command === "/new") return "group";
  if (chat.folder === MAIN) return "host";
  return isLocal(chat.jid) ? "group" : "chat";
}
