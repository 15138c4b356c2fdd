import type { GroupSettings, Senders } from "./group.ts";
import { MAIN, type Folder } from "./ids.ts";
import { judge, type Action, type Actor, type Ruling } from "./rights.ts";

/** What a run may use of the machine; an agent may set less than the host's own, never more. */
export type GroupLimits = Record<
  "memory" | "cpus" | "pids" | "shm" | "fileSize" | "groupSize" | "timeout" | "silenceTimeout" | "idleTimeout",
  number
>;

export interface GroupChange {
  folder: Folder;
  /** Null puts one back to the host's own. */
  settings?: Record<string, unknown> | undefined;
  senders?: Senders | undefined;
  /** One more chat for a group that exists. */
  join?: boolean | undefined;
  /** What the group is now; undefined for one that is begun. */
  now?: { settings: GroupSettings; senders: readonly Senders[] } | undefined;
  /** Was registered before, and then removed: the owner's limits and the chat's account went with it. */
  once?: { group: boolean; chat: boolean } | undefined;
}

/** May this actor make all of this change? What registering and changing groups as such need is judged before. */
export function judgeChange(actor: Actor, change: GroupChange, limits: GroupLimits): Ruling {
  const chat = { folder: change.folder, held: false };
  for (const [what, action] of needed(change, limits)) {
    const ruling = judge({ actor, action, chat });
    if (!ruling.allowed) return { allowed: false, reason: `${what}: ${ruling.reason}` };
  }
  return { allowed: true };
}

function needed(change: GroupChange, limits: GroupLimits): [string, Action][] {
  const { folder, settings = {}, senders, join, once } = change;
  const list: [string, Action][] = [];
  const owners = { mounts: "set_mounts", mcp: "set_mcp", shareLogin: "share_login" } as const;
  for (const [key, action] of Object.entries(owners)) if (settings[key] !== undefined) list.push([key, action]);
  if (settings["network"] !== undefined && settings["network"] !== "none") list.push(["network", "open_network"]);
  for (const [key, most] of Object.entries(limits)) {
    if (Number(settings[key] ?? 0) > most) list.push([`${key} above the host's own ${most}`, "raise_limits"]);
  }
  if (folder === MAIN && senders !== undefined) list.push(["senders of the main group", "open_main"]);
  if (folder === MAIN && join === true) list.push(["one more chat for the main group", "open_main"]);
  if (once?.group === true) list.push(["a folder that was a group's before", "raise_limits"]);
  if (once?.chat === true) list.push(["a chat that was registered before", "confirm_chats"]);
  if (opensTo(change)) list.push(...ownersThings(change));
  return list;
}

/** What the owner gave a group, they gave to those who are in it. */
function ownersThings({ now }: GroupChange): [string, Action][] {
  const { mounts = [], mcp = [], shareLogin = false } = now?.settings ?? {};
  const list: [string, Action][] = [];
  if (mounts.length > 0) list.push(["more people in a group with folders of the owner's", "set_mounts"]);
  if (mcp.length > 0) list.push(["more people in a group with MCP servers of the owner's", "set_mcp"]);
  if (shareLogin) list.push(["more people in a group with the owner's login", "share_login"]);
  return list;
}

/** Whether more people can say something to the agent than before. */
function opensTo({ settings = {}, senders, join, now }: GroupChange): boolean {
  if (join === true) return true;
  const isShown = settings["guests"] !== undefined && settings["guests"] !== "hidden";
  if (isShown && now?.settings.guests === "hidden") return true;
  return senders !== undefined && now !== undefined && !now.senders.every((before) => isWithin(senders, before));
}

function isWithin(senders: Senders, before: Senders): boolean {
  if (senders === "owner" || before === "everyone") return true;
  if (senders === "everyone") return false;
  return senders.every((person) => person === "owner" || (before !== "owner" && before.includes(person)));
}
