import type { Senders } from "./group.ts";
import { MAIN, type Folder } from "./ids.ts";
import { judge, type Action, type Actor, type Ruling } from "./rights.ts";

/** What a run may use of the machine; an agent may set less than the host's own, never more. */
export type GroupLimits = Record<"memory" | "cpus" | "pids" | "shm" | "fileSize" | "groupSize", number>;

export interface GroupChange {
  folder: Folder;
  /** Null puts one back to the host's own. */
  settings?: Record<string, unknown> | undefined;
  senders?: Senders | undefined;
  /** One more chat for a group that exists. */
  join?: boolean | undefined;
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

function needed({ folder, settings = {}, senders, join }: GroupChange, limits: GroupLimits): [string, Action][] {
  const list: [string, Action][] = [];
  const owners = { mounts: "set_mounts", mcp: "set_mcp", shareLogin: "share_login" } as const;
  for (const [key, action] of Object.entries(owners)) if (settings[key] !== undefined) list.push([key, action]);
  if (settings["network"] !== undefined && settings["network"] !== "none") list.push(["network", "open_network"]);
  for (const [key, most] of Object.entries(limits)) {
    if (Number(settings[key] ?? 0) > most) list.push([`${key} above the host's own ${most}`, "raise_limits"]);
  }
  if (folder === MAIN && senders !== undefined) list.push(["senders of the main group", "open_main"]);
  if (folder === MAIN && join === true) list.push(["one more chat for the main group", "open_main"]);
  return list;
}
