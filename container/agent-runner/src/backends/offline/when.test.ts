import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import { findWhen } from "./when.ts";

const zone = "Europe/Berlin";
/** A Sunday. */
const now = DateTime.fromISO("2026-11-22T18:00:05.250", { zone });
const clock = { now, written: now.minus({ seconds: 5 }) };

describe("a time and the text without it", () => {
  test.each([
    ["in 5 seconds to stretch", "2026-11-22T18:00:10.250", "to stretch"],
    ["to call mum tomorrow at 9", "2026-11-23T09:00:00.000", "to call mum"],
    ["tomorrow to call mum at 9", "2026-11-23T09:00:00.000", "to call mum"],
    ["to buy 2 pm tickets at 19:30", "2026-11-22T19:30:00.000", "to buy 2 pm tickets"],
    ["to read 1984 on friday at 20:00", "2026-11-27T20:00:00.000", "to read 1984"],
    ["on sunday at 20:00 to call", "2026-11-22T20:00:00.000", "to call"],
    ["on sunday at 9 to call", "2026-11-29T09:00:00.000", "to call"],
    ["next friday at 3pm to call", "2026-11-27T15:00:00.000", "to call"],
    ["on 3 May at 9 to call", "2027-05-03T09:00:00.000", "to call"],
    ["03/05/2027 at 10:00 to call", "2027-05-03T10:00:00.000", "to call"],
    ["on 24.12. at 18:00 to sing", "2026-12-24T18:00:00.000", "to sing"],
    ["on the 5th at 10 to pay", "2026-12-05T10:00:00.000", "to pay"],
    ["on the 31st at 9 to pay", "2026-12-31T09:00:00.000", "to pay"],
    ["at half past eight to go", "2026-11-23T08:30:00.000", "to go"],
    ["at 8 in the evening to go", "2026-11-22T20:00:00.000", "to go"],
    ["at noon to eat", "2026-11-23T12:00:00.000", "to eat"],
    ["in 2 days to call", "2026-11-24T18:00:00.250", "to call"],
    ["in 1 day and 3 hours to call", "2026-11-23T21:00:00.000", "to call"],
    ["in the morning to run", "2026-11-23T09:00:00.000", "to run"],
    ["tomorrow at 9 utc to call", "2026-11-23T10:00:00.000", "to call"],
    ["to buy sun cream at 7pm", "2026-11-22T19:00:00.000", "to buy sun cream"],
  ])("%s", (text, at, rest) => {
    const when = findWhen(text, clock);
    expect(when).toMatchObject({ kind: "at", rest });
    expect(when.kind === "at" && when.at.setZone(zone).toISO({ includeOffset: false })).toBe(at);
  });
});

describe("what is asked back", () => {
  test.each([
    ["at 8 to go", /20:00 today or 08:00 tomorrow/],
    ["at 5 to go", /05:00 or 17:00 tomorrow/],
    ["tomorrow at 5 to go", /05:00 or 17:00/],
    ["tomorrow", /what time tomorrow, Monday 23 November/],
    ["today at 08:00", /already past/],
    ["yesterday at 5", /already past/],
    ["in 99999999999999 hours", /too far/],
  ])("%s", (text, question) => {
    expect(findWhen(text, clock)).toMatchObject({ kind: "ask", question: expect.stringMatching(question) });
  });
});

test.each([
  "to stretch",
  "at 25:00 to go",
  "on 31 February at 9",
  "in a few minutes",
  "to call May in march about 10 eggs",
])("no time in: %s", (text) => expect(findWhen(text, clock).kind).toBe("none"));

test("a duration counts from now, but from when it was written when that is long ago", () => {
  const late = { now, written: now.minus({ minutes: 4 }) };
  expect(findWhen("in 5 minutes", late)).toMatchObject({ at: now.plus({ minutes: 1 }) });
  const tooLate = { now, written: now.minus({ minutes: 10 }) };
  expect(findWhen("in 5 minutes", tooLate)).toMatchObject({
    at: now.plus({ seconds: 2 }),
    remark: expect.stringContaining("I only read it now"),
  });
});
