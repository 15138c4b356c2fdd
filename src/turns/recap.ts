import { whatWasSaid } from "../domain/change-line.ts";
import type { Folder } from "../domain/ids.ts";
import { spokenText } from "../domain/outgoing.ts";
import { recapText } from "../domain/recap.ts";
import type { Store } from "../store/store.ts";

/** UTF-8 bytes; enough to know what a conversation was about. */
const RECAP_BYTES = 12 * 1024;
const MOST_LINES = 100;

/**
 * What the group's people and the assistant said before this turn, since the group last started
 * anew. Null when there is nothing.
 */
export function recapOf(store: Store, folder: Folder, zone: string): string | null {
  const since = store.groups.freshAt(folder);
  const asked = store.messages.answeredTalk(folder, since, MOST_LINES).map((message) => ({
    sender: message.fromAssistant ? null : message.senderName,
    text: whatWasSaid(message),
    at: message.receivedAt,
    guest: message.reason === "sender-not-allowed",
  }));
  const said = store.outbox.talk(folder, since, MOST_LINES).map((row) => ({
    ...{ sender: null, text: spokenText(row), at: row.createdAt, guest: false },
  }));
  return recapText([...asked, ...said], zone, RECAP_BYTES);
}
