import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { passingReason, StoreError } from "./database.ts";

/** What a database says of itself before anybody changes it. */
export type DatabaseLook =
  | { kind: "absent" }
  /** Not readable as a database at all. */
  | { kind: "damaged" }
  | {
      kind: "tables";
      /** Their columns by table. */
      tables: ReadonlyMap<string, readonly string[]>;
      /** Migrations of this program have been applied. */
      migrated: boolean;
    };

/** As a statement of ours waits. */
const BUSY_TIMEOUT_MS = 250;

/**
 * Looks and changes nothing, but that a half-written transaction is rolled back, as every opening does.
 * @throws {StoreError} when it cannot be looked at now (held by another process, an error of the disk).
 */
export function lookAtDatabase(path: string): DatabaseLook {
  if (!existsSync(path)) return { kind: "absent" };
  try {
    return lookWith(path, true);
  } catch (error) {
    // Read-only, a transaction that was cut off cannot be rolled back.
    if (codeOf(error) === READ_ONLY) return lookAgain(path);
    return lookFailed(error, path);
  }
}

const [READ_ONLY, CORRUPT, NO_DATABASE] = [8, 11, 26];
const codeOf = (error: unknown): number => Number((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff;

function lookAgain(path: string): DatabaseLook {
  try {
    return lookWith(path, false);
  } catch (error) {
    return lookFailed(error, path);
  }
}

function lookFailed(error: unknown, path: string): DatabaseLook {
  if ([CORRUPT, NO_DATABASE].includes(codeOf(error))) return { kind: "damaged" };
  const reason = passingReason(error) ?? (error as Error).message;
  throw new StoreError(`The database ${path} cannot be used: ${reason}. Check the disk and who may write there.`, {
    cause: error,
  });
}

function lookWith(path: string, readOnly: boolean): DatabaseLook {
  const connection = new DatabaseSync(path, { readOnly, timeout: BUSY_TIMEOUT_MS });
  try {
    const tables = new Map<string, readonly string[]>();
    for (const { name } of connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
      const columns = connection.prepare("SELECT name FROM pragma_table_info(?)").all(String(name));
      tables.set(
        String(name),
        columns.map((column) => String(column["name"])),
      );
    }
    const migrated = tables.has("migrations") && connection.prepare("SELECT 1 FROM migrations LIMIT 1").get();
    return { kind: "tables", tables, migrated: migrated !== false && migrated !== undefined };
  } finally {
    connection.close();
  }
}
