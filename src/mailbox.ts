import type { Mailbox } from "./channels/local/local-channel.ts";
import { GroupError } from "./control/group-error.ts";
import { groupOperations } from "./control/groups.ts";
import type { Clock } from "./domain/clock.ts";
import type { Store } from "./store/store.ts";
import { fileOf } from "./turns/outgoing-files.ts";

export interface MailboxOptions {
  store: Store;
  clock: Clock;
  home: { root: string };
}

/** The local chat's view of the outbox. */
export function mailbox({ store, clock, home }: MailboxOptions): Mailbox {
  const groups = groupOperations(store, clock);
  return {
    after: (chat, seq) =>
      store.outbox.after(chat, seq, 100).map((row) => ({
        seq: row.seq,
        id: row.messageId,
        text: row.text,
        file: fileOf(home.root, row),
        at: row.createdAt,
        source: row.source,
        turn: row.turn,
        task: row.task,
      })),
    newest: store.outbox.newestSeq,
    shown: store.groups.shownSeq,
    markShown: store.groups.markShown,
    open: (name) => {
      try {
        return { ok: true, folder: groups.openLocalChat(name) };
      } catch (error) {
        if (error instanceof GroupError) return { ok: false, problem: error.message };
        throw error;
      }
    },
  };
}
