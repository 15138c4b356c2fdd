import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** Whether a phone agreed to a link in that file. One that cannot be read counts: nobody replaces it unasked. */
export function hasLink(path: string): boolean {
  if (!existsSync(path)) return false;
  try {
    using connection = new DatabaseSync(path, { timeout: 5_000 });
    // A code that nobody scanned leaves the file, and sometimes not even its tables.
    if (!connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'links'").get()) return false;
    return connection.prepare("SELECT 1 FROM links WHERE account IS NOT NULL LIMIT 1").get() !== undefined;
  } catch {
    return true;
  }
}
