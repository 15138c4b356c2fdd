import type { DatabaseLook } from "../store/fork-look.ts";

/**
 * Whose home it is. `new`: nobody's yet. `damaged`: nobody can tell. `other`: a database of a
 * program that we do not know.
 */
export type Recognised = "ours" | "fork" | "new" | "damaged" | "other";

/** @param jsonGroups the home keeps groups in a JSON file, as the oldest ones did. */
export function recognise(look: DatabaseLook, jsonGroups: boolean): Recognised {
  switch (look.kind) {
    case "damaged":
      return "damaged";
    case "absent":
      return jsonGroups ? "fork" : "new";
    case "tables":
      return recogniseTables(look, jsonGroups);
    default:
      return look satisfies never;
  }
}

function recogniseTables({ tables, migrated }: DatabaseLook & { kind: "tables" }, jsonGroups: boolean): Recognised {
  if (migrated) return "ours";
  const foreign = [...tables.keys()].filter((name) => !name.startsWith("sqlite_") && name !== "migrations");
  if (foreign.length === 0) return jsonGroups ? "fork" : "new";
  const has = (table: string, ...columns: string[]) =>
    columns.every((column) => tables.get(table)?.includes(column) === true);
  const isFork = has("chats", "jid", "last_message_time") && has("messages", "id", "chat_jid", "content", "timestamp");
  return isFork ? "fork" : "other";
}
