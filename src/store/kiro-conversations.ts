import type { DatabaseSync } from "node:sqlite";
import { hasColumns } from "./kiro-guard.ts";

/** One of V1's conversations, from either of its two tables. */
export interface KiroConversation {
  key: string;
  /** Null in the older table, which has one for each directory. */
  id: string | null;
  value: string;
  createdAt: number;
  updatedAt: number;
}

const MOST_ROWS = 2_000;
const KEY_BYTES = 4096;
const ID_BYTES = 200;

const conversationTables = [
  { name: "conversations_v2", id: "conversation_id", created: "created_at", updated: "updated_at" },
  { name: "conversations", id: "NULL", created: "0", updated: "0" },
] as const;

/** The newest that fit; the older table is asked last. */
export function readConversations(connection: DatabaseSync, budget: number): KiroConversation[] {
  const kept: KiroConversation[] = [];
  if (budget === 0) return kept;
  let left = budget;
  for (const table of conversationTables) {
    const columns = ["key", "value", ...[table.id, table.created, table.updated].filter((name) => /_/.test(name))];
    if (!hasColumns(connection, table.name, columns)) continue;
    for (const place of newestThatFit(sizesOf(connection, table), left)) {
      const row = conversationAt(connection, table, place);
      if (!row) continue;
      left -= Buffer.byteLength(row.value);
      kept.push(row);
    }
  }
  return kept;
}

type ConversationTable = (typeof conversationTables)[number];

interface Sized {
  place: number;
  bytes: number;
  updated: number;
}

function sizesOf(connection: DatabaseSync, { name, updated }: ConversationTable): Sized[] {
  return connection
    .prepare(
      `SELECT octet_length(value) AS bytes, ${updated} AS updated FROM main.${name} NOT INDEXED LIMIT ${MOST_ROWS}`,
    )
    .all()
    .map(({ bytes, updated }, place) => ({ place, bytes: Number(bytes), updated: Number(updated) || 0 }));
}

function newestThatFit(sizes: Sized[], budget: number): number[] {
  let left = budget;
  const fitting: number[] = [];
  for (const { place, bytes } of sizes.toSorted((a, b) => b.updated - a.updated)) {
    if (bytes > left) break;
    left -= bytes;
    fitting.push(place);
  }
  return fitting;
}

function conversationAt(
  connection: DatabaseSync,
  { name, id, created, updated }: ConversationTable,
  place: number,
): KiroConversation | undefined {
  const row = connection
    .prepare(
      `SELECT iif(octet_length(key) <= ${KEY_BYTES}, key, NULL) AS key, value,
              iif(octet_length(${id}) <= ${ID_BYTES}, ${id}, NULL) AS id, ${created} AS created, ${updated} AS updated
       FROM main.${name} NOT INDEXED LIMIT 1 OFFSET ?`,
    )
    .get(place);
  if (typeof row?.["key"] !== "string" || typeof row["value"] !== "string") return undefined;
  if (name === "conversations_v2" && typeof row["id"] !== "string") return undefined;
  const { key, value } = row as { key: string; value: string };
  const id_ = typeof row["id"] === "string" ? row["id"] : null;
  return { key, id: id_, value, createdAt: Number(row["created"]) || 0, updatedAt: Number(row["updated"]) || 0 };
}
