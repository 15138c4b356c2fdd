import { existsSync } from "node:fs";
import { createHash } from "node:crypto";

/** A conversation of the classic engine; `state` changes whenever it does. */
export interface Conversation {
  id: string;
  state: string;
}

/** More than this many rows of one directory need not be looked at. */
const MOST = 1_000;
const WAIT_MS = 2_000;

/**
 * The classic engine's conversations of one directory, newest first, read without writing;
 * undefined when there is a store that is not understood. Never rejects.
 */
export async function readConversations(database: string, cwd: string): Promise<Conversation[] | undefined> {
  if (!existsSync(database)) return [];
  const { DatabaseSync } = await import("node:sqlite");
  try {
    using db = new DatabaseSync(database, { readOnly: true, timeout: WAIT_MS });
    const tables = new Set(
      db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .all()
        .map(({ name }) => name),
    );
    if (tables.has("conversations_v2")) {
      const rows = db
        .prepare(
          "SELECT conversation_id AS id, updated_at AS state FROM conversations_v2 WHERE key = ? ORDER BY updated_at DESC, created_at DESC LIMIT ?",
        )
        .all(cwd, MOST);
      if (rows.length > 0 || !tables.has("conversations")) return rows.flatMap(asConversation);
    }
    if (!tables.has("conversations")) return []; // a login lies there, and nobody has spoken yet
    const old = db.prepare("SELECT value FROM conversations WHERE key = ?").all(cwd);
    return old.flatMap(({ value }) => inValue(value));
  } catch {
    return undefined; // locked, half written, or of another make: then nothing is known
  }
}

function asConversation({ id, state }: Record<string, unknown>): Conversation[] {
  const known = typeof state === "number" || typeof state === "bigint" || typeof state === "string";
  return typeof id === "string" && known ? [{ id, state: String(state) }] : [];
}

/** Before `conversations_v2` there was one conversation for each directory, its id within. */
function inValue(value: unknown): Conversation[] {
  if (typeof value !== "string") return [];
  const id = /"conversation_id"\s*:\s*"([\w-]+)"/.exec(value)?.[1];
  return id === undefined ? [] : [{ id, state: createHash("sha256").update(value).digest("hex") }];
}
