import type { Mailbox } from "./channels/local/local-channel.ts";
import { GroupError, groupOperations } from "./control/groups.ts";
import type { Clock } from "./domain/clock.ts";
import type { Store } from "./store/store.ts";

/** The local chat's view of the outbox. */
export function mailbox({ store, clock }: { store: Store; clock: Clock }): Mailbox {
  const groups = groupOperations(store, clock);
  return {
    after: (chat, seq) =>
      store.outbox.after(chat, seq, 100).map((row) => ({
        seq: row.seq,
        id: row.messageId,
        text: row.text,
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
