import { beforeEach, describe, expect, test } from "vitest";
import { manualClock, type ManualClock } from "../../../test/manual-clock.ts";
import { silentLog } from "../../domain/log.ts";
import { beat } from "./serve-link-beat.ts";

describe("while a link is served", () => {
  const start = 1_000_000;
  const minutes = (count: number) => count * 60_000;
  let clock: ManualClock;
  let pruned: number[];
  let alive: number[];
  let looks: number;
  let inPlace: boolean;
  let stop: AbortController;
  let full: boolean;

  beforeEach(() => {
    clock = manualClock(start);
    [pruned, alive, looks, inPlace, full] = [[], [], 0, true, false];
    stop = new AbortController();
  });
  const run = (isConnected = true) =>
    beat({
      ...{ clock, log: silentLog, stop: stop.signal, isConnected: () => isConnected, giveUp: () => stop.abort() },
      link: { isInPlace: () => inPlace, store: { prune: (now) => void pruned.push(now - start) } },
      groups: { noteNew: () => void (looks += 1) },
      ledger: {
        alive: (at) => {
          alive.push(at - start);
          if (full) throw new Error("disk full");
        },
      },
    });

  test("old messages are forgotten once an hour, and not at the start", async () => {
    const done = run();
    await clock.advance(minutes(9));
    expect(pruned).toEqual([]);
    await clock.advance(minutes(122));
    expect(pruned).toEqual([minutes(10), minutes(70), minutes(130)]);
    stop.abort();
    await done;
  });

  test("it is noted every half a minute that it works, while it does", async () => {
    const done = Promise.all([run(), run(false)]);
    await clock.advance(minutes(1));
    expect(alive).toEqual([0, 30_000, 60_000]);
    stop.abort();
    await done;
  });

  test("a full disk does not end it", async () => {
    full = true;
    const done = run();
    await clock.advance(minutes(1));
    expect([alive.length, looks > 10]).toEqual([3, true]);
    stop.abort();
    await done;
  });

  test("it ends when the link's folder was moved away", async () => {
    const done = run();
    inPlace = false;
    await clock.advance(2_000);
    await done;
    expect(stop.signal.aborted).toBe(true);
  });
});
