import { createWhatsAppChannel, type WhatsAppChannel } from "./channels/whatsapp/channel.ts";
import type { Config } from "./config.ts";
import type { Clock } from "./domain/clock.ts";
import type { Log } from "./domain/log.ts";
import { createPace } from "./domain/pace.ts";
import type { Home } from "./home.ts";
import type { Store } from "./store/store.ts";
import type { Inbox } from "./turns/inbox.ts";
import { createWhatsAppLedger } from "./whatsapp-ledger.ts";
import { whatsAppLinks } from "./whatsapp-links.ts";

export interface WhatsAppPartOptions {
  config: Config;
  clock: Clock;
  log: Log;
  store: Store;
  home: Home;
  inbox: Inbox;
  /** The network has it, whoever still waited to hear that. */
  acknowledged(messageId: string): void;
  onOutbox(): void;
  onChange(): void;
}

/** The WhatsApp channel of this home; undefined when it is switched off. */
export function createWhatsApp(options: WhatsAppPartOptions): WhatsAppChannel | undefined {
  const { config, clock, log, store, home } = options;
  const { settings } = config;
  if (settings.NANOCLAW_WHATSAPP === "off") return undefined;
  const pace = createPace({
    ...{ clock, random: Math.random },
    perChat: settings.NANOCLAW_WHATSAPP_CHAT_RATE,
    inAll: settings.NANOCLAW_WHATSAPP_RATE,
  });
  const ledger = createWhatsAppLedger(options);
  return createWhatsAppChannel({
    ...{ pace, clock, zone: config.zone, log, random: Math.random },
    ledger: {
      ...ledger,
      acknowledged: (messageId) => {
        pace.acknowledged();
        ledger.acknowledged(messageId);
      },
      opened: (account) => {
        ledger.opened(account);
        pace.linkedSince(linkedSince(store, account.pn, clock.now()));
      },
    },
    links: whatsAppLinks(home.auth),
    assistantName: settings.ASSISTANT_NAME,
    ownNumber: settings.ASSISTANT_HAS_OWN_NUMBER,
    url: settings.NANOCLAW_WHATSAPP_URL,
    inboxFolder: (folder) => home.group(folder).inbox,
  });
}

/** When this account was seen here first: a number that has just been linked is watched more closely. */
function linkedSince(store: Store, account: string, now: number): number {
  const key = `whatsapp-linked-since/${account}`;
  const known = store.settings.get(key);
  if (known === undefined) store.settings.set(key, String(now));
  return known === undefined ? now : Number(known);
}
