import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toWhatsAppText } from "./whatsapp-text.ts";

describe("Markdown as WhatsApp shows it", () => {
  test.each([
    ["**bold** and __bold__", "*bold* and *bold*"],
    ["*italic* and _italic_", "_italic_ and _italic_"],
    ["~~gone~~ and ~gone~", "~gone~ and ~gone~"],
    ["***both***", "_*both*_"],
    ["**a *b* c**", "*a _b_ c*"],
    ["**Note:** read this.", "*Note:* read this."],
    ["**one\ntwo**", "*one*\n*two*"],
    ["这是**重要**的", "这是*重要*的"],
    ["서울**역**에서", "서울*역*에서"],
  ])("emphasis: %j becomes %j", (markdown, text) => {
    expect(toWhatsAppText(markdown)).toBe(text);
  });

  test.each([
    ["# Title\n\nText", "*Title*\n\nText"],
    ["### A **b** `c` ###\nText", "*A b `c`*\nText"],
    ["Title\n=====\n\nText", "*Title*\n\nText"],
    ["One\nline more\n---\nText", "One\nline more\n———\nText"],
    ["a\n\n---\n\nb", "a\n\n———\n\nb"],
    ["a\n\n***\nb", "a\n\n———\nb"],
  ])("headings and rules: %j becomes %j", (markdown, text) => {
    expect(toWhatsAppText(markdown)).toBe(text);
  });

  test.each([
    ["`**a** [b](c)`", "`**a** [b](c)`"],
    [
      "```ts\nconst a = b * c * d; // **no**\n\n\tindented\n```\nafter",
      "```\nconst a = b * c * d; // **no**\n\n\tindented\n```\nafter",
    ],
    ["~~~\n*x*\n~~~", "```\n*x*\n```"],
    ["```js\nnever closed *x*", "```\nnever closed *x*\n```"],
    ["- a\n  ```py\n  if x:\n      y = 1\n  ```\n- b", "- a\n  ```\n  if x:\n      y = 1\n  ```\n- b"],
    ["text\n\n    *as it is*\n", "text\n\n    *as it is*\n"],
  ])("code: %j becomes %j", (markdown, text) => {
    expect(toWhatsAppText(markdown)).toBe(text);
  });

  test.each([
    ["[the page](https://x.org/a_b)", "the page (https://x.org/a_b)"],
    ["[https://x.org](https://x.org)", "https://x.org"],
    ["[x.org](https://x.org)", "https://x.org"],
    ["<https://x.org/_a_>", "https://x.org/_a_"],
    ["[a@x.org](mailto:a@x.org)", "a@x.org"],
    ["![a cat](cat.png) and ![](b.png)", "a cat (cat.png) and b.png"],
    ["[**b** c](https://x.org 'title')", "*b* c (https://x.org)"],
    ["[to][here]\n\n[here]: https://x.org", "to (https://x.org)\n\n[here]: https://x.org"],
  ])("links: %j becomes %j", (markdown, text) => {
    expect(toWhatsAppText(markdown)).toBe(text);
  });

  test.each([
    ["* a\n* b", "- a\n- b"],
    ["+ a\n    + **b**\n    + c\n+ d", "- a\n  - *b*\n  - c\n- d"],
    ["1. a\n2. b\n   more\n\n10) c", "1. a\n2. b\n   more\n\n10) c"],
    ["1. a\n   * b\n2. c", "1. a\n   - b\n2. c"],
    ["* a\n\n  second paragraph\n\n* b", "- a\n\n  second paragraph\n\n- b"],
    ["- [ ] open\n- [x] done", "- [ ] open\n- [x] done"],
    ["Before:\n* a\n\nafter", "Before:\n- a\n\nafter"],
    [">quoted\n> **b**\n\nafter", "> quoted\n> *b*\n\nafter"],
    ["> - a\n>\n> b", "> - a\n>\n> b"],
    [
      "| Name | Age |\n|:--|--:|\n| Ann | **30** |\n| Bo \\| Co | |\n\nafter",
      "*Name* | *Age*\nAnn | *30*\nBo | Co | \n\nafter",
    ],
  ])("lists, quotes and tables: %j becomes %j", (markdown, text) => {
    expect(toWhatsAppText(markdown)).toBe(text);
  });

  test.each([
    ["\\*not bold\\* and \\_this\\_", "*not bold* and _this_"],
    ["a &amp; b &lt;c&gt; <b>d</b>", "a &amp; b &lt;c&gt; <b>d</b>"],
    ["line  \nbreak\\\nbreak", "line\nbreak\nbreak"],
    ["", ""],
  ])("the rest: %j becomes %j", (markdown, text) => {
    expect(toWhatsAppText(markdown)).toBe(text);
  });
});

describe("what is no Markdown", () => {
  test.each([
    "2*3*4 = 24, 2**3**4 and a * b * c",
    "snake_case_name, __dirname and file_name_2.txt",
    "See https://example.org/a_b_c/_d_?x=*y*&z=~1~ or www.example.org/a_b.",
    "@Ann and @491520000000 and mail to ann_b@example.org",
    "One.\n\nTwo,\nthree.\n\n\n\nFour",
    "  indented a little\n and less",
    "#5 is done, 5 > 3, ~5 to ~6, 3.5 % | 4 %",
    "[10:30]: Meeting\n[11:00]: Lunch",
    "f(*args, **kwargs)",
    "- a\n- b\n\n1. c\n2. d",
    "„Grüße“ – 😀 \u2028 ؟ שלום",
  ])("%j stays as it is", (text) => {
    expect(toWhatsAppText(text)).toBe(text);
  });

  const word = fc.oneof(
    fc.stringMatching(/^[A-Za-zäöüé0-9]{1,8}$/),
    fc.constantFrom(
      "snake_case",
      "2*3*4",
      "@Ann",
      "https://x.org/a_b_c",
      "well,",
      "(so)",
      "5%",
      "👋",
      "Ann's",
      "a/b",
      "what?",
    ),
  );
  const line = fc.array(word, { minLength: 1, maxLength: 8 }).map((words) => `So ${words.join(" ")}.`);
  const text = fc.array(fc.tuple(line, fc.constantFrom("\n", "\n\n", "\n\n\n")), { maxLength: 8 });

  test("plain paragraphs are never changed", () => {
    fc.assert(
      fc.property(text, (lines) => {
        const plain = lines.flat().join("");
        expect(toWhatsAppText(plain)).toBe(plain);
      }),
      { numRuns: 300 },
    );
  });
});

describe("whatever comes", () => {
  const piece = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 6 }),
    fc.constantFrom(
      "*",
      "**",
      "_",
      "__",
      "~~",
      "`",
      "```",
      "\n",
      "\n\n",
      "> ",
      "- ",
      "1. ",
      "# ",
      "[",
      "](",
      ")",
      "![",
      "|",
      "\\",
    ),
    fc.constantFrom("|---|\n", "<b>", "<!--", "&amp;", "    ", "\t", "---\n", "\0", "\r\n", "http://"),
  );

  test("it is text again, and no letter is lost", () => {
    const letters = (value: string) => value.replace(/[^\p{L}]/gu, "");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const made = toWhatsAppText(pieces.join(""));
        expect(typeof made).toBe("string");
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom("ab", "**", "*", "_", "\n", " ", "> ", "# ", "- ", "cd")), { maxLength: 40 }),
        (pieces) => {
          expect(letters(toWhatsAppText(pieces.join("")))).toBe(letters(pieces.join("")));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each(["`", "`` ", "```\n"])("code between %j is never touched", (fence) => {
    const content = fc
      .array(fc.constantFrom("**b**", "_i_", " ", "[a](b)", "x", "\\*", "# ", "&amp;", "<b>"), {
        minLength: 1,
        maxLength: 12,
      })
      .map((parts) => `x${parts.join("")}x`);
    fc.assert(
      fc.property(content, (inside) => {
        const closing = fence.split("").toReversed().join("");
        expect(toWhatsAppText(`${fence}${inside}${closing}`)).toContain(inside);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["quotes in quotes", ">".repeat(4_000)],
    ["brackets", "[".repeat(4_000)],
    ["stars", "*a **b ".repeat(600)],
    ["lists in lists", Array.from({ length: 200 }, (_, depth) => `${" ".repeat(depth * 2)}- x`).join("\n")],
    ["pictures", "![".repeat(2_000)],
  ])("%s by the thousand are text again", (_name, markdown) => {
    expect(toWhatsAppText(markdown).length).toBeGreaterThan(0);
  });
});
