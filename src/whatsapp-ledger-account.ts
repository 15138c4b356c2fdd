import { isHeld } from "./domain/group.ts";
import { isLocal, type Jid } from "./domain/ids.ts";
import { LINKED_ACCOUNT } from "./store/settings.ts";
import { openOwnersChat, ownerNumbers, type OwnerOptions } from "./whatsapp-ledger-owner.ts";
import { tellOnce } from "./whatsapp-ledger-tell.ts";

const numberOf = (pn: string): string => pn.split("@")[0] ?? pn;

/**
 * Connected as this account: the owner's chat with it is part of main, and chats of another account
 * wait until somebody confirms them.
 */
export function noteAccount(options: OwnerOptions, pn: Jid): void {
  const { store, clock, config } = options;
  const linked = numberOf(pn);
  const before = store.settings.get(LINKED_ACCOUNT);
  if (before !== linked) store.settings.set(LINKED_ACCOUNT, linked);
  // Registered before there was any link.
  for (const chat of store.groups.chats()) {
    if (chat.account === null && !isLocal(chat.jid)) store.groups.setAccount(chat.jid, linked);
  }
  const [owner] = config.settings.ASSISTANT_HAS_OWN_NUMBER ? ownerNumbers(options) : [linked];
  if (owner !== undefined) openOwnersChat(store, store.persons.canonical(`${owner}@s.whatsapp.net`), linked);
  if (before === undefined || before === linked) return;
  const held = store.groups.chats().filter((chat) => isHeld(chat, linked));
  tellOnce(options, `account/${before}/${linked}/${clock.now()}`, otherAccount(before, linked, held.length));
}

function otherAccount(before: string, linked: string, held: number): string {
  const now = `WhatsApp is linked as +${linked} now; before it was +${before}.`;
  if (held === 0) return now;
  const chats = held === 1 ? "1 chat that was" : `${held} chats that were`;
  return `${now} In ${chats} registered for another number nothing is answered or sent until you confirm: nanoclaw groups list shows them, and nanoclaw groups confirm [folder] lets me go on there.`;
}
