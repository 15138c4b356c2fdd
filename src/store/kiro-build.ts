import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { KiroContent } from "./kiro-database.ts";
import { tableSql } from "./kiro-shape.ts";

/**
 * Makes a database as a kiro-cli of that shape would find it after its own migrations. The path
 * must not exist yet, in a folder of the host's own.
 */
export function buildKiroDatabase(path: string, { auth, state, conversations, shape }: KiroContent): void {
  using connection = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  connection.exec("PRAGMA journal_mode = DELETE; BEGIN");
  for (const table of shape.tables) for (const sql of tableSql(table)) connection.exec(sql);
  const has = (name: string) => shape.tables.some((table) => table.name === name);
  const insert = (table: string, rows: SQLInputValue[][], columns?: string) => {
    if (!has(table)) return;
    for (const row of rows) {
      const places = row.map(() => "?").join(", ");
      connection.prepare(`INSERT OR IGNORE INTO "${table}" ${columns ?? ""} VALUES (${places})`).run(...row);
    }
  };
  insert("migrations", shape.migrations);
  insert("auth_kv", auth.map(pair), "(key, value)");
  insert("state", state.map(pair), "(key, value)");
  const [newer, older] = [conversations.filter(({ id }) => id !== null), conversations.filter(({ id }) => id === null)];
  insert(
    "conversations_v2",
    newer.map(({ key, id, value, createdAt, updatedAt }) => [key, id, value, createdAt, updatedAt]),
    "(key, conversation_id, value, created_at, updated_at)",
  );
  insert("conversations", older.map(pair), "(key, value)");
  connection.exec("COMMIT");
}

const pair = ({ key, value }: { key: string; value: string }): SQLInputValue[] => [key, value];
