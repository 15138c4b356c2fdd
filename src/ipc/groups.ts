import type { GroupToolView, ToolArguments } from "@nanoclaw/agent-runner/protocol";
import { GroupError } from "../control/group-error.ts";
import { chatNamed, sendersNamed } from "../control/name-persons.ts";
import type { GroupView, Senders } from "../domain/group.ts";
import { judgeChange, type GroupChange } from "../domain/group-rights.ts";
import { isLocal, type Folder } from "../domain/ids.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { Store } from "../store/store.ts";
import { Refusal, type Call } from "./call.ts";
import type { DeskOutcome } from "./group-desk.ts";

/** So that a response stays well below its limit. */
const MOST_GROUPS = 100;
const MOST_UNREGISTERED = 300;
const LONGEST_NAME = 100;

export function listGroups({ options }: Call) {
  const groups = options.groups.list();
  const registered = new Set(groups.flatMap(({ chats }) => chats.map(({ jid }) => jid as string)));
  const others = options.groups.known()?.filter(({ jid }) => !registered.has(jid));
  return {
    groups: groups.slice(0, MOST_GROUPS).map(viewOf),
    unregistered: others?.slice(0, MOST_UNREGISTERED).map(({ jid, name }) => ({ jid, name: oneLine(name) })) ?? null,
    more: groups.length > MOST_GROUPS || (others?.length ?? 0) > MOST_UNREGISTERED,
  };
}

export function registerGroup(call: Call, args: ToolArguments<"register_group">): GroupToolView {
  const { requires_trigger: requiresTrigger, ...request } = args;
  allowChange(call, { ...request, folder: request.folder as Folder, once: onceBefore(call, request) });
  return done(call, call.options.groups.register({ ...request, requiresTrigger }));
}

export function updateGroup(call: Call, args: ToolArguments<"update_group">): GroupToolView {
  const { folder, requires_trigger: requiresTrigger, ...request } = args;
  allowChange(call, { ...request, folder: folder as Folder });
  return done(call, call.options.groups.change(folder, { ...request, requiresTrigger }));
}

export function removeGroup(call: Call, { folder }: ToolArguments<"remove_group">): GroupToolView {
  const view = done(call, call.options.groups.remove(folder));
  call.options.afterwards?.(() => call.options.groups.removed(folder as Folder));
  return view;
}

/** That the caller may change groups at all is judged before. */
function allowChange({ caller, options }: Call, change: GroupChange): void {
  const now = nowOf(options.store, change.folder);
  const senders = named(() => sendersNamed(options.store, change.senders)) ?? change.senders;
  const ruling = judgeChange({ kind: "agent", folder: caller }, { ...change, now, senders }, options.groups.limits);
  if (!ruling.allowed) throw new Refusal(`refused: ${ruling.reason}`);
}

function nowOf(store: Store, folder: Folder): GroupChange["now"] {
  const settings = store.groups.find(folder)?.settings;
  const chats = store.groups.chatsOf(folder).filter(({ jid }) => !isLocal(jid));
  return settings && { settings, senders: chats.map((chat): Senders => chat.senders) };
}

/** Removing and registering again must not lose what only the owner may take away. */
function onceBefore({ options: { store } }: Call, { folder, jid }: { folder: string; jid?: string | undefined }) {
  const chat = jid === undefined ? undefined : named(() => chatNamed(store, jid));
  return {
    group: !store.groups.find(folder) && store.groups.wasGroup(folder),
    chat: chat !== undefined && !store.groups.chat(chat) && store.groups.wasChat(chat),
  };
}

/** What names nobody is refused where it would be written. */
function named<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GroupError) return undefined;
    throw error;
  }
}

function done({ options }: Call, outcome: DeskOutcome): GroupToolView {
  if (!outcome.ok) throw new Refusal(outcome.problem);
  options.afterwards?.(options.groups.changed);
  return viewOf(outcome.group);
}

const viewOf = ({ folder, name, chats, settings }: GroupView): GroupToolView => ({
  ...{ folder, name: oneLine(name), settings },
  chats: chats.map((chat) => ({
    ...{ jid: chat.jid, name: oneLine(chat.name), trigger: chat.trigger, senders: chat.senders, held: chat.held },
    requires_trigger: chat.requiresTrigger,
  })),
});

/** Anybody in a group may name it. */
const oneLine = (name: string): string => cutAtCharacter(name.replaceAll(/[\p{C}\p{Z}]+/gu, " ").trim(), LONGEST_NAME);
