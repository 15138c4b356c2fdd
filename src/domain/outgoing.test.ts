import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitText, visibleText } from "./outgoing.ts";

describe("what a chat sees of an answer", () => {
  test.each([
    ["plain", "plain"],
    ["<internal>thinking</internal>Hello", "Hello"],
    ["a<internal>x</internal>b<internal>y\nz</internal>c", "abc"],
    ["Hello<internal>never closed", "Hello"],
    ["<internal>all of it</internal>", ""],
    ["  \n\n text \n ", "text"],
    ["one\n\n\n\n\ntwo", "one\n\ntwo"],
    ["one\n<internal>x</internal>\n\ntwo", "one\n\ntwo"],
    ["a </internal> alone", "a </internal> alone"],
    ["", ""],
  ])("of %j it sees %j", (text, seen) => {
    expect(visibleText(text)).toBe(seen);
  });
});

const family = "👨‍👩‍👧‍👦";
const withoutBlanks = (text: string) => text.replace(/\s+/g, "");

describe("cutting a long answer", () => {
  test.each([
    ["short", 10, ["short"]],
    ["", 10, []],
    ["   ", 2, []],
    ["one two three\n\nfour five", 16, ["one two three", "four five"]],
    ["one two three\nfour five", 16, ["one two three", "four five"]],
    ["one two three four", 14, ["one two three", "four"]],
    ["abcdefghij", 4, ["abcd", "efgh", "ij"]],
    ["a bcdefghijkl", 8, ["a bcdefg", "hijkl"]],
    ["👋👋👋", 3, ["👋", "👋", "👋"]],
    [`ab${family}`, 12, ["ab", family]],
    [`a${"🇩🇪🇫🇷".repeat(40)}`, 163, [`a${"🇩🇪🇫🇷".repeat(20)}`, "🇩🇪🇫🇷".repeat(20)]],
  ])("%j at %i", (text, limit, pieces) => {
    expect(splitText(text, limit)).toEqual(pieces);
  });

  test("flags are never torn apart, wherever their row begins", () => {
    for (const offset of [0, 1, 2, 3]) {
      const pieces = splitText("x".repeat(offset) + "🇩🇪🇫🇷🇮🇹".repeat(100), 190);
      for (const piece of pieces) expect(piece).toMatch(/^x*(🇩🇪|🇫🇷|🇮🇹)+$/u);
    }
  });

  test("a heap of marks longer than a piece is cut all the same, between characters", () => {
    const pieces = splitText("a" + "\u0301".repeat(1000), 100);
    expect(pieces.join("")).toBe("a" + "\u0301".repeat(1000));
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(100);
  });

  test("a million characters without a blank are cut in one go", () => {
    expect(splitText("é".repeat(1_000_000), 16_000).join("").length).toBe(1_000_000);
  });

  const words = fc.array(
    fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(" ", "\n", "\n\n", family, "🇩🇪", "é")),
  );

  test("nothing but blanks is lost, nothing is too long, no character is halved", () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 16, max: 60 }), (parts, limit) => {
        const text = parts.join("").toWellFormed();
        const pieces = splitText(text, limit);
        expect(withoutBlanks(pieces.join(""))).toBe(withoutBlanks(text));
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(limit);
          expect(piece.isWellFormed()).toBe(true);
          expect(piece.trim()).not.toBe("");
        }
      }),
      { numRuns: 500 },
    );
  });

  test("cuts lie between characters as a person sees them, where these are not longer than a piece", () => {
    const unit = fc.constantFrom(family, "🇩🇪", "e\u0301", "👍🏽", "x", "한", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️‍🔥");
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 80 }), fc.integer({ min: 16, max: 90 }), (units, limit) => {
        const whole = [...new Intl.Segmenter().segment(units.join(""))].map(({ segment }) => segment);
        const pieces = splitText(units.join(""), limit);
        const cut = pieces.flatMap((piece) => [...new Intl.Segmenter().segment(piece)].map(({ segment }) => segment));
        expect(cut).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });
});
