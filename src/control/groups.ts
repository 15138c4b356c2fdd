import { z } from "zod";
import { groupSettingsSchema, isHeld, sendersSchema } from "../domain/group.ts";
import type { Group, GroupView } from "../domain/group.ts";
import { isLocal, localJid, parseFolder, type Folder, type Jid } from "../domain/ids.ts";
import type { Clock } from "../domain/clock.ts";
import { judge } from "../domain/rights.ts";
import { LINKED_ACCOUNT } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import { confirmChats } from "./confirm-chats.ts";
import { GroupError, noGroup } from "./group-error.ts";
import { chatNamed, sendersNamed } from "./name-persons.ts";

const chatSettings = {
  trigger: z.string().min(1).max(64).nullable().optional(),
  requiresTrigger: z.boolean().optional(),
  senders: sendersSchema.optional(),
};

export const addGroupSchema = z.strictObject({
  jid: z.string().optional(),
  name: z.string().min(1).max(200),
  folder: z.string(),
  /** Says that the folder's group is meant to get one more chat. */
  join: z.boolean().optional(),
  settings: groupSettingsSchema.optional(),
  ...chatSettings,
});

export const setGroupSchema = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  /** Null puts a setting back to the host's own. */
  settings: z.record(z.string(), z.unknown()).optional(),
  ...chatSettings,
});

export const confirmSchema = z.strictObject({ folder: z.string().optional() });

export type { GroupView };

export interface GroupOperations {
  list(): GroupView[];
  add(request: z.infer<typeof addGroupSchema>): GroupView;
  set(folder: string, request: z.infer<typeof setGroupSchema>): GroupView;
  /** Its folder and what was said stay; its tasks are cancelled. */
  remove(folder: string): GroupView;
  /** Chats of another account, of one group or of all, are this account's from now on. */
  confirm(folder: string | undefined): GroupView[];
  /** The agent's next turn begins a new conversation and is told nothing of the old one. */
  startFresh(folder: string): GroupView;
  /** The group's own local chat, made when it is missing. */
  openLocalChat(folder: string): Folder;
}

/** Registering, changing and removing groups. Throws `GroupError` for what is not allowed. */
export function groupOperations(store: Store, clock: Clock): GroupOperations {
  const need = (folder: string): Group => {
    const group = store.groups.find(folder);
    if (group) return group;
    const known = store.groups.list().map((one) => one.folder);
    throw noGroup(folder, known);
  };
  const view = (folder: Folder): GroupView => {
    const linked = store.settings.get(LINKED_ACCOUNT);
    const chats = store.groups.chatsOf(folder).map((chat) => ({ ...chat, held: isHeld(chat, linked) }));
    return { ...need(folder), chats };
  };

  return {
    list: () => store.groups.list().map((group) => view(group.folder)),
    add: (request) => store.transaction(() => view(addGroup(store, request, clock.now()))),
    set: (folder, request) =>
      store.transaction(() => {
        changeGroup(store, need(folder), request);
        return view(need(folder).folder);
      }),
    remove: (folder) =>
      store.transaction(() => {
        const group = need(folder);
        const chat = { folder: group.folder, held: false };
        const ruling = judge({ actor: { kind: "cli" }, action: "remove_group", chat });
        if (!ruling.allowed) throw new GroupError(`Refused: ${ruling.reason}.`);
        const removed = view(group.folder);
        store.tasks.endOf(group.folder);
        store.groups.remove(group.folder);
        return removed;
      }),
    confirm: (folder) =>
      store.transaction(() => {
        const groups = folder === undefined ? store.groups.list() : [need(folder)];
        confirmChats(store, groups);
        return groups.map((group) => view(group.folder));
      }),
    startFresh: (folder) =>
      store.transaction(() => {
        const group = need(folder);
        store.sessions.forget(group.folder);
        store.groups.startFresh(group.folder, clock.now());
        return view(group.folder);
      }),
    openLocalChat: (folder) => {
      const group = need(folder);
      // Every request of a local chat comes by here: it must not write, and so wait, for nothing.
      if (!store.groups.chat(localJid(group.folder))) store.transaction(() => addLocalChat(store, group));
      return group.folder;
    },
  };
}

/** Everything is checked before anything is written: whoever is refused has changed nothing. */
function addGroup(store: Store, request: z.infer<typeof addGroupSchema>, now: number): Folder {
  const folder = parseFolder(request.folder);
  if (!folder.ok) throw new GroupError(folder.problem);
  const jid = request.jid === undefined ? undefined : chatNamed(store, request.jid);
  const existing = store.groups.find(folder.value);
  if (existing && (!request.join || !jid)) {
    throw new GroupError(
      `The folder "${folder.value}" is used by the group "${existing.name}" already. Choose another folder, or add a chat to that group with --jid and --join.`,
    );
  }
  if (existing && Object.keys(request.settings ?? {}).length > 0) {
    throw new GroupError(
      `A chat that joins takes the settings of "${folder.value}"; change them with: nanoclaw groups set ${folder.value}`,
    );
  }
  if (jid) needFree(store, jid);
  if (jid && isLocal(jid) && jid !== localJid(folder.value)) {
    throw new GroupError(`${jid} is the local chat of another folder; leave --jid out for the group's own.`);
  }
  const group = { folder: folder.value, name: request.name };
  const chat = jid && { ...chatDefaults(store, request, jid), jid, ...group };
  if (!existing) store.groups.add(folder.value, request.name, request.settings ?? {}, now);
  if (chat) store.groups.addChat(chat);
  else addLocalChat(store, group);
  return folder.value;
}

function needFree(store: Store, jid: Jid): void {
  const known = store.groups.chat(jid);
  if (!known) return;
  throw new GroupError(
    `The chat ${jid} belongs to the group "${known.folder}" already; change it with: nanoclaw groups set ${known.folder}`,
  );
}

/** Whoever reaches the local chat is the owner: no trigger is needed there. */
function addLocalChat(store: Store, group: Pick<Group, "folder" | "name">): void {
  const jid = localJid(group.folder);
  if (store.groups.chat(jid)) return;
  store.groups.addChat({
    jid,
    folder: group.folder,
    name: group.name,
    trigger: null,
    requiresTrigger: false,
    senders: "owner",
    account: null,
  });
}

function chatDefaults(store: Store, request: z.infer<typeof addGroupSchema>, jid: Jid) {
  return {
    trigger: request.trigger ?? null,
    requiresTrigger: request.requiresTrigger ?? !isLocal(jid),
    senders: sendersNamed(store, request.senders) ?? ("owner" as const),
    account: isLocal(jid) ? null : (store.settings.get(LINKED_ACCOUNT) ?? null),
  };
}

function changeGroup(store: Store, group: Group, request: z.infer<typeof setGroupSchema>): void {
  const merged = { ...group.settings, ...request.settings };
  const kept = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
  const settings = groupSettingsSchema.safeParse(kept);
  if (!settings.success) throw new GroupError(`These settings cannot be used: ${z.prettifyError(settings.error)}`);
  store.groups.update(group.folder, request.name ?? group.name, settings.data);
  const senders = sendersNamed(store, request.senders);
  for (const chat of store.groups.chatsOf(group.folder)) {
    if (isLocal(chat.jid)) continue;
    store.groups.updateChat({
      ...chat,
      trigger: request.trigger === undefined ? chat.trigger : request.trigger,
      requiresTrigger: request.requiresTrigger ?? chat.requiresTrigger,
      senders: senders ?? chat.senders,
    });
  }
}
