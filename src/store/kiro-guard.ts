import { DatabaseSync } from "node:sqlite";
import { plainColumns } from "./kiro-shape.ts";

const BUSY_TIMEOUT_MS = 250;
const MIB = 1024 * 1024;

/** No value is longer. */
const LONGEST_VALUE_BYTES = 64 * MIB;

/** As SQLite advises for files from strangers: nothing in the schema may act, and limits are low. */
export function openGuarded(path: string, { readOnly }: { readOnly: boolean }): DatabaseSync {
  const connection = new DatabaseSync(path, {
    readOnly,
    timeout: BUSY_TIMEOUT_MS,
    defensive: true,
    enableForeignKeyConstraints: false,
    limits: { length: LONGEST_VALUE_BYTES, sqlLength: MIB, attach: 0, exprDepth: 100, triggerDepth: 1 },
  });
  try {
    connection.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

export function hasColumns(connection: DatabaseSync, table: string, columns: readonly string[]): boolean {
  const there = plainColumns(connection, table)?.map(({ name }) => name) ?? [];
  return columns.every((column) => there.includes(column));
}

export const isAbsent = (connection: DatabaseSync, table: string): boolean =>
  connection.prepare("SELECT 1 FROM main.sqlite_master WHERE name = ? COLLATE NOCASE").get(table) === undefined;
