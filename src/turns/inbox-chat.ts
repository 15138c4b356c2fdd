import type { ChatFacts } from "../domain/decide.ts";
import { isHeld } from "../domain/group.ts";
import type { Jid } from "../domain/ids.ts";
import { LINKED_ACCOUNT } from "../store/settings.ts";
import type { Store } from "../store/store.ts";

/** What decides about messages of a chat; undefined: nobody registered it. */
export function chatFacts(store: Store, jid: Jid): ChatFacts | undefined {
  const chat = store.groups.chat(jid);
  if (!chat) return undefined;
  const { senders } = chat;
  return {
    // A list may name a person by the id that they had when it was written.
    chat: Array.isArray(senders) ? { ...chat, senders: senders.map(store.persons.canonical) } : chat,
    guests: store.groups.find(chat.folder)?.settings.guests ?? "shown",
    held: isHeld(chat, store.settings.get(LINKED_ACCOUNT)),
  };
}

/** A person who writes again does not wait for the back-off of what they wrote before. */
export function joinWaitingTurn(store: Store, chat: Jid, now: number): void {
  const waiting = store.turns.openMessageTurn(chat);
  if (waiting?.status === "queued") store.turns.makeDue(waiting.id, now);
}
