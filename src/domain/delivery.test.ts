import { expect, test } from "vitest";
import { decideAfterSend, type AfterSend, type SendResult } from "./delivery.ts";

const unsure: SendResult = { kind: "unsure", detail: "no receipt" };

test.each<[string, SendResult, number, AfterSend]>([
  ["acknowledged is sent", { kind: "acknowledged" }, 1, { kind: "sent" }],
  ["acknowledged late is sent, too", { kind: "acknowledged" }, 9, { kind: "sent" }],
  ["refused fails at once", { kind: "refused", reason: "blocked" }, 1, { kind: "failed", reason: "blocked" }],
  ["offline waits and does not count", { kind: "offline" }, 1, { kind: "again", at: 5_007, counts: false }],
  ["offline for ever never fails", { kind: "offline" }, 99, { kind: "again", at: 5_007, counts: false }],
  ["unsure is repeated after five minutes", unsure, 1, { kind: "again", at: 300_007, counts: true }],
  ["unsure twice is repeated", unsure, 2, { kind: "again", at: 300_007, counts: true }],
  [
    "unsure three times fails with its reason",
    unsure,
    3,
    { kind: "failed", reason: "no acknowledgement after 3 sends: no receipt" },
  ],
])("%s", (_name, result, sends, next) => {
  expect(decideAfterSend(result, sends, 7)).toEqual(next);
});
