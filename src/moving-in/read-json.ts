import { readFileSync } from "node:fs";
import { z } from "zod";
import type { ForkDatabase, ForkGroup } from "../store/fork-database.ts";
import type { JsonName } from "./old-home.ts";

/** What the old system knew beside its messages: from the database, and from JSON files it had not taken in yet. */
export interface OldState {
  groups: ForkGroup[];
  sessions: number;
  /** `router_state`'s two cursors. */
  perChat: string | null;
  seen: string | null;
  /** JSON files that could not be read. */
  unreadable: string[];
}

const groupsSchema = z.record(z.string(), z.looseObject({}));
const sessionsSchema = z.record(z.string(), z.unknown());
const stateSchema = z.looseObject({
  last_timestamp: z.unknown().optional(),
  last_agent_timestamp: z.unknown().optional(),
});

/** A JSON file that is still there is newer than the tables: the old system takes it in at its next start. */
export function readOldState(database: ForkDatabase | undefined, json: ReadonlyMap<JsonName, string>): OldState {
  const unreadable: string[] = [];
  const read = <T>(name: JsonName, schema: z.ZodType<T>): T | undefined => {
    const path = json.get(name);
    if (path === undefined) return undefined;
    const parsed = schema.safeParse(parse(path));
    if (!parsed.success) unreadable.push(path);
    return parsed.data;
  };
  const state = read("router_state.json", stateSchema);
  const isLost = state === undefined && json.has("router_state.json");
  const given = Object.entries(read("registered_groups.json", groupsSchema) ?? {}).map(asGroup);
  // As the old system would: a chat has one row, and so has a folder.
  const isReplaced = ({ jid, folder }: ForkGroup) =>
    given.some((group) => group.jid === jid || (folder !== null && group.folder === folder));
  const stored = (database?.groups() ?? []).filter((group) => !isReplaced(group));
  const folders = new Set([
    ...Object.keys(read("sessions.json", sessionsSchema) ?? {}),
    ...(database?.sessions() ?? []).map(({ folder }) => folder),
  ]);
  return {
    groups: [...given, ...stored],
    sessions: folders.size,
    perChat: cursorsOf(state) ?? database?.state("last_agent_timestamp") ?? (isLost ? UNREADABLE : null),
    seen: asText(state?.last_timestamp) ?? database?.state("last_timestamp") ?? null,
    unreadable,
  };
}

/** Whoever reads it finds that it cannot be read: no cursors at all would mean that nothing was answered yet. */
const UNREADABLE = "";

function cursorsOf(state: z.infer<typeof stateSchema> | undefined): string | undefined {
  return state?.last_agent_timestamp === undefined ? undefined : JSON.stringify(state.last_agent_timestamp);
}

function asGroup([jid, group]: [string, Record<string, unknown>]): ForkGroup {
  const { requiresTrigger, containerConfig, isMain } = group;
  return {
    jid,
    name: asText(group["name"]),
    folder: asText(group["folder"]),
    trigger: asText(group["trigger"]),
    addedAt: asText(group["added_at"]),
    containerConfig: containerConfig === undefined ? null : JSON.stringify(containerConfig),
    requiresTrigger: requiresTrigger === false ? "0" : null,
    isMain: isMain === true ? "1" : null,
  };
}

const asText = (value: unknown): string | null =>
  typeof value === "string" || typeof value === "number" ? String(value) : null;

function parse(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as unknown;
  } catch {
    return undefined;
  }
}
