import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { jidOf } from "../../test/ledger-kit.ts";
import { piecesFor, splitText, visibleText } from "./outgoing.ts";

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
    ["One is short. Two is not here.", 20, ["One is short.", "Two is not here."]],
    ["Is it? (Yes!) No more", 16, ["Is it? (Yes!)", "No more"]],
    ["一是短的。二不在這裡", 7, ["一是短的。", "二不在這裡"]],
    ["one two\n  indented", 12, ["one two", "  indented"]],
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
        fc.pre(!/```|~~~/.test(text)); // fences are written anew in each piece
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

describe("cutting where there is code", () => {
  const lines = (count: number, from = 0) =>
    Array.from({ length: count }, (_, at) => `  line(${String(at + from).padStart(2, "0")});`).join("\n");

  test("code that does not fit is closed, and opened again with its language", () => {
    const text = `Look:\n\n\`\`\`ts\n${lines(20)}\n\`\`\`\n\nDone.`;
    expect(splitText(text, 130)).toEqual([
      `Look:\n\n\`\`\`ts\n${lines(9)}\n\`\`\``,
      `\`\`\`ts\n${lines(10, 9)}\n\`\`\``,
      `\`\`\`ts\n${lines(1, 19)}\n\`\`\`\n\nDone.`,
    ]);
  });

  test("a cut goes before the code, or behind it, where it can", () => {
    const code = `\`\`\`\n${lines(4)}\n\`\`\``;
    const words = "word ".repeat(12).trim();
    expect(splitText(`${words}\n${code}`, 100)).toEqual([words, code]);
    expect(splitText(`${code}\n${words}`, 100)).toEqual([code, words]);
  });

  test("blank lines in code are kept, and a line without end is cut all the same", () => {
    const long = "x".repeat(150);
    expect(splitText(`\`\`\`\n${lines(4)}\n\n\n${lines(4)}\n\`\`\``, 80)).toEqual([
      `\`\`\`\n${lines(4)}\n\n\`\`\``,
      `\`\`\`\n\n${lines(4)}\n\`\`\``,
    ]);
    expect(splitText(`\`\`\`\n${long}\n\`\`\``, 100)).toEqual([
      `\`\`\`\n${long.slice(0, 92)}\n\`\`\``,
      `\`\`\`\n${long.slice(92)}\n\`\`\``,
    ]);
  });

  const block = fc.oneof(
    fc.stringMatching(/^[a-z ]{1,60}$/),
    fc.constantFrom("", "é".repeat(90), "a" + "\u0301".repeat(200)),
    fc
      .array(fc.constantFrom("  code();", "", "\t// words", "x".repeat(70)), { maxLength: 14 })
      .map((inside) => `\`\`\`js\n${inside.join("\n")}\n\`\`\``),
  );

  test("every piece has whole fences, nothing of the code is lost, nothing is too long", () => {
    fc.assert(
      fc.property(fc.array(block, { maxLength: 8 }), fc.integer({ min: 40, max: 120 }), (parts, limit) => {
        const text = parts.join("\n");
        const pieces = splitText(text, limit);
        const withoutFences = (value: string) => withoutBlanks(value.replace(/^```.*$/gm, ""));
        expect(pieces.map(withoutFences).join("")).toBe(withoutFences(text));
        for (const piece of pieces) {
          expect(piece.length).toBeLessThanOrEqual(limit);
          expect(piece.match(/^```(js)?$/gm)?.length ?? 0).toSatisfy((count: number) => count % 2 === 0);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a million characters of code end in one go, whatever the fence looks like", () => {
    for (const opening of ["```", `\`\`\`${"i".repeat(10_000)}`, "`".repeat(5_000)]) {
      const pieces = splitText(`${opening}\n${"code;\n".repeat(150_000)}`, 4_000);
      expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(4_000);
    }
  });
});

test("a phone gets shorter messages than a terminal", () => {
  const text = "word ".repeat(4_000).trim();
  expect(piecesFor(jidOf("local:main"), text).length).toBe(2);
  expect(piecesFor(jidOf("1@g.us"), text).length).toBe(5);
});
