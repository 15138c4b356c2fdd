import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { jidOf } from "../../test/ledger-kit.ts";
import { manualClock, type ManualClock } from "../../test/manual-clock.ts";
import { backOff, createPace, decidePause, limitFor, type Pace, type PaceFacts } from "./pace.ts";

const facts = (changes: Partial<PaceFacts>): PaceFacts => ({
  ...{ now: 100_000, chatSends: [], allSends: [], gap: 0, backOffUntil: -Infinity },
  ...{ perChat: { rate: 0, burst: 1 }, inAll: { rate: 0, burst: 1 } },
  ...changes,
});
const limit = { rate: 6, burst: 2 };

test.each<[string, Partial<PaceFacts>, number]>([
  ["nothing was sent: now", { perChat: limit, inAll: limit }, 0],
  ["one of a burst: now", { chatSends: [100_000], perChat: limit }, 0],
  ["the burst is used up: after an interval", { chatSends: [100_000, 100_000], perChat: limit }, 10_000],
  ["the burst is half used up", { chatSends: [95_000, 96_000], perChat: limit }, 5_000],
  ["long ago: now", { chatSends: [60_000, 70_000], perChat: limit }, 0],
  ["the minute is full", { chatSends: [50_000, 55_000, 60_000, 70_000, 80_000, 90_000], perChat: limit }, 10_000],
  ["the sum counts, too", { allSends: [100_000, 100_000], inAll: limit }, 10_000],
  ["no limit", { chatSends: Array<number>(500).fill(100_000), allSends: Array<number>(500).fill(100_000) }, 0],
  ["the gap since the last one", { allSends: [99_900], gap: 350.5 }, 251],
  ["backing off", { backOffUntil: 130_000 }, 30_000],
  ["whatever is longest", { backOffUntil: 130_000, allSends: [100_000], gap: 300, inAll: limit }, 30_000],
])("%s", (_name, given, pause) => {
  expect(decidePause(facts(given))).toBe(pause);
});

test("a young link gets half, but never nothing; 0 stays without a limit", () => {
  expect(limitFor(20, 5, false)).toEqual({ rate: 20, burst: 5 });
  expect(limitFor(20, 5, true)).toEqual({ rate: 10, burst: 2 });
  expect(limitFor(1, 5, true)).toEqual({ rate: 1, burst: 1 });
  expect(limitFor(3, 5, false)).toEqual({ rate: 3, burst: 3 });
  expect(limitFor(0, 5, true).rate).toBe(0);
});

test("backing off doubles up to half an hour", () => {
  expect([1, 2, 3, 5, 6, 7, 5_000].map((signals) => backOff(signals) / 60_000)).toEqual([1, 2, 4, 16, 30, 30, 30]);
});

describe("the governor", () => {
  let clock: ManualClock;
  beforeEach(() => {
    clock = manualClock();
  });
  const paceOf = (changes: object = {}) => createPace({ clock, random: () => 0.5, perChat: 20, inAll: 60, ...changes });
  const [ann, bob] = [jidOf("1@s.whatsapp.net"), jidOf("2@s.whatsapp.net")];

  /** Sends whenever it may, for some minutes; the times of the sends. */
  const flood = async (pace: Pace, chats: (typeof ann)[], ms: number) => {
    const times: { chat: typeof ann; at: number }[] = [];
    for (const until = clock.monotonic() + ms; clock.monotonic() < until;) {
      for (const chat of chats) {
        if (pace.pause(chat) > 0) continue;
        pace.sent(chat);
        times.push({ chat, at: clock.monotonic() });
      }
      await clock.advance(Math.max(1, Math.min(...chats.map(pace.pause))));
    }
    return times;
  };
  const mostInAMinute = (times: { at: number }[]) =>
    Math.max(...times.map(({ at }) => times.filter((other) => other.at >= at && other.at < at + 60_000).length));

  test("one chat: five in a row, then never more than 20 in a minute, and not fewer in the long run", async () => {
    const times = await flood(paceOf(), [ann], 300_000);
    expect(mostInAMinute(times)).toBe(20);
    expect(times.length).toBeGreaterThanOrEqual(95);
    expect(times[4]?.at).toBeLessThan(2_000);
    expect(times[5]?.at).toBeGreaterThanOrEqual(3_000);
    const gaps = times.slice(1).map(({ at }, index) => at - (times[index]?.at ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(300);
  });

  test("many chats: never more than 60 in a minute", async () => {
    const chats = Array.from({ length: 10 }, (_, index) => jidOf(`${index}@g.us`));
    const times = await flood(paceOf(), chats, 180_000);
    expect(mostInAMinute(times)).toBe(60);
    expect(times.length).toBeGreaterThanOrEqual(170);
  });

  test("a link of three days gets half, a year old one all of it", async () => {
    const young = paceOf();
    young.linkedSince(clock.now() - 3_600_000);
    expect(mostInAMinute(await flood(young, [ann], 120_000))).toBe(10);
    const old = paceOf();
    old.linkedSince(clock.now() - 365 * 86_400_000);
    expect(mostInAMinute(await flood(old, [ann], 120_000))).toBe(20);
  });

  test("without limits nothing waits", () => {
    const pace = paceOf({ perChat: 0, inAll: 0 });
    for (let count = 0; count < 1_000; count += 1) pace.sent(ann);
    expect(pace.pause(ann)).toBe(0);
  });

  test("one chat that is full holds up no other", () => {
    const pace = paceOf({ inAll: 0 });
    for (let count = 0; count < 5; count += 1) pace.sent(ann);
    expect(pace.pause(ann)).toBeGreaterThan(0);
    expect(pace.pause(bob)).toBe(0);
  });

  test("a signal stops everything for a minute, the next one for two, until a send was acknowledged", async () => {
    const pace = paceOf();
    pace.signal();
    expect(pace.pause(ann)).toBe(60_000);
    await clock.advance(30_000);
    pace.signal(); // another send that was under way
    pace.acknowledged(); // one that left before
    expect(pace.pause(bob)).toBe(30_000);
    await clock.advance(30_000);
    expect(pace.pause(ann)).toBe(0);
    pace.signal();
    expect(pace.pause(ann)).toBe(120_000);
    await clock.advance(120_000);
    pace.acknowledged();
    pace.signal();
    expect(pace.pause(ann)).toBe(60_000);
  });

  test("a wall clock that jumps changes no pause", () => {
    const pace = paceOf();
    for (let count = 0; count < 5; count += 1) pace.sent(ann);
    const before = pace.pause(ann);
    clock.jump(-86_400_000);
    expect(pace.pause(ann)).toBe(before);
  });

  test("whatever the rates and the pattern, no minute has more than the rate", async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(ann, bob), fc.integer({ min: 0, max: 20_000 })), {
      maxLength: 120,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 40 }),
        steps,
        async (perChat, inAll, all) => {
          const pace = paceOf({ perChat, inAll });
          const times: { chat: typeof ann; at: number }[] = [];
          for (const [chat, ms] of all) {
            await clock.advance(ms);
            if (pace.pause(chat) > 0) continue;
            pace.sent(chat);
            times.push({ chat, at: clock.monotonic() });
          }
          if (times.length > 0) expect(mostInAMinute(times)).toBeLessThanOrEqual(inAll);
          for (const chat of [ann, bob]) {
            const own = times.filter((send) => send.chat === chat);
            if (own.length > 0) expect(mostInAMinute(own)).toBeLessThanOrEqual(perChat);
          }
        },
      ),
      { numRuns: 40 },
    );
  });
});
