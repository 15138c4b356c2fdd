import type { Clock } from "./clock.ts";
import type { Jid } from "./ids.ts";

export interface PaceOptions {
  clock: Clock;
  /** Between 0 and 1. */
  random(): number;
  /** Sends per minute to one chat; 0: no limit. */
  perChat: number;
  /** Sends per minute in all; 0: no limit, and no gap between two sends either. */
  inAll: number;
}

/** How quickly messages may leave, so that the network does not take the assistant for a spammer. */
export interface Pace {
  /** Milliseconds until a message may go to this chat; 0: now. */
  pause(chat: Jid): number;
  /** To be called before the send's first await: the next `pause` counts it. */
  sent(chat: Jid): void;
  /** The network said, in whatever way, that it was too much. */
  signal(): void;
  /** It took a message: an earlier back-off is forgiven. */
  acknowledged(): void;
  /** Epoch milliseconds; a young link is treated with more care. */
  linkedSince(at: number): void;
}

const MINUTE_MS = 60_000;
const YOUNG_MS = 3 * 24 * 60 * MINUTE_MS;
const CHAT_BURST = 5;
const ALL_BURST = 15;
const GAP_MS = 300;
const JITTER_MS = 200;
export const LONGEST_BACK_OFF_MS = 30 * MINUTE_MS;

export interface Limit {
  /** Sends per minute; 0: no limit. */
  rate: number;
  /** Sends without a pause between them. */
  burst: number;
}

export interface PaceFacts {
  /** Milliseconds of the same clock as the times below. */
  now: number;
  /** Times of the last minute's sends, oldest first: to this chat, and in all. */
  chatSends: readonly number[];
  allSends: readonly number[];
  perChat: Limit;
  inAll: Limit;
  /** Between two sends, whatever their chats. */
  gap: number;
  backOffUntil: number;
}

/** Milliseconds to wait. */
export function decidePause({ now, chatSends, allSends, perChat, inAll, gap, backOffUntil }: PaceFacts): number {
  const last = allSends.at(-1);
  const free = Math.max(
    backOffUntil,
    freeAt(chatSends, perChat),
    freeAt(allSends, inAll),
    last === undefined ? now : last + gap,
  );
  return Math.max(0, Math.ceil(free - now));
}

/** Never more than `rate` in a minute; in a row only `burst`, then one by one as the minute passes. */
function freeAt(sends: readonly number[], { rate, burst }: Limit): number {
  if (rate === 0) return -Infinity;
  const interval = MINUTE_MS / rate;
  let emptyAt = -Infinity;
  for (const at of sends) emptyAt = Math.max(emptyAt, at) + interval;
  const windowFree = (sends.at(-rate) ?? -Infinity) + MINUTE_MS;
  return Math.max(windowFree, emptyAt - (burst - 1) * interval);
}

/** A link of the first days gets half. */
export function limitFor(rate: number, burst: number, isYoung: boolean): Limit {
  const share = isYoung ? 0.5 : 1;
  const allowed = rate === 0 ? 0 : Math.max(1, Math.floor(rate * share));
  return { rate: allowed, burst: Math.max(1, Math.min(allowed, Math.floor(burst * share))) };
}

export const backOff = (signals: number): number => Math.min(MINUTE_MS * 2 ** (signals - 1), LONGEST_BACK_OFF_MS);

export function createPace({ clock, random, perChat, inAll }: PaceOptions): Pace {
  const toChats = new Map<Jid, number[]>();
  let allSends: number[] = [];
  let gap = 0;
  let signals = 0;
  let backOffUntil = -Infinity;
  let linkedAt: number | undefined;

  const isYoung = () => linkedAt !== undefined && clock.now() - linkedAt < YOUNG_MS;

  const forgetBefore = (time: number) => {
    allSends = allSends.filter((at) => at > time);
    for (const [chat, sends] of toChats) {
      const kept = sends.filter((at) => at > time);
      if (kept.length > 0) toChats.set(chat, kept);
      else toChats.delete(chat);
    }
  };

  return {
    pause: (chat) =>
      decidePause({
        now: clock.monotonic(),
        chatSends: toChats.get(chat) ?? [],
        allSends,
        perChat: limitFor(perChat, CHAT_BURST, isYoung()),
        inAll: limitFor(inAll, ALL_BURST, isYoung()),
        gap,
        backOffUntil,
      }),
    sent: (chat) => {
      const now = clock.monotonic();
      forgetBefore(now - MINUTE_MS);
      allSends.push(now);
      toChats.set(chat, [...(toChats.get(chat) ?? []), now]);
      gap = inAll === 0 ? 0 : GAP_MS + random() * JITTER_MS;
    },
    signal: () => {
      // What was under way when the first signal came may bring more of them: they are one.
      if (clock.monotonic() < backOffUntil) return;
      signals += 1;
      backOffUntil = clock.monotonic() + backOff(signals);
    },
    acknowledged: () => {
      if (clock.monotonic() >= backOffUntil) signals = 0;
    },
    linkedSince: (at) => {
      linkedAt = at;
    },
  };
}
