import { describe, expect, test } from "vitest";
import { afterClose, type AfterClose } from "./after-close.ts";

interface Given {
  code?: number;
  byServer?: boolean;
  agreed?: boolean;
  failures?: number;
  chance?: number;
  detail?: string;
}

const decide = (given: Given): AfterClose => {
  const { code, byServer = true, agreed = true, failures = 0, chance = 0.5, detail = "" } = given;
  return afterClose({ closed: { code, byServer, detail }, agreed, failures, chance });
};

describe("after a connection has ended", () => {
  test("515 is how linking goes on: at once, with the same keys", () => {
    expect(decide({ code: 515 })).toEqual({ kind: "connect", delay: 0, why: "restart" });
  });

  test("515 again and again does not make a storm", () => {
    const delays = [1, 2, 100].map((failures) => decide({ code: 515, failures }));
    expect(delays).toEqual([2_000, 4_000, 300_000].map((delay) => ({ kind: "connect", delay, why: "restart" })));
  });

  test.each([401, 403, 406, 419])("%i from the server means that the link is dead", (code) => {
    expect(decide({ code })).toEqual({ kind: "stop", reason: "logged-out" });
  });

  test.each([401, 403])("%i from anybody else on the way says nothing about the link", (code) => {
    expect(decide({ code, byServer: false })).toMatchObject({ kind: "connect", why: "lost" });
  });

  test("who was never linked cannot be logged out", () => {
    expect(decide({ code: 401, agreed: false })).toEqual({ kind: "stop", reason: "broken" });
  });

  test.each([
    [402, "blocked"],
    [405, "outdated"],
    [409, "outdated"],
    [411, "no-linked-devices"],
  ] as const)("%i is not cured by trying again: %s", (code, reason) => {
    expect(decide({ code })).toEqual({ kind: "stop", reason });
  });

  test("408 is a lost network, except when the QR codes are used up", () => {
    expect(decide({ code: 408, byServer: false })).toMatchObject({ kind: "connect", why: "lost" });
    const usedUp = { code: 408, byServer: false, detail: "QR refs attempts ended" };
    expect(decide({ ...usedUp, agreed: false })).toEqual({ kind: "stop", reason: "codes-used-up" });
  });

  test.each([408, 428, 500, 503, 599])("%i: the first time at once, then later and later, but never never", (code) => {
    const delays = [0, 1, 2, 3, 8, 100].map((failures) => decide({ code, failures }));
    expect(delays).toEqual(
      [0, 2_000, 4_000, 8_000, 256_000, 300_000].map((delay) => ({ kind: "connect", delay, why: "lost" })),
    );
  });

  test("chance spreads the delay between half and one and a half", () => {
    const delay = (chance: number) => decide({ code: 428, failures: 2, chance });
    expect([delay(0), delay(1)]).toMatchObject([{ delay: 2_000 }, { delay: 6_000 }]);
  });

  test("440 waits long: coming back at once would throw the other one out", () => {
    expect(decide({ code: 440 })).toEqual({ kind: "connect", delay: 600_000, why: "replaced" });
  });

  test("a fault on our side stops", () => {
    expect(decide({ byServer: false })).toEqual({ kind: "stop", reason: "broken" });
  });
});
