import type { Config } from "./config.ts";
import { endClaim, keepClaim, ownerClaim } from "./control/owner.ts";
import { MAIN, newMessageId, type Jid } from "./domain/ids.ts";
import { judgeProof } from "./domain/owner.ts";
import { LINKED_ACCOUNT } from "./store/settings.ts";
import type { Store } from "./store/store.ts";
import type { TellOptions } from "./whatsapp-ledger-tell.ts";

export interface OwnerOptions extends TellOptions {
  config: Pick<Config, "settings">;
  /** A chat was registered. */
  onChange(): void;
}

export type OwnerFacts = Pick<OwnerOptions, "store" | "config">;

/** The setting that keeps who proved to be the owner: digits. */
const OWNER = "owner";

/** Digits: those of the settings, else who proved it. */
export function ownerNumbers({ store, config }: OwnerFacts): readonly string[] {
  // Whoever writes the settings owns the machine.
  if (config.settings.NANOCLAW_OWNER) return config.settings.NANOCLAW_OWNER;
  const proved = store.settings.get(OWNER);
  return proved === undefined ? [] : [proved];
}

/** On a shared number the account itself is the owner's. */
export function isOwnerHere(options: OwnerFacts, person: string): boolean {
  const { store, config } = options;
  const linked = store.settings.get(LINKED_ACCOUNT);
  const own = linked === undefined ? [] : [linked];
  const numbers = config.settings.ASSISTANT_HAS_OWN_NUMBER ? ownerNumbers(options) : own;
  const who = store.persons.canonical(person);
  return numbers.some((number) => store.persons.canonical(`${number}@s.whatsapp.net`) === who);
}

/** Was this the code that proves who the owner is? Only in a chat between the two. */
export function proveOwner(options: OwnerOptions, sender: Jid, chat: Jid, text: string): boolean {
  const { store, clock, config } = options;
  const claim = config.settings.ASSISTANT_HAS_OWN_NUMBER ? ownerClaim(store) : undefined;
  if (!claim || sender !== chat || sender !== store.persons.canonical(`${claim.number}@s.whatsapp.net`)) return false;
  const ruling = judgeProof(claim, text, clock.now());
  switch (ruling.kind) {
    case "proved":
      store.transaction(() => {
        keepClaim(store, { ...claim, proved: true });
        welcome(options, claim.number, chat);
      });
      options.onOutbox();
      options.onChange();
      return true;
    case "proved-before":
      return true;
    case "wrong":
      if (ruling.claim === null) store.transaction(() => endClaim(store, claim));
      else keepClaim(store, ruling.claim);
      options.log.warn({ ended: ruling.claim === null }, "A wrong code for the owner's number");
      return false;
    case "no-proof":
      return false;
    default:
      return ruling satisfies never;
  }
}

function welcome({ store, clock, log, config }: OwnerOptions, number: string, chat: Jid): void {
  store.settings.set(OWNER, number);
  const linked = store.settings.get(LINKED_ACCOUNT);
  if (linked !== undefined) openOwnersChat(store, chat, linked);
  log.info({}, "The owner's number is proved");
  store.outbox.add({
    ...{ chat, folder: store.groups.chat(chat)?.folder ?? MAIN, messageId: newMessageId(), source: "notice" },
    text: `You are ${config.settings.ASSISTANT_NAME}'s owner now. Write here whatever you need: I answer every message of this chat.`,
    ...{ turn: null, task: null, requestKey: null, now: clock.now() },
  });
}

/** Whoever linked the account holds the machine, and so does whom the machine's settings call the owner. */
export function openOwnersChat(store: Store, jid: Jid, linked: string): void {
  const chat = store.groups.chat(jid);
  if (chat?.folder === MAIN) return chat.account === linked ? undefined : store.groups.setAccount(jid, linked);
  if (chat) return;
  const rules = { trigger: null, requiresTrigger: false, senders: "owner" } as const;
  store.groups.addChat({ jid, folder: MAIN, name: "Main", account: linked, ...rules });
}
