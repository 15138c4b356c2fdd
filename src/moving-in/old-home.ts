import { existsSync, readdirSync, readFileSync, type Dirent } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { readMultiFileLink } from "../store/whatsapp-import.ts";

/** Where the fork keeps what it has; the oldest ones kept the JSON files beside the database. */
export interface OldPaths {
  root: string;
  database: string;
  auth: string;
  groups: string;
  /** Of the three JSON files those that are there, by their name. */
  json: ReadonlyMap<JsonName, string>;
}

export const jsonNames = ["registered_groups.json", "sessions.json", "router_state.json"] as const;
export type JsonName = (typeof jsonNames)[number];

export function oldPaths(root: string): OldPaths {
  const found = jsonNames.flatMap((name) => {
    const path = ["data", "store"].map((folder) => join(root, folder, name)).find((one) => existsSync(one));
    return path === undefined ? [] : [[name, path] as const];
  });
  return {
    root,
    database: join(root, "store", "messages.db"),
    auth: join(root, "store", "auth"),
    groups: join(root, "groups"),
    json: new Map(found),
  };
}

/** What lies in an old home beside its database, counted and not opened. */
export interface OldLeftovers {
  /** Requests of agents that the old system never got to. */
  pendingRequests: number;
  /** Names of `.env` that nothing here reads. */
  unusedSettings: string[];
  /** A file of a service manager that starts the old program. */
  service: string | undefined;
  /** Notes to the agent that were written for the old system, below the home. */
  steering: string[];
  claudeNotes: string[];
  /** Names below `groups`, also of groups that are gone. */
  groupFolders: string[];
  /** Later relatives keep there who may call the assistant. */
  senderAllowlist: string | undefined;
}

const UNUSED = ["CLAUDE_CODE_OAUTH_TOKEN", "ANTHROPIC_API_KEY"];

/** @param personsHome the folder of the person who runs this. */
export function lookForLeftovers(root: string, personsHome: string): OldLeftovers {
  const env = readEnv(join(root, ".env"));
  return {
    pendingRequests: countRequests(join(root, "data", "ipc")),
    unusedSettings: UNUSED.filter((name) => env[name] !== undefined),
    service: services(personsHome).find(startsOldProgram),
    steering: inGroups(root, join(".kiro", "steering", "Agents.md")),
    claudeNotes: inGroups(root, "CLAUDE.md"),
    groupFolders: foldersIn(join(root, "groups")),
    senderAllowlist: [join(personsHome, ".config", "nanoclaw", "sender-allowlist.json")].find((path) =>
      existsSync(path),
    ),
  };
}

const inGroups = (root: string, name: string): string[] =>
  foldersIn(join(root, "groups"))
    .map((folder) => join("groups", folder, name))
    .filter((path) => existsSync(join(root, path)));

const services = (home: string): string[] => [
  join(home, "Library", "LaunchAgents", "com.nanoclaw.plist"),
  join(home, ".config", "systemd", "user", "nanoclaw.service"),
];

function startsOldProgram(path: string): boolean {
  try {
    return readFileSync(path, "utf8").includes("dist/index.js");
  } catch {
    return false;
  }
}

/** Canonical id of the account that a multi-file link in that folder belongs to. */
export function linkedAccount(auth: string): string | null {
  if (!existsSync(auth)) return null;
  try {
    const read = readMultiFileLink(auth);
    return read.kind === "link" ? read.link.account.replace(/[:_]\d+@/, "@") : null;
  } catch {
    return null;
  }
}

export function readEnv(path: string): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(path, "utf8"));
  } catch {
    return {};
  }
}

function countRequests(ipc: string): number {
  const waiting = foldersIn(ipc).flatMap((group) =>
    ["messages", "tasks", "input"].flatMap((kind) => entries(join(ipc, group, kind))),
  );
  return waiting.filter((entry) => entry.isFile() && entry.name.endsWith(".json")).length;
}

const foldersIn = (path: string): string[] =>
  entries(path)
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

function entries(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return []; // there is none
  }
}
