import { isHeld, type Group, type RegisteredChat } from "../domain/group.ts";
import { MAIN, type Jid } from "../domain/ids.ts";
import { LINKED_ACCOUNT } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import { GroupError } from "./group-error.ts";

/** Chats that were registered for another account belong to the linked one from now on. */
export function confirmChats(store: Store, groups: readonly Group[]): void {
  const linked = store.settings.get(LINKED_ACCOUNT);
  if (linked === undefined) throw new GroupError("No WhatsApp account was linked yet; link one with: npm run auth");
  for (const { folder } of groups) {
    for (const chat of store.groups.chatsOf(folder)) {
      if (isHeld(chat, linked)) confirmChat(store, chat, linked);
    }
  }
}

/** A chat of the old account with itself is a stranger's now: the new one takes its place. */
function confirmChat(store: Store, chat: RegisteredChat, linked: string): void {
  const own = `${linked}@s.whatsapp.net` as Jid;
  const wasSelf = chat.jid === `${String(chat.account)}@s.whatsapp.net`;
  const takesOver = store.groups.chat(own)?.folder === MAIN;
  if (!wasSelf || !takesOver) {
    store.groups.setAccount(chat.jid, linked);
    return store.outbox.endPauses(chat.jid);
  }
  if (store.turns.openIn(chat.folder).some((turn) => turn.chat === chat.jid && turn.status === "running")) {
    throw new GroupError(`A turn runs in ${chat.jid}; try again when it is over, or end it: nanoclaw stop main`);
  }
  store.groups.replaceChat(chat.jid, own);
  store.outbox.endPauses(own);
}
