import { expect, test } from "vitest";
import { awayNotice } from "./away.ts";

const at = (time: string) => Date.parse(`${time}+01:00`);

test.each([
  ["2026-11-22T07:10", "2026-11-22T07:45", "I was away from 07:10 to 07:45; answering now."],
  ["2026-11-21T23:10", "2026-11-22T07:45", "I was away from Sat 21 Nov, 23:10 to Sun 22 Nov, 07:45; answering now."],
  ["2026-11-22T07:10", "2026-11-22T07:15", null],
  ["2026-11-22T07:45", "2026-11-22T07:10", null],
])("away from %s to %s: %s", (from, to, notice) => {
  expect(awayNotice({ from: at(from), to: at(to) }, "Europe/Berlin")).toBe(notice);
});

test("the chat's zone decides which day it is", () => {
  const away = { from: at("2026-11-22T07:10"), to: at("2026-11-22T12:00") };
  expect(awayNotice(away, "Pacific/Auckland")).toBe(
    "I was away from Sun 22 Nov, 19:10 to Mon 23 Nov, 00:00; answering now.",
  );
});
