import type { Clock } from "./domain/clock.ts";
import { MAIN, newMessageId, type Folder } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import type { SecretKeeper } from "./kiro/secrets.ts";
import type { Store } from "./store/store.ts";

export interface SecretScreenOptions {
  secrets: SecretKeeper;
  store: Store;
  clock: Clock;
  log: Log;
  /** A notice was written. */
  onOutbox(): void;
}

export interface SecretScreen {
  /** Takes secret values out of an agent's words before they become a message. */
  screen(text: string, folder: Folder): string;
  /** Somebody else has taken them out. */
  onSecret(folder: Folder, names: readonly string[]): void;
}

/** A mitigation, not a wall (docs/security.md): a value that was changed a little passes. The owner is told of each hit. */
export function createSecretScreen(options: SecretScreenOptions): SecretScreen {
  const { secrets, log } = options;
  const onSecret: SecretScreen["onSecret"] = (folder, names) => {
    log.warn({ group: folder, names }, "A secret was taken out of a message");
    tellOwner(options, folder, names);
  };
  return {
    onSecret,
    screen: (text, folder) => {
      secrets.refresh();
      const { text: clean, hits } = secrets.redact(text);
      if (hits.length > 0) onSecret(folder, hits);
      return clean;
    },
  };
}

function tellOwner({ store, clock, onOutbox }: SecretScreenOptions, folder: Folder, hits: readonly string[]): void {
  const text = `I took a secret (${hits.join(", ")}) out of a message that the agent of the group "${folder}" wrote. When you did not ask for it, somebody else tried to get it: replace that key or log in anew.`;
  for (const { jid } of store.groups.chatsOf(MAIN)) {
    store.outbox.add({
      ...{ chat: jid, folder: MAIN, messageId: newMessageId(), text, source: "notice" },
      ...{ turn: null, task: null, requestKey: null, now: clock.now() },
    });
  }
  onOutbox();
}
