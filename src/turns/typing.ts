import type { Channel } from "../channels/channel.ts";
import type { Clock } from "../domain/clock.ts";
import type { Jid } from "../domain/ids.ts";
import type { WakeUp } from "../domain/wake-up.ts";
import type { Store } from "../store/store.ts";

export interface TypingOptions {
  store: Store;
  channels: readonly Channel[];
  clock: Clock;
  /** A turn began or ended. */
  wake: WakeUp;
}

export interface Typing {
  start(): void;
  /** Nobody is shown as writing any more. May be repeated. */
  stop(): Promise<void>;
}

/** A network shows it for some seconds only. */
const AGAIN_MS = 8_000;
/** A net below the wake-ups. */
const POLL_MS = 1_000;

/** Shows that an answer is being written for as long as a turn of the chat runs. */
export function createTyping({ store, channels, clock, wake }: TypingOptions): Typing {
  const stopping = new AbortController();
  /** When it was last shown, by `clock.monotonic`. */
  const shown = new Map<Jid, number>();
  let loop: Promise<void> | undefined;

  const show = (chat: Jid, on: boolean) => {
    if (on) shown.set(chat, clock.monotonic());
    else shown.delete(chat);
    try {
      channels.find((channel) => channel.owns(chat))?.typing(chat, on);
    } catch {
      // Only a courtesy: no turn and no other chat may suffer from it.
    }
  };

  const pass = () => {
    const running = new Set(runningChats(store) ?? shown.keys());
    for (const chat of shown.keys()) if (!running.has(chat)) show(chat, false);
    for (const chat of running) {
      const last = shown.get(chat);
      if (last === undefined || clock.monotonic() - last >= AGAIN_MS) show(chat, true);
    }
  };

  const work = async () => {
    while (!stopping.signal.aborted) {
      pass();
      await clock.sleep(POLL_MS, AbortSignal.any([stopping.signal, wake.next()]));
    }
  };

  return {
    start: () => {
      loop ??= work();
    },
    stop: async () => {
      stopping.abort();
      await loop;
      for (const chat of shown.keys()) show(chat, false);
    },
  };
}

/** Undefined while the database cannot be read. */
function runningChats(store: Store): Jid[] | undefined {
  try {
    return store.turns.running().map(({ chat }) => chat);
  } catch {
    return undefined;
  }
}
