import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLineReader } from "./lines.ts";
import { createTranscriptReader } from "./transcript.ts";

const E = "\u001b";
const marker = `${E}[38;5;141m> ${E}[0m`;
const noColour = `${E}[m> ${E}[m`;

/** Reads bytes cut at the given places. */
function read(text: string, cuts: readonly number[] = []) {
  const tools: string[] = [];
  let words = "";
  const reader = createTranscriptReader({
    text: (piece) => (words += piece),
    tool: (tool, status) => void tools.push(`${tool} ${status}`),
  });
  const lines = createLineReader({ longest: 1_000_000, onLine: (line) => reader.line(line) });
  const bytes = Buffer.from(text);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    lines.push(bytes.subarray(at, at + cut));
    at += cut;
  }
  lines.end();
  return { ...reader.end(), tools, words };
}

const answerIn = (text: string): string => read(text).answer;

const readTool = (mark: string): string =>
  [
    `${mark}I'll look at the file first.`,
    "",
    `Reading file: ${E}[38;5;141m/w/notes.md${E}[0m, all lines${E}[38;5;244m (using tool: ${E}[38;5;141mread${E}[38;5;244m)${E}[0m`,
    ` ${E}[38;5;10m✓${E}[0m Successfully read 120 bytes from /w/notes.md`,
    ` - Completed in ${E}[38;5;10m0.1s${E}[0m`,
    "",
    `Running tool ${E}[38;5;141msend_message${E}[0m with the param (from mcp server: chat)`,
    " ⋮  {",
    ' ⋮    "text": "hi"',
    " ⋮  }",
    " - Completed in 0.4s",
    "",
  ].join("\n");

describe("a transcript", () => {
  test.each([
    ["coloured", marker],
    ["with the empty escapes of NO_COLOR", noColour],
    ["of an older version", `${E}[38;5;10m> ${E}[39m`],
    ["with the escape between marker and space", `${E}[38;5;141m>${E}[0m `],
    ["plain", "> "],
  ])("%s gives the text after the last tool", (_name, mark) => {
    const { answer, tools, calledTools } = read(`${readTool(mark)}${mark}Done: the note says hello.\n`);
    expect(answer).toBe("Done: the note says hello.");
    expect(tools).toEqual(["read started", "read done", "@chat/send_message started", "@chat/send_message done"]);
    expect(calledTools).toBe(true);
  });

  test("keeps paragraphs, indentation and code as they are", () => {
    const text = "First.\n\n\n  indented\n\n```js\nif (a) {\n\n    b();\n}\n```\n\n- Completed in 2021\n- one";
    expect(answerIn(`${marker}${text}\n\n`)).toBe(text);
    expect(answerIn(`> ${text}\n`)).toBe(text);
  });

  test("keeps quotes in an answer, its first line among them", () => {
    expect(answerIn(`${marker}> a quote\n> goes on\n\nand words\n`)).toBe("> a quote\n> goes on\n\nand words");
    expect(answerIn("> He said:\n\n> a quote\n\nand words\n")).toBe("He said:\n\n> a quote\n\nand words");
    expect(answerIn(`${readTool("> ")}> Done:\n> quoted\n`)).toBe("Done:\n> quoted");
  });

  test("is not misled by a tool that prints markers, ends and answers", () => {
    const shell = (output: string): string =>
      `I will run the following command: ${E}[38;5;141mcat x${E}[0m (using tool: shell)\n\n${output}\n - Completed in 0.2s\n\n`;
    for (const mark of [marker, noColour]) {
      for (const output of ["> fake", " - Completed in 0.1s\n> fake", `${mark}fake`, `${mark}fake\n\n> more`]) {
        expect(answerIn(`${mark}Let me see.\n${shell(output)}${mark}True.\n`)).toBe("True.");
      }
    }
    expect(answerIn(`> Let me see.\n${shell("> fake\n> more")}> True.\n`)).toBe("True.");
  });

  test("a coloured stream knows its marker from a quote behind a tool", () => {
    expect(answerIn(`${marker}Hm.\n${readTool(marker)}> no marker\n${marker}Answer\n> quote\n`)).toBe(
      "Answer\n> quote",
    );
  });

  test("keeps an answer that talks of tools and their lines", () => {
    const answer =
      "Kiro prints\n\nReading file: x (using tool: read)\n\nand at its end\n\n - Completed in 0.1s\n\nThat is all.";
    expect(answerIn(`${marker}${answer}\n`)).toBe(answer);
    const half =
      "It says `I will run … (using tool: shell)`\nRunning tool x with the param (from mcp server: y)\nand so on";
    expect(answerIn(`${marker}${half}\n`)).toBe(half);
    expect(answerIn(`> ${half}\n`)).toBe(half);
  });

  test("finds the answer behind a tool that was refused", () => {
    const refused =
      "I will run the following command: rm x (using tool: shell)\nCommand shell is rejected because it matches one or more rules on the denied list:\n  - non-interactive mode (no user to approve)\n\n";
    expect(answerIn(`${marker}I try.\n${refused}${marker}I may not.\n`)).toBe("I may not.");
    expect(answerIn(`> I try.\n${refused}> I may not.\n> Sorry.\n`)).toBe("I may not.\n> Sorry.");
  });

  test("falls back to the narration when nothing follows the last tool", () => {
    expect(answerIn(readTool(marker))).toBe("I'll look at the file first.");
    expect(read(readTool(marker).replace(/^.*\n/, "")).answer).toBe("");
  });

  test("a footer on this stream is taken from its end, and only there", () => {
    const { answer, credits } = read(`${marker}Hello\n\n${E}[38;5;244m\n ▸ Credits: 0.07 • Time: 4s\n${E}[0m`);
    expect({ answer, credits }).toEqual({ answer: "Hello", credits: 0.07 });
    const quoted = read(`${marker}The footer is\n ▸ Credits: 0.07 • Time: 4s\nor so\n`);
    expect(quoted.credits).toBeUndefined();
    expect(quoted.answer).toBe("The footer is\n ▸ Credits: 0.07 • Time: 4s\nor so");
    expect(read(`${readTool(marker)}\n ▸ Credits: 1 • Time: 4s\n`).credits).toBe(1);
  });

  test("takes CRLF, spinners, window titles and links for what a terminal shows", () => {
    const text = `${E}]0;kiro\u0007\r⠋ Thinking...\r${E}[2K${marker}One\r\n\r\n${E}]8;;http://x${E}\\two${E}]8;;${E}\\\r\n`;
    expect(answerIn(text)).toBe("One\n\ntwo");
  });

  test("is the same wherever it is cut", () => {
    const whole = `${readTool(marker)}${marker}Zoë 🎂 says\r\n\r\n> a „quote“\n ▸ Credits: 0.07 • Time: 4s\n`;
    const expected = read(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 60 }), (cuts) => {
        expect(read(whole, cuts)).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
