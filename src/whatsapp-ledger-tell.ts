import type { Clock } from "./domain/clock.ts";
import { localJid, MAIN, newMessageId } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import type { Store } from "./store/store.ts";

export interface TellOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** A notice was written. */
  onOutbox(): void;
}

/** On the owner's local chat, which needs no network; once per key. */
export function tellOnce({ store, clock, log, onOutbox }: TellOptions, key: string, text: string): void {
  // No folder has a colon: an agent's request cannot have this key.
  const requestKey = `tell:${key}`;
  store.transaction(() => {
    if (store.outbox.byRequest(requestKey)) return;
    log.warn({ key }, text);
    store.outbox.add({
      ...{ chat: localJid(MAIN), folder: MAIN, messageId: newMessageId(), text, source: "notice" },
      ...{ turn: null, task: null, requestKey, now: clock.now() },
    });
  });
  onOutbox();
}
