import type { ToolName } from "@nanoclaw/agent-runner/protocol";
import type { Senders } from "./group.ts";
import { MAIN, type Folder } from "./ids.ts";

/** Whose word counts how much in a chat: owner, who may start turns, everybody else. */
export type Role = "owner" | "member" | "guest";

/** Who wants something. */
export type Actor =
  /** Whoever may open the control socket, that is the owner at this machine. */
  | { kind: "cli" }
  /** The agent of a turn of that group; what a person causes by asking it is its doing. */
  | { kind: "agent"; folder: Folder }
  /** Somebody who writes in a chat of that group; undefined: of none. */
  | { kind: "person"; role: Role; folder: Folder | undefined };

/** What the action is about: a chat, or the group or task that it names. */
export interface Place {
  /** The group it belongs to; undefined when nobody registered it. */
  folder: Folder | undefined;
  /** Registered for another account than the one that is linked. */
  held: boolean;
}

export const consoleCommands = ["/help", "/status", "/stop", "/new", "/tasks", "/why", "/groups"] as const;
export type ConsoleCommand = (typeof consoleCommands)[number];

export type Action =
  ToolName | ConsoleCommand | "start_turn" | "read_global_notes" | "write_global_notes" | OwnersAction;

/**
 * Opens something of the owner's, or cannot be undone: never on an agent's word. `open_main` lets
 * more people or chats into main, and with it to all groups.
 */
type OwnersAction =
  | "set_mounts"
  | "set_mcp"
  | "share_login"
  | "open_network"
  | "raise_limits"
  | "open_main"
  | "purge_group"
  | "confirm_chats";

export interface RightsFacts {
  actor: Actor;
  action: Action;
  chat: Place;
}

export type Ruling = { allowed: true } | { allowed: false; reason: string };

/** May this actor do this there? The one place that says so. */
export function judge({ actor, action, chat }: RightsFacts): Ruling {
  const { rule, speaks } = rules[action];
  if (goneForGood.includes(action) && chat.folder === MAIN)
    return deny("the main group cannot be removed: it manages all the others");
  if (chat.folder === undefined && !mayBeNobodys.includes(rule)) return deny("that chat is not registered");
  if (speaks && chat.held) {
    return deny("that chat belongs to another WhatsApp account until the owner confirms it (nanoclaw groups confirm)");
  }
  if (actor.kind === "cli") return ALLOWED;
  return judgements[rule](actor, chat.folder);
}

const goneForGood: readonly Action[] = ["remove_group", "purge_group"];

type Inside = Exclude<Actor, { kind: "cli" }>;
type Rule = "own" | "members" | "owner" | "groups" | "console" | "everywhere" | "machine";

/** A chat that nobody registered is what these are about. */
const mayBeNobodys: readonly Rule[] = ["groups", "machine"];

/** `speaks`: it leads to words in the chat. Nothing is said where the account changed. */
const rules: Record<Action, { rule: Rule; speaks: boolean }> = {
  send_message: { rule: "own", speaks: true },
  send_file: { rule: "own", speaks: true },
  schedule_task: { rule: "own", speaks: true },
  list_tasks: { rule: "own", speaks: false },
  update_task: { rule: "own", speaks: false },
  pause_task: { rule: "own", speaks: false },
  resume_task: { rule: "own", speaks: false },
  cancel_task: { rule: "own", speaks: false },
  search_messages: { rule: "own", speaks: false },
  list_groups: { rule: "groups", speaks: false },
  register_group: { rule: "groups", speaks: false },
  update_group: { rule: "groups", speaks: false },
  remove_group: { rule: "groups", speaks: false },
  start_turn: { rule: "members", speaks: true },
  "/help": { rule: "members", speaks: true },
  "/status": { rule: "members", speaks: true },
  "/stop": { rule: "members", speaks: true },
  "/tasks": { rule: "members", speaks: true },
  "/why": { rule: "members", speaks: true },
  "/new": { rule: "owner", speaks: true },
  "/groups": { rule: "console", speaks: true },
  read_global_notes: { rule: "everywhere", speaks: false },
  write_global_notes: { rule: "groups", speaks: false },
  set_mounts: { rule: "machine", speaks: false },
  set_mcp: { rule: "machine", speaks: false },
  share_login: { rule: "machine", speaks: false },
  open_network: { rule: "machine", speaks: false },
  raise_limits: { rule: "machine", speaks: false },
  open_main: { rule: "machine", speaks: false },
  purge_group: { rule: "machine", speaks: false },
  confirm_chats: { rule: "machine", speaks: false },
};

export const actions = Object.keys(rules) as Action[];

const ALLOWED: Ruling = { allowed: true };
const deny = (reason: string): Ruling => ({ allowed: false, reason });

const judgements: Record<Rule, (actor: Inside, target: Folder | undefined) => Ruling> = {
  own: (actor, target) => (isGuest(actor) ? GUEST : reaches(actor, target) ? ALLOWED : OTHER),
  members: (actor, target) => (actor.kind === "agent" ? TYPED : judgements.own(actor, target)),
  owner: (actor, target) => {
    if (actor.kind === "person" && actor.role !== "owner") return deny("only the owner may do that");
    return judgements.members(actor, target);
  },
  groups: (actor) =>
    isGuest(actor) ? GUEST : actor.folder === MAIN ? ALLOWED : deny("only the main group may do that"),
  console: (actor, target) => {
    if (actor.kind === "person" && actor.role !== "owner") return deny("only the owner may do that");
    return actor.kind === "agent" ? TYPED : judgements.groups(actor, target);
  },
  everywhere: (actor) => (isGuest(actor) ? GUEST : ALLOWED),
  machine: () => deny("only the owner may do that, at the host's machine, with the command nanoclaw groups"),
};

const isGuest = (actor: Inside): boolean => actor.kind === "person" && actor.role === "guest";
const reaches = ({ folder }: Inside, target: Folder | undefined): boolean => folder === MAIN || folder === target;

const GUEST = deny("only the owner, and whom the owner named as senders, may ask for anything here");
const OTHER = deny("that belongs to another group; only the main group may act there");
const TYPED = deny("people type that; an agent cannot");

/** @param sender canonical, as the chat's list of senders. */
export function roleOf({ fromOwner, sender }: { fromOwner: boolean; sender: string }, senders: Senders): Role {
  if (fromOwner) return "owner";
  if (senders === "everyone") return "member";
  return senders !== "owner" && senders.includes(sender) ? "member" : "guest";
}

/** Whose tasks and history a group's agent sees; null: everyone's. */
export const scopeOf = (caller: Folder): Folder | null => (caller === MAIN ? null : caller);

/** Tools whose effect reaches beyond the group's own folder: a turn that used one is not repeated. */
const lookOnly: readonly Action[] = ["list_tasks", "search_messages", "list_groups"];
export const actsOutside = (tool: ToolName): boolean => !lookOnly.includes(tool);
