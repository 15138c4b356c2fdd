import type { ToolArguments } from "@nanoclaw/agent-runner/protocol";
import { cutAtCharacter } from "../domain/prompt.ts";
import type { Folder } from "../domain/ids.ts";
import { scopeOf } from "../domain/rights.ts";
import type { Store } from "../store/store.ts";

export interface Found {
  messages: { time: number; sender: string; text: string }[];
  more: boolean;
}

const DEFAULT_LIMIT = 20;
/** UTF-16 units of a search result in all, so that a response stays well below its limit. */
const MOST_TEXT = 48_000;

/** Messages of the caller's own group by words; the main group searches all. Times are epoch ms. */
export function searchMessages(
  store: Store,
  caller: Folder,
  { query, limit = DEFAULT_LIMIT, before }: ToolArguments<"search_messages">,
  now: number,
): Found | { problem: string } {
  const until = before === undefined ? now + 1 : Date.parse(before);
  if (Number.isNaN(until))
    return { problem: `"${before}" is no ISO 8601 time; write it like 2026-11-22T18:00:00+01:00` };
  const words = query.match(/[\p{L}\p{N}\p{M}_]+/gu) ?? [];
  if (words.length === 0) return { problem: "the query has no words to look for" };
  const rows = store.messages.search(words, scopeOf(caller), until, limit + 1);
  const shown = rows.slice(0, limit);
  const room = Math.floor(MOST_TEXT / Math.max(1, shown.length));
  return {
    messages: shown.map((row) => ({ time: row.sentAt, sender: row.senderName, text: shorten(row.text, room) })),
    more: rows.length > limit,
  };
}

const shorten = (text: string, room: number): string =>
  text.length <= room ? text : `${cutAtCharacter(text, room)} [… ${text.length - room} more characters]`;
