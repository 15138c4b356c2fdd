import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { StoreError } from "./database.ts";

/** A row as it stands: every value as text, whatever type the column holds; null where it or its column lacks. */
type Text = string | null;

export interface ForkGroup {
  jid: Text;
  name: Text;
  folder: Text;
  trigger: Text;
  addedAt: Text;
  containerConfig: Text;
  requiresTrigger: Text;
  isMain: Text;
}

export interface ForkChat {
  jid: Text;
  name: Text;
  lastMessageTime: Text;
}

export interface ForkTask {
  id: Text;
  folder: Text;
  chat: Text;
  prompt: Text;
  scheduleType: Text;
  scheduleValue: Text;
  nextRun: Text;
  lastRun: Text;
  lastResult: Text;
  status: Text;
  createdAt: Text;
  contextMode: Text;
}

export interface ForkRun {
  task: Text;
  runAt: Text;
  durationMs: Text;
  status: Text;
  result: Text;
  error: Text;
}

export interface ForkMessage {
  id: Text;
  chat: Text;
  sender: Text;
  senderName: Text;
  content: Text;
  fromMe: Text;
  bot: Text;
}

/** Where a message stands, without its words: what is needed to put all of them in order. */
export interface ForkPlace {
  row: number;
  chat: Text;
  timestamp: Text;
}

/** The fork's `messages.db`, or a copy of it. Columns and tables that an old one lacks read as null and empty. */
export interface ForkDatabase extends Disposable {
  groups(): ForkGroup[];
  chats(): ForkChat[];
  tasks(): ForkTask[];
  runs(): ForkRun[];
  sessions(): { folder: Text; session: Text }[];
  /** A value of `router_state`. */
  state(key: string): Text;
  places(): ForkPlace[];
  message(row: number): ForkMessage | undefined;
}

/** @throws {StoreError} when it is damaged: the message says what can be done. */
export function openForkDatabase(path: string, original = path): ForkDatabase {
  const connection = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    checkWhole(connection);
  } catch (error) {
    connection.close();
    throw new StoreError(damaged(original, (error as Error).message), { cause: error });
  }
  const columnsOf = (table: string): string[] =>
    connection
      .prepare("SELECT name FROM pragma_table_info(?)")
      .all(table)
      .map(({ name }) => String(name));
  const read = <T>(table: string, fields: Record<keyof T & string, string>, order = "rowid"): T[] => {
    const known = columnsOf(table);
    if (known.length === 0) return [];
    const sql = `SELECT ${selection(fields, known)} FROM ${table} ORDER BY ${order}`;
    return connection.prepare(sql).all() as T[];
  };
  const one = connection.prepare(
    columnsOf("messages").length === 0
      ? "SELECT 1 WHERE ? < 0"
      : `SELECT ${selection(messageFields, columnsOf("messages"))} FROM messages WHERE rowid = ?`,
  );
  return {
    groups: () => read<ForkGroup>("registered_groups", groupFields),
    chats: () => read<ForkChat>("chats", { jid: "jid", name: "name", lastMessageTime: "last_message_time" }),
    tasks: () => read<ForkTask>("scheduled_tasks", taskFields),
    runs: () => read<ForkRun>("task_run_logs", runFields),
    sessions: () =>
      read<{ folder: Text; session: Text }>("sessions", { folder: "group_folder", session: "session_id" }),
    state: (key) => {
      if (columnsOf("router_state").length === 0) return null;
      const row = connection.prepare("SELECT CAST(value AS TEXT) AS value FROM router_state WHERE key = ?").get(key);
      return (row?.["value"] ?? null) as Text;
    },
    places: () =>
      columnsOf("messages").length === 0
        ? []
        : connection
            .prepare(
              "SELECT rowid AS row, CAST(chat_jid AS TEXT) AS chat, CAST(timestamp AS TEXT) AS timestamp FROM messages",
            )
            .all()
            .map((row: Record<string, SQLInputValue>) => ({
              row: Number(row["row"]),
              chat: row["chat"] as Text,
              timestamp: row["timestamp"] as Text,
            })),
    message: (row) => one.get(row) as ForkMessage | undefined,
    [Symbol.dispose]: () => connection.close(),
  };
}

const groupFields: Record<keyof ForkGroup, string> = {
  jid: "jid",
  name: "name",
  folder: "folder",
  trigger: "trigger_pattern",
  addedAt: "added_at",
  containerConfig: "container_config",
  requiresTrigger: "requires_trigger",
  isMain: "is_main",
};

const taskFields: Record<keyof ForkTask, string> = {
  id: "id",
  folder: "group_folder",
  chat: "chat_jid",
  prompt: "prompt",
  scheduleType: "schedule_type",
  scheduleValue: "schedule_value",
  nextRun: "next_run",
  lastRun: "last_run",
  lastResult: "last_result",
  status: "status",
  createdAt: "created_at",
  contextMode: "context_mode",
};

const runFields: Record<keyof ForkRun, string> = {
  task: "task_id",
  runAt: "run_at",
  durationMs: "duration_ms",
  status: "status",
  result: "result",
  error: "error",
};

const messageFields: Record<keyof ForkMessage, string> = {
  id: "id",
  chat: "chat_jid",
  sender: "sender",
  senderName: "sender_name",
  content: "content",
  fromMe: "is_from_me",
  bot: "is_bot_message",
};

/** As text: what was stored as bytes, or as a number too large for JavaScript, is readable then, too. */
function selection(fields: Record<string, string>, known: readonly string[]): string {
  return Object.entries(fields)
    .map(([name, column]) => `${known.includes(column) ? `CAST("${column}" AS TEXT)` : "NULL"} AS "${name}"`)
    .join(", ");
}

function checkWhole(connection: DatabaseSync): void {
  const found = connection.prepare("PRAGMA quick_check(100)").all();
  const problems = found.map((row) => String(Object.values(row)[0])).filter((line) => line !== "ok");
  // What an index says is not read here.
  const serious = problems.filter((line) => !/index/i.test(line));
  if (serious.length > 0) throw new Error(serious.slice(0, 3).join("; "));
}

const damaged = (path: string, detail: string): string =>
  `The old system's database ${path} is damaged (${detail}). Nothing was taken over, and nothing was changed. Put a backup of it in its place, or recover what can be read with: sqlite3 ${path} .recover | sqlite3 recovered.db, and put recovered.db in its place.`;
