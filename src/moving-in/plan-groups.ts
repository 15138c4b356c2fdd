import { isLocal, MAIN, parseFolder, parseJid, type Folder, type Jid } from "../domain/ids.ts";
import type { GroupSettings, RegisteredChat, Senders } from "../domain/group.ts";
import { cleanText } from "../domain/message.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { ForkGroup } from "../store/fork-database.ts";
import { nameFolder } from "./name-folder.ts";
import { readTime } from "./read-time.ts";
import { readSettings } from "./read-settings.ts";

/** Whose assistant it is, as the settings say. */
export interface Identity {
  assistantName: string;
  /** The account is the assistant's alone: what it sent is the assistant's. */
  hasOwnNumber: boolean;
  /** Digits of the owner's numbers. */
  owners: readonly string[];
  /** Canonical id of the linked account, when a link lies there. */
  account: string | null;
}

export interface PlannedGroup {
  folder: Folder;
  /** Its folder in the old home. */
  from: string;
  name: string;
  addedAt: number;
  settings: GroupSettings;
  /** None: its chats are of a kind that is not served here. */
  chats: RegisteredChat[];
  /** Of other kinds: what was said there comes along. */
  otherChats: string[];
}

export interface GroupPlan {
  groups: PlannedGroup[];
  /** Said in the report, one line each. */
  notes: string[];
  /** Rows that name no group at all. */
  unusable: number;
}

export interface GroupFacts {
  groups: readonly ForkGroup[];
  identity: Identity;
  /** The old system was told who may call the assistant, in a way that is not read here. */
  restricted: boolean;
  /** Folders that lie there already, also of groups that are gone: no other chat gets their files. */
  onDisk: readonly string[];
  now: number;
}

interface Named extends ForkGroup {
  folder: string;
  target: Folder;
}

/** Which groups there will be, under which folders, and who may do what in their chats. */
export function planGroups({ groups, identity, restricted, onDisk, now }: GroupFacts): GroupPlan {
  const usable = groups.flatMap((group) => (group.folder?.trim() ? [{ ...group, folder: group.folder }] : []));
  const notes: string[] = [];
  const planned = new Map<Folder, PlannedGroup>();
  const seen = new Set<Jid>();
  for (const row of nameAll(usable, onDisk, notes)) {
    const group = planned.get(row.target) ?? begin(row, now, notes);
    planned.set(row.target, group);
    const chat = planChat(row, group, { identity, restricted }, notes);
    if (!chat && row.jid) group.otherChats.push(row.jid);
    if (chat && !seen.has(chat.jid)) group.chats.push(chat);
    if (chat) seen.add(chat.jid);
  }
  return { groups: [...planned.values()], notes, unusable: groups.length - usable.length };
}

/** Valid names stay; the others find a new one beside them, main first. */
function nameAll(
  groups: readonly (ForkGroup & { folder: string })[],
  onDisk: readonly string[],
  notes: string[],
): Named[] {
  const targets = new Map<string, Folder>();
  for (const { folder } of groups) {
    const parsed = parseFolder(folder);
    if (parsed.ok) targets.set(folder, parsed.value);
  }
  const main = findMain(groups, notes);
  if (main !== undefined) targets.set(main, MAIN);
  for (const { folder } of groups) {
    if (targets.has(folder)) continue;
    const target = nameFolder(folder, new Set([...targets.values(), ...onDisk]));
    targets.set(folder, target);
    notes.push(
      `The folder name ${JSON.stringify(folder)} cannot be used here; the group's is now "${target}". Its files were copied.`,
    );
  }
  return groups.map((group) => ({
    ...group,
    target: targets.get(group.folder) ?? nameFolder(group.folder, new Set()),
  }));
}

/** The fork's main is the folder `main`; later relatives mark it. Undefined: none is. */
function findMain(groups: readonly (ForkGroup & { folder: string })[], notes: string[]): string | undefined {
  const marked = groups.filter(({ isMain }) => isMain === "1");
  const others = (main: string) => marked.filter(({ folder }) => folder !== main).map(({ folder }) => folder);
  const tell = (main: string) => {
    if (others(main).length > 0) {
      notes.push(
        `There is one main group here. ${others(main).join(", ")} ${others(main).length === 1 ? "was" : "were"} marked as main, too, and is an ordinary group now.`,
      );
    }
    return main;
  };
  if (groups.some(({ folder }) => folder === MAIN)) return tell(MAIN);
  const [first] = marked
    .filter(({ jid }) => isWhatsApp(jid))
    .toSorted((a, b) => (readTime(a.addedAt) ?? 0) - (readTime(b.addedAt) ?? 0));
  if (!first) {
    notes.push(
      'No group was the main one (its folder would be "main"), so main is new: the local chat, and your chat with yourself once WhatsApp is connected.',
    );
    return undefined;
  }
  notes.push(`The main group's folder was ${JSON.stringify(first.folder)}; here it is "main". Its files were copied.`);
  return tell(first.folder);
}

function begin(row: Named, now: number, notes: string[]): PlannedGroup {
  const { settings, problems } = readSettings(row.containerConfig);
  notes.push(...problems.map((problem) => `Group "${row.target}": ${problem}`));
  if (settings.timeout !== undefined) {
    notes.push(
      `Group "${row.target}": its timeout of ${settings.timeout} ms counts now, also when it is short (the old system allowed at least 30.5 minutes). To drop it: nanoclaw groups set ${row.target} --unset timeout`,
    );
  }
  const name = cleanText(row.name ?? "").trim() || row.folder;
  const addedAt = readTime(row.addedAt) ?? now;
  return {
    folder: row.target,
    from: row.folder,
    name: cutAtCharacter(name, 200),
    addedAt,
    settings,
    chats: [],
    otherChats: [],
  };
}

type Rules = Pick<GroupFacts, "identity" | "restricted">;

function planChat(
  row: Named,
  group: PlannedGroup,
  { identity, restricted }: Rules,
  notes: string[],
): RegisteredChat | undefined {
  const jid = parseJid(row.jid?.trim() ?? "");
  if (!jid.ok || isLocal(jid.value) || !isWhatsApp(jid.value)) {
    notes.push(
      `Group "${group.folder}": its chat ${JSON.stringify(row.jid)} is none of WhatsApp. The group keeps its files and what was said; it can be reached at this machine only.`,
    );
    return undefined;
  }
  const isMain = group.folder === MAIN;
  noteTrigger(row, group, identity, notes);
  return {
    jid: jid.value,
    folder: group.folder,
    name: group.name,
    // The old system knew the one trigger only; what people are used to goes on working.
    trigger: null,
    requiresTrigger: !isMain && row.requiresTrigger !== "0" && row.requiresTrigger !== "false",
    senders: isMain ? mainSenders(jid.value, identity, notes) : restricted ? "owner" : "everyone",
    account: null,
  };
}

function noteTrigger({ trigger }: Named, { folder }: PlannedGroup, { assistantName }: Identity, notes: string[]): void {
  const set = cleanText(trigger ?? "").trim();
  if (folder === MAIN || set === "" || set.toLowerCase() === `@${assistantName}`.toLowerCase()) return;
  notes.push(
    `Group "${folder}": the trigger ${JSON.stringify(set)} was stored for it, but the old system only ever listened to the assistant's name. It listens to @${assistantName} as before; to have the other one: nanoclaw groups set ${folder} --trigger ${JSON.stringify(set)}`,
  );
}

/** Whoever may start turns in main may do everything: in a chat of several people only the owner. */
function mainSenders(jid: Jid, { hasOwnNumber, owners }: Identity, notes: string[]): Senders {
  if (!hasOwnNumber || owners.length > 0) {
    if (jid.endsWith("@g.us")) {
      notes.push(
        "Main's chat is a group: only you start turns there now (before, everyone in it could). To name others: nanoclaw groups set main --senders <numbers>",
      );
    }
    return "owner";
  }
  if (!jid.endsWith("@g.us")) {
    const number = jid.split("@")[0] ?? jid;
    notes.push(
      `The account is the assistant's own. Main's chat is with ${number}, who may start turns there as before. To be known as the owner: nanoclaw auth --owner +${number}`,
    );
    return [jid];
  }
  notes.push(
    "The account is the assistant's own, and nobody is known as the owner: in main's chat, a group, NOBODY is answered until you say who you are: NANOCLAW_OWNER in .env, or nanoclaw auth --owner <your number>",
  );
  return "owner";
}

export const isWhatsApp = (jid: string | null): boolean => /@(g\.us|s\.whatsapp\.net|lid|c\.us)$/.test(jid ?? "");
