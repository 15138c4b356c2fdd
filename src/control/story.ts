import type { Story } from "../domain/explain.ts";
import { isHeld } from "../domain/group.ts";
import type { StoredMessage } from "../store/messages.ts";
import { LINKED_ACCOUNT } from "../store/settings.ts";
import type { Store } from "../store/store.ts";
import type { Turn } from "../store/turns.ts";

/** Everything the ledger knows about what became of a message. */
export function storyOf(
  store: Store,
  message: StoredMessage,
  zone: string,
): Story & { turnId: string | null; told: boolean } {
  const turn = message.decision === "wakes" ? turnOf(store, message) : undefined;
  const running = store.turns.runningIn(message.folder);
  return {
    message,
    turn: turn && {
      status: turn.status,
      dueAt: turn.dueAt,
      attempts: turn.attempts,
      startedAt: turn.createdAt,
      endedAt: turn.endedAt,
      failure: turn.failureClass === null ? null : `${turn.failureClass}: ${turn.failureDetail ?? ""}`,
    },
    turnId: turn?.id ?? null,
    told: turn?.told ?? false,
    isLongAgo: message.decision === "wakes" && !turn && message.seq <= store.turns.answeredSeq(message.chat),
    replies: turn ? store.outbox.ofTurn(turn.id).length : 0,
    busyWith: whatHoldsIt(store, message, running?.id === turn?.id ? undefined : running),
    zone: store.groups.find(message.folder)?.settings.zone ?? zone,
  };
}

function whatHoldsIt(store: Store, { chat }: StoredMessage, running: Turn | undefined): string | null {
  const place = store.groups.chat(chat);
  if (place && isHeld(place, store.settings.get(LINKED_ACCOUNT))) {
    return "the chat was registered for another WhatsApp account (nanoclaw groups confirm)";
  }
  return running ? `the group is busy with another turn (${running.kind})` : null;
}

/** A range is fixed late: an open turn without one will take the message when it writes its input. */
function turnOf(store: Store, message: StoredMessage): Turn | undefined {
  const turn = store.turns.ofMessage(message.chat, message.seq);
  if (!turn || turn.toSeq === null) return turn;
  const isOpen = turn.status === "queued" || turn.status === "running";
  return turn.toSeq >= message.seq || (isOpen && turn.status === "queued") ? turn : undefined;
}
