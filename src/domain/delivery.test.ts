import { expect, test } from "vitest";
import { decideAfterSend, type AfterSend, type SendResult } from "./delivery.ts";

const unsure: SendResult = { kind: "unsure", detail: "no receipt" };
const cut: SendResult = { kind: "cut", detail: "reset" };
const tooMuch: SendResult = { kind: "refused", reason: "too much", backOff: 60_000 };
const LONG = 600_000;
const again = (ms: number, counts = true): AfterSend => ({ kind: "again", at: ms + 7, counts });
const failed = (reason: string): AfterSend => ({ kind: "failed", reason });

test.each<[string, SendResult, number, number, AfterSend]>([
  ["acknowledged is sent", { kind: "acknowledged" }, 1, 0, { kind: "sent" }],
  ["acknowledged late is sent, too", { kind: "acknowledged" }, 9, LONG, { kind: "sent" }],
  ["refused fails at once", { kind: "refused", reason: "blocked" }, 1, 0, failed("blocked")],
  ["refused for now is repeated when it is over", tooMuch, 1, 0, again(60_000)],
  ["refused for now, however long, waits half an hour", { ...tooMuch, backOff: 1e9 }, 1, 0, again(1_800_000)],
  ["refused for now ten times fails", tooMuch, 10, LONG, failed("too much")],
  ["offline waits and does not count", { kind: "offline" }, 1, 0, again(5_000, false)],
  ["offline for ever never fails", { kind: "offline" }, 99, 1e12, again(5_000, false)],
  ["unsure is repeated after half a minute", unsure, 1, 0, again(30_000)],
  ["unsure twice is repeated later", unsure, 2, LONG, again(120_000)],
  ["unsure three times within ten minutes is repeated", unsure, 3, LONG - 1, again(300_000)],
  [
    "unsure three times over ten minutes fails",
    unsure,
    3,
    LONG,
    failed("no acknowledgement after 3 sends: no receipt"),
  ],
  ["cut is repeated soon", cut, 1, 0, again(2_000)],
  ["cut again and again is repeated ever later", cut, 4, 0, again(16_000)],
  ["cut nine times is repeated, however long it took", cut, 9, 1e9, again(60_000)],
  ["cut ten times within ten minutes is repeated", cut, 10, LONG - 1, again(60_000)],
  ["cut ten times over ten minutes fails", cut, 10, LONG, failed("no acknowledgement after 10 sends: reset")],
])("%s", (_name, result, sends, since, next) => {
  expect(decideAfterSend(result, { sends, since, now: 7 })).toEqual(next);
});
