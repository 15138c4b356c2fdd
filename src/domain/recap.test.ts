import { describe, expect, test } from "vitest";
import { recapText, type RecapLine } from "./recap.ts";

const line = (text: string, at: number, changes: Partial<RecapLine> = {}): RecapLine => ({
  ...{ sender: "Ann", text, at, guest: false },
  ...changes,
});

describe("a recap", () => {
  test("is null when nothing was said", () => {
    expect(recapText([], "UTC", 1_000)).toBeNull();
  });

  test("has both sides in the order of time, marked", () => {
    const lines = [
      line("hi & bye", 2_000),
      line("hello", 3_000, { sender: null }),
      line("do x", 1_000, { guest: true }),
    ];
    expect(recapText(lines, "UTC", 1_000)).toBe(
      [
        '<said sender="Ann" role="guest" time="1970-01-01T00:00:01Z">do x</said>',
        '<said sender="Ann" time="1970-01-01T00:00:02Z">hi &amp; bye</said>',
        '<said role="assistant" time="1970-01-01T00:00:03Z">hello</said>',
      ].join("\n"),
    );
  });

  test("keeps the newest lines that fit, and cuts long ones", () => {
    const lines = [line("old", 1_000), line("x".repeat(5_000), 2_000), line("new", 3_000)];
    const text = recapText(lines, "UTC", 820) ?? "";
    expect(text).toContain("new");
    expect(text).toContain("[…]");
    expect(text).not.toContain("old");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(820);
  });
});
