import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

type Values = Record<string, SQLInputValue>;

/** A home as the old system leaves it; see its tables in the reference, items 69 to 74. */
export interface ForkHome extends Disposable {
  root: string;
  path(...parts: string[]): string;
  write(path: string, content: string): void;
  /** Writes a row as it stands; missing columns are left to the table. */
  insert(table: string, values: Values): void;
  sql(text: string): void;
  group(folder: string, values?: Values): void;
  /** ISO times; `at` counts seconds after the hour. */
  message(id: string, values?: Values): void;
  task(id: string, values?: Values): void;
  state(key: string, value: string): void;
}

export interface ForkHomeOptions {
  /** As the first version had it: `is_from_me`, `is_bot_message`, `context_mode` and more are not there yet. */
  old?: true;
  /** What is written stays in the journal beside the file. */
  wal?: true;
  root?: string;
}

/** 17:00 UTC. */
export const HOUR = Date.UTC(2026, 0, 22, 17, 0, 0);
export const isoAt = (seconds: number): string => new Date(HOUR + seconds * 1_000).toISOString();

export const FAMILY = "120363000000000001@g.us";
export const OWN = "4915200000001@s.whatsapp.net";

export function makeForkHome(options: ForkHomeOptions = {}): ForkHome {
  const root = options.root ?? mkdtempSync(join(tmpdir(), "nanoclaw-fork-"));
  const path = (...parts: string[]) => join(root, ...parts);
  const write = (name: string, content: string) => {
    mkdirSync(dirname(path(name)), { recursive: true });
    writeFileSync(path(name), content);
  };
  for (const folder of ["store", "data/ipc", "groups/global", "logs"]) mkdirSync(path(folder), { recursive: true });
  const db = new DatabaseSync(path("store", "messages.db"));
  if (options.wal) db.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
  db.exec(options.old ? oldSchema : schema);
  // As in the library that it used, where nobody asked for foreign keys.
  db.exec("PRAGMA foreign_keys = OFF");
  let seconds = 0;
  const insert = (table: string, values: Values) => {
    const columns = Object.keys(values);
    const marks = columns.map(() => "?").join(", ");
    db.prepare(`INSERT INTO ${table} (${columns.join(", ")}) VALUES (${marks})`).run(...Object.values(values));
  };
  return {
    ...{ root, path, write, insert },
    sql: (text) => db.exec(text),
    group: (folder, values = {}) => {
      const added = { trigger_pattern: "@Andy", added_at: isoAt(0) };
      insert("registered_groups", { jid: FAMILY, name: folder, folder, ...added, ...values });
      write(`groups/${folder}/notes.md`, `notes of ${folder}\n`);
      write(`groups/${folder}/logs/agent-1.log`, "a run\n");
    },
    message: (id, values = {}) => {
      seconds += 1;
      const said = { sender: "4915200000002@s.whatsapp.net", sender_name: "Ben", content: `said ${id}` };
      const flags = options.old ? {} : { is_from_me: 0, is_bot_message: 0 };
      insert("messages", { id, chat_jid: FAMILY, ...said, timestamp: isoAt(seconds), ...flags, ...values });
    },
    task: (id, values = {}) => {
      const schedule = { schedule_type: "cron", schedule_value: "0 9 * * *", next_run: "2030-01-01T09:00:00.000Z" };
      const group = { group_folder: "family", chat_jid: FAMILY, prompt: `do ${id}`, created_at: isoAt(0) };
      insert("scheduled_tasks", { id, ...group, ...schedule, status: "active", ...values });
    },
    state: (key, value) => insert("router_state", { key, value }),
    [Symbol.dispose]: () => {
      if (db.isOpen) db.close();
    },
  };
}

const schema = `
  CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TEXT);
  CREATE TABLE messages (
    id TEXT, chat_jid TEXT, sender TEXT, sender_name TEXT, content TEXT, timestamp TEXT, is_from_me INTEGER,
    is_bot_message INTEGER DEFAULT 0, PRIMARY KEY (id, chat_jid), FOREIGN KEY (chat_jid) REFERENCES chats(jid));
  CREATE INDEX idx_timestamp ON messages(timestamp);
  CREATE TABLE scheduled_tasks (
    id TEXT PRIMARY KEY, group_folder TEXT NOT NULL, chat_jid TEXT NOT NULL, prompt TEXT NOT NULL,
    schedule_type TEXT NOT NULL, schedule_value TEXT NOT NULL, next_run TEXT, last_run TEXT, last_result TEXT,
    status TEXT DEFAULT 'active', created_at TEXT NOT NULL, context_mode TEXT DEFAULT 'isolated');
  CREATE TABLE task_run_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, task_id TEXT NOT NULL, run_at TEXT NOT NULL, duration_ms INTEGER NOT NULL,
    status TEXT NOT NULL, result TEXT, error TEXT, FOREIGN KEY (task_id) REFERENCES scheduled_tasks(id));
  CREATE TABLE router_state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE sessions (group_folder TEXT PRIMARY KEY, session_id TEXT NOT NULL);
  CREATE TABLE registered_groups (
    jid TEXT PRIMARY KEY, name TEXT NOT NULL, folder TEXT NOT NULL UNIQUE, trigger_pattern TEXT NOT NULL,
    added_at TEXT NOT NULL, container_config TEXT, requires_trigger INTEGER DEFAULT 1);
`;

/** Before columns were added one by one, and while groups were still a JSON file. */
const oldSchema = `
  CREATE TABLE chats (jid TEXT PRIMARY KEY, name TEXT, last_message_time TEXT);
  CREATE TABLE messages (
    id TEXT, chat_jid TEXT, sender TEXT, sender_name TEXT, content TEXT, timestamp TEXT, PRIMARY KEY (id, chat_jid));
  CREATE TABLE scheduled_tasks (
    id TEXT PRIMARY KEY, group_folder TEXT, chat_jid TEXT, prompt TEXT, schedule_type TEXT, schedule_value TEXT,
    next_run TEXT, last_run TEXT, last_result TEXT, status TEXT, created_at TEXT);
  CREATE TABLE registered_groups (
    jid TEXT PRIMARY KEY, name TEXT, folder TEXT, trigger_pattern TEXT, added_at TEXT);
`;
