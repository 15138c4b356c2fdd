import type { Account, GroupFacts, WhatsAppLedger } from "./channels/whatsapp/ledger.ts";
import { isHeld } from "./domain/group.ts";
import type { Jid } from "./domain/ids.ts";
import { passingReason } from "./store/database.ts";
import { LINKED_ACCOUNT } from "./store/settings.ts";
import type { Inbox } from "./turns/inbox.ts";
import { noteAccount } from "./whatsapp-ledger-account.ts";
import { readGroup } from "./whatsapp-ledger-groups.ts";
import { isOwnerHere, proveOwner, type OwnerOptions } from "./whatsapp-ledger-owner.ts";
import { tellOnce } from "./whatsapp-ledger-tell.ts";

export interface WhatsAppLedgerOptions extends OwnerOptions {
  inbox: Inbox;
  /** A row of the outbox has arrived. */
  acknowledged(messageId: string): void;
}

/** When the link last worked, epoch ms. */
const ALIVE = "whatsapp-alive";

/** What the WhatsApp channel asks of the host, on the host's own tables. */
export function createWhatsAppLedger(options: WhatsAppLedgerOptions): WhatsAppLedger {
  const { store, inbox, log } = options;
  const registered = (jid: Jid) => {
    const chat = store.groups.chat(jid);
    return chat && { chat, held: isHeld(chat, store.settings.get(LINKED_ACCOUNT)) };
  };
  const learn = (lid: string, pn: string): void => {
    const learned = store.persons.learn(lid, pn);
    if (learned === "conflict") log.warn({ lid, pn }, "Two numbers for one person, the first one stays");
    if (learned === "merged") log.info({ lid, pn }, "A person's two ids are one now");
  };

  return {
    receive: (message) => inbox.receive("whatsapp", message),
    change: inbox.change,
    isCommand: inbox.isCommand,
    canonical: store.persons.canonical,
    learn,
    folderOf: (jid) => {
      const found = registered(jid);
      return found && !found.held ? found.chat.folder : undefined;
    },
    mayWrite: (jid) => {
      const found = registered(store.persons.canonical(jid));
      if (!found) return "unregistered";
      return found.held ? "held" : "yes";
    },
    isOurs: (messageId) => store.outbox.byMessageId(messageId) !== undefined,
    isOwner: (person) => isOwnerHere(options, person),
    prove: (sender, chat, text) => proveOwner(options, sender, chat, text),
    opened: (account: Account) => {
      if (account.lid !== null) learn(account.lid, account.pn);
      store.transaction(() => {
        noteAccount(options, account.pn);
        store.outbox.endPauses();
      });
      options.onOutbox();
      options.onChange();
    },
    acknowledged: options.acknowledged,
    mayPass: (error) => passingReason(error) !== undefined,
    tell: (key, text) => tellOnce(options, key, text),
    lastAlive: () => {
      const at = store.settings.get(ALIVE);
      return at === undefined ? undefined : Number(at);
    },
    alive: (at) => store.settings.set(ALIVE, String(at)),
    registeredGroups: () =>
      store.groups
        .chats()
        .filter((chat) => chat.jid.endsWith("@g.us") && !isHeld(chat, store.settings.get(LINKED_ACCOUNT)))
        .map(({ jid }) => jid),
    group: (jid) => readGroup(store, jid),
    saveGroup: ({ jid, subject, updatedAt, ...facts }: GroupFacts) =>
      store.networkGroups.save(jid, subject, facts, updatedAt),
  };
}
