import { closeSync, fsyncSync, openSync, rmSync } from "node:fs";
import type { Jid } from "../domain/ids.ts";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { Task } from "../domain/task.ts";
import { openDatabase } from "./database.ts";
import { groupTable, type Groups } from "./groups.ts";
import { messageTable, type Messages } from "./messages.ts";
import { outboxTable, type NewOutboxRow, type Outbox } from "./outbox.ts";
import { personTable, type Persons } from "./persons.ts";
import { settingsTable, type SettingsTable } from "./settings.ts";
import { taskTable, type TaskRun } from "./tasks.ts";
import { turnTable, type Turns } from "./turns.ts";

/** A ledger that is being filled; nobody else knows its file yet. */
export interface NewLedger extends Disposable {
  groups: Groups;
  messages: Messages;
  outbox: Outbox;
  persons: Persons;
  settings: SettingsTable;
  turns: Turns;
  /** A chat as it was known before; `at` is epoch ms. */
  addChat(chat: { jid: Jid; channel: string; name: string; at: number | null }): void;
  /** With what its runs left. */
  addTask(task: Task): void;
  addRun(task: string, run: TaskRun): void;
  /** Something that was said long ago. One whose id is there already stays out. */
  addSaid(row: Omit<NewOutboxRow, "requestKey" | "file" | "turn" | "task">): void;
  transaction<T>(work: () => T): T;
}

/** How much of a run's result and error is kept. */
const RUN_LENGTH = 2_000;

/** Begins a ledger at a path where at most the rest of an earlier attempt lies. */
export function createLedger(path: string): NewLedger {
  removeDatabase(path);
  const db = openDatabase(path);
  // Nobody relies on this file before it is whole, and it is brought to the disk then (`syncFile`).
  db.all("PRAGMA synchronous = OFF");
  db.all("PRAGMA journal_mode = MEMORY");
  db.all("PRAGMA cache_size = -65536");
  const tasks = taskTable(db);
  return {
    groups: groupTable(db),
    messages: messageTable(db),
    outbox: outboxTable(db),
    persons: personTable(db),
    settings: settingsTable(db),
    turns: turnTable(db),
    addChat: ({ jid, channel, name, at }) =>
      void db.run(
        "INSERT INTO chats (jid, channel, name, last_message_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        ...[jid, channel, name, at],
      ),
    addTask: (task) => {
      tasks.add(task);
      const sql = "UPDATE scheduled_tasks SET last_run = ?, last_result = ? WHERE id = ?";
      db.run(sql, task.lastRun, task.lastResult, task.id);
    },
    addRun: (task, { dueAt, runAt, durationMs, status, result, error }) =>
      void db.run(
        "INSERT INTO task_run_logs (task_id, due_at, run_at, duration_ms, status, result, error) VALUES (?, ?, ?, ?, ?, ?, ?)",
        ...[task, dueAt, runAt, durationMs, status, cut(result), cut(error)],
      ),
    addSaid: ({ chat, folder, messageId, text, source, now }) =>
      void db.run(
        `INSERT INTO outbox (chat_jid, folder, message_id, kind, content, source, status, sends, next_send_at,
           created_at, sent_at)
         VALUES (?, ?, ?, 'text', ?, ?, 'sent', 1, 0, ?, ?) ON CONFLICT DO NOTHING`,
        ...[chat, folder, messageId, text, source, now, now],
      ),
    transaction: db.transaction,
    [Symbol.dispose]: () => db[Symbol.dispose](),
  };
}

/** The file and what SQLite keeps beside it. */
export function removeDatabase(path: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${path}${suffix}`, { force: true });
}

/** On the disk, and not only given to the system. A folder keeps its names. */
export function syncFile(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

const cut = (text: string | null): string | null => (text === null ? null : cutAtCharacter(text, RUN_LENGTH));
