import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A folder that is gone with the machine's temporary files. */
export const temporary = (name = "kiro-"): string => mkdtempSync(join(tmpdir(), `nanoclaw-${name}`));

export const SOCIAL = "kirocli:social:token";
export const ODIC = "kirocli:odic:token";
export const REGISTRATION = "kirocli:odic:device-registration";
export const PROFILE = "api.codewhisperer.profile";

/** Tables as a kiro-cli of 2026 has them. */
export const kiroTables = `
  CREATE TABLE migrations (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, migration_time INTEGER NOT NULL);
  CREATE TABLE history (id INTEGER PRIMARY KEY, command TEXT, shell TEXT, start_time INTEGER);
  CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB);
  CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT);
  CREATE TABLE conversations (key TEXT PRIMARY KEY, value TEXT);
  CREATE TABLE conversations_v2 (
    key TEXT NOT NULL, conversation_id TEXT NOT NULL, value TEXT NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (key, conversation_id)
  );
  CREATE INDEX idx_conversations_v2_key_updated ON conversations_v2(key, updated_at DESC);
  CREATE INDEX idx_conversations_v2_updated_at ON conversations_v2(updated_at DESC);
  INSERT INTO migrations (version, migration_time) VALUES (0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1);
`;

export interface KiroData {
  auth?: Record<string, string>;
  state?: Record<string, string>;
  /** Of `/workspace/group`, by id; later ones are newer. */
  conversations?: Record<string, string>;
  /** More SQL at the end. */
  sql?: string;
}

/** A closed database at that path, with what Kiro would have put there. */
export function makeKiroDatabase(path: string, data: KiroData = {}): string {
  mkdirSync(dirname(path), { recursive: true });
  using database = new DatabaseSync(path);
  database.exec(kiroTables);
  fill(database, data);
  return path;
}

export function fill(database: DatabaseSync, { auth = {}, state = {}, conversations = {}, sql }: KiroData): void {
  for (const [table, rows] of [
    ["auth_kv", auth],
    ["state", state],
  ] as const) {
    for (const row of Object.entries(rows))
      database.prepare(`INSERT OR REPLACE INTO ${table} VALUES (?, ?)`).run(...row);
  }
  for (const [place, [id, value]] of Object.entries(conversations).entries()) {
    const insert = database.prepare("INSERT OR REPLACE INTO conversations_v2 VALUES ('/workspace/group', ?, ?, ?, ?)");
    insert.run(id, value, place, place);
  }
  if (sql !== undefined) database.exec(sql);
}

export function inDatabase<T>(path: string, work: (database: DatabaseSync) => T): T {
  using database = new DatabaseSync(path, { defensive: false });
  return work(database);
}

export const authOf = (path: string): Record<string, string> =>
  inDatabase(path, (database) =>
    Object.fromEntries(
      database
        .prepare("SELECT key, value FROM auth_kv ORDER BY key")
        .all()
        .map(({ key, value }) => [String(key), String(value)]),
    ),
  );

export const conversationsOf = (path: string): string[] =>
  inDatabase(path, (database) =>
    database
      .prepare("SELECT value FROM conversations_v2 ORDER BY updated_at")
      .all()
      .map(({ value }) => String(value)),
  );

/** A token's value as Kiro stores it; `hour` tells when it ends. */
export const token = (hour: number, changes: Record<string, unknown> = {}): string =>
  JSON.stringify({
    access_token: `access-${hour}-${"a".repeat(40)}`,
    expires_at: `2026-11-22T${String(hour).padStart(2, "0")}:00:00.123456789Z`,
    refresh_token: `refresh-${hour}-${"r".repeat(40)}`,
    region: "us-east-1",
    start_url: "https://view.awsapps.com/start",
    oauth_flow: "DeviceCode",
    scopes: ["codewhisperer:completions", "codewhisperer:conversations"],
    ...changes,
  });

export const registration = JSON.stringify({
  client_id: "client-1",
  client_secret: `secret-${"s".repeat(40)}`,
  client_secret_expires_at: "2027-02-22T00:00:00Z",
  region: "us-east-1",
  oauth_flow: "DeviceCode",
  scopes: null,
});
