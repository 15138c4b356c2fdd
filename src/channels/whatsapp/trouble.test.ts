import { beforeEach, describe, expect, test } from "vitest";
import { manualClock, type ManualClock } from "../../../test/manual-clock.ts";
import { silentLog } from "../../domain/log.ts";
import type { Closed } from "./after-close.ts";
import { createTrouble, type Trouble } from "./trouble.ts";

describe("after a connection ended", () => {
  let clock: ManualClock;
  let trouble: Trouble;
  let told: { key: string; text: string }[];
  let states: string[];
  let signals: number;
  beforeEach(() => {
    clock = manualClock();
    told = [];
    states = [];
    signals = 0;
    trouble = createTrouble({
      ...{ clock, zone: "Europe/Berlin", log: silentLog, number: "49151", random: () => 0.5 },
      ledger: { tell: (key, text) => void told.push({ key, text }) },
      onState: (_connected, detail) => void states.push(detail),
      onSignal: () => (signals += 1),
    });
  });
  const closed = (code: number, byServer = true): Closed => ({ code, byServer, detail: `code ${code}` });
  const delays = (count: number, lasted: number | null) =>
    Array.from({ length: count }, () => {
      const remedy = trouble.after(closed(428), lasted);
      return remedy.kind === "connect" ? remedy.delay : NaN;
    });

  test("the pauses grow to five minutes and stay there", () => {
    expect(delays(12, null)).toEqual([0, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300].map((s) => s * 1_000));
  });

  test("a server that ends one connection after the other makes us slower; a network does not", () => {
    delays(2, 1_000);
    expect(signals).toBe(0);
    delays(1, 1_000);
    expect(signals).toBe(1);
    trouble.after(closed(408, false), null);
    expect(signals).toBe(1);
  });

  test("a connection that opens and dies at once does not make a storm", () => {
    expect(delays(4, 1_000)).toEqual([0, 2_000, 4_000, 8_000]);
  });

  test("nor does it keep us away for minutes: the server is there", () => {
    expect(delays(12, 20_000).slice(4)).toEqual(Array.from({ length: 8 }, () => 16_000));
    delays(12, null);
    expect(delays(1, 1_000)).toEqual([16_000]);
  });

  test("a good connection begins the count anew", () => {
    delays(5, null);
    expect(delays(2, 120_000)).toEqual([0, 0]);
  });

  test("after a quarter of an hour the owner is told, once", async () => {
    for (let n = 0; n < 12; n += 1) {
      trouble.after(closed(408, false), null);
      await clock.advance(5 * 60_000);
    }
    expect(new Set(told.map(({ key }) => key)).size).toBe(1);
    expect(told[0]?.text).toContain("15 minutes");
    expect(states.at(-1)).toMatch(/cannot be reached \(code 408\); trying again at 19:\d\d \(Europe\/Berlin\)$/);
  });

  test("whoever else holds the link is named, and the pause is long", () => {
    expect(trouble.after(closed(440), 1_000)).toEqual({ kind: "connect", delay: 600_000, newVersion: false });
    expect(told[0]?.text).toContain("another program uses this very link");
  });

  test.each([401, 403])("%d ends it, and says how to link anew", (code) => {
    expect(trouble.after(closed(code), 1_000)).toEqual({ kind: "unlinked", code });
    expect(told[0]?.text).toContain("npm run auth");
    expect(states.at(-1)).toContain("npm run auth");
  });

  test("a client that is too old asks for a newer version number", () => {
    expect(trouble.after(closed(405), null)).toMatchObject({ kind: "connect", newVersion: true });
  });

  test("an account that is blocked is left alone for hours", () => {
    expect(trouble.after(closed(402), null)).toMatchObject({ kind: "connect", delay: 6 * 3_600_000 });
  });

  test("a 403 that did not come from WhatsApp says nothing about the link", () => {
    expect(trouble.after(closed(403, false), null)).toMatchObject({ kind: "connect" });
  });

  test("a server that restarts us again and again is left alone longer and longer", () => {
    const restart = () => trouble.after(closed(515), null);
    expect([restart(), restart(), restart()]).toMatchObject([{ delay: 0 }, { delay: 2_000 }, { delay: 4_000 }]);
  });

  test("another program that keeps taking the link is told of once, until we had it for a while", async () => {
    const keys = () => new Set(told.map(({ key }) => key)).size;
    for (let n = 0; n < 5; n += 1) {
      trouble.after(closed(440), 1_000);
      await clock.advance(600_000);
    }
    expect(keys()).toBe(1);
    trouble.after(closed(428), 120_000);
    await clock.advance(600_000);
    trouble.after(closed(440), 1_000);
    expect(keys()).toBe(2);
  });

  test.each([401, 402, 405, 440])("%d is decided as ever when the owner cannot be told", (code) => {
    const full = () => {
      throw new Error("disk full");
    };
    const mute = createTrouble({
      ...{ clock, zone: "Europe/Berlin", log: silentLog, number: "49151", random: () => 0.5, ledger: { tell: full } },
      ...{ onState: () => {}, onSignal: () => {} },
    });
    expect(mute.after(closed(code), 1_000)).toEqual(trouble.after(closed(code), 1_000));
  });
});
