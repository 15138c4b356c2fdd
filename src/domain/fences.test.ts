import { expect, test } from "vitest";
import { findFences } from "./fences.ts";

const bodies = (text: string, window = 1_000) =>
  findFences(text, window).map(({ bodyStart, bodyEnd, opening }) => [opening, text.slice(bodyStart, bodyEnd)]);

test.each<[string, string[][]]>([
  ["no code", []],
  ["a\n```ts\none\n\ntwo\n```\nb", [["```ts", "one\n\ntwo"]]],
  ["```\none\n```\n~~~\ntwo\n~~~", [["```", "one"], ["~~~", "two"]]], // prettier-ignore
  ["````\n```\none\n```\n````", [["````", "```\none\n```"]]],
  ["- a\n  ```py\n  one\n  ```", [["  ```py", "  one"]]],
  ["```\nnever closed", [["```", "never closed"]]],
  ["```\n```", [["```", ""]]],
  ["``` `a` is no fence", []],
  ["text ``` in a line", []],
])("of %j it finds %j", (text, found) => {
  expect(bodies(text)).toEqual(found);
});

test("one behind the window is of no interest, and one without room for code is none", () => {
  expect(bodies(`${"x".repeat(100)}\n\`\`\`\none\n\`\`\``, 90)).toEqual([]);
  expect(bodies("```\none\n```", 16)).toEqual([]);
  expect(bodies(`\`\`\`${"i".repeat(50)}\none\n\`\`\``, 100)).toEqual([["```", "one"]]);
});
