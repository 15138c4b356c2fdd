import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** What a ledger of ours holds that a move would put another one in the place of. */
export interface OwnLedger {
  messages: number;
  tasks: number;
  /** Groups besides main. */
  groups: number;
  settings: (readonly [string, string])[];
}

/** Afterwards nothing of it lies in journals beside its file. */
export function lookAtOwnLedger(path: string): OwnLedger {
  if (!existsSync(path)) return { messages: 0, tasks: 0, groups: 0, settings: [] };
  const connection = new DatabaseSync(path, { timeout: 5_000 });
  try {
    connection.exec("PRAGMA journal_mode = DELETE");
    const isThere = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?");
    const count = (table: string, where = "1"): number =>
      isThere.get(table)
        ? Number(connection.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).get()?.["n"])
        : 0;
    const settings = isThere.get("settings") ? connection.prepare("SELECT key, value FROM settings").all() : [];
    return {
      messages: count("messages"),
      tasks: count("scheduled_tasks"),
      groups: count("registered_groups", "folder <> 'main'"),
      settings: settings.map(({ key, value }) => [String(key), String(value)] as const),
    };
  } finally {
    connection.close();
  }
}
