import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FrameBody } from "../../protocol/index.ts";
import { stripEscapes, terminalLine } from "./escapes.ts";
import { fullPrompt } from "./full-prompt.ts";
import { createLineReader } from "./lines.ts";
import { createProgress } from "./progress.ts";

const E = "\u001b";

describe("escapes", () => {
  test.each([
    ["colours", `${E}[38;5;141m> ${E}[0mHi${E}[m`, "> Hi"],
    ["titles and links", `${E}]0;title\u0007a${E}]8;;http://x${E}\\b${E}]8;;${E}\\c`, "abc"],
    ["a title without its end", `one\n${E}]0;rest of the line\ntwo`, "one\n\ntwo"],
    ["moves, modes, single ones", `${E}[2K${E}[?25h${E}7${E}(Ba${E}c`, "a"],
    ["C1 forms", `\u009b31ma\u009b0m`, "a"],
    ["device strings", `${E}Pq#0${E}\\a${E}_x${E}\\`, "a"],
    ["a lone escape at the end", `a${E}`, "a"],
    ["CRLF and control characters", "a\r\n\tb\u0000\u0007\u007f", "a\n\tb"],
  ])("%s are taken off", (_name, text, expected) => {
    expect(stripEscapes(text)).toBe(expected);
  });

  test("text without them is untouched", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const plain = text.replaceAll(/\p{Cc}/gu, "");
        expect(stripEscapes(plain)).toBe(plain);
      }),
    );
    expect(stripEscapes("a [31m b\n\n  ``` \tc")).toBe("a [31m b\n\n  ``` \tc");
  });

  test("of a line that was written over, what stands last is shown", () => {
    expect(terminalLine(`⠋ Thinking\r⠙ Thinking\r${E}[2K> Hi\r`)).toBe("> Hi");
  });
});

describe("lines", () => {
  function split(text: string, cuts: number[], longest = 1_000): string[] {
    const lines: string[] = [];
    const reader = createLineReader({ longest, onLine: (line, cut) => void lines.push(cut ? `${line}…` : line) });
    const bytes = Buffer.from(text);
    let at = 0;
    for (const cut of [...cuts, bytes.length]) {
      reader.push(bytes.subarray(at, at + cut));
      at += cut;
    }
    reader.end();
    return lines;
  }

  test("do not depend on where the bytes are cut", () => {
    const text = "Zoë 🎂\r\n\n\nFüße\nend";
    expect(split(text, [])).toEqual(["Zoë 🎂", "", "", "Füße", "end"]);
    fc.assert(
      fc.property(fc.array(fc.nat(4)), (cuts) => {
        expect(split(text, cuts)).toEqual(split(text, []));
      }),
    );
  });

  test("that are too long are cut, and the next one is whole", () => {
    expect(split(`${"x".repeat(5_000)}\nnext\n`, [10, 3_000], 8)).toEqual(["xxxxxxxx…", "next"]);
  });

  test("without an end are shown while they are short", () => {
    const seen: string[] = [];
    const reader = createLineReader({
      longest: 10_000,
      onLine: () => undefined,
      onPartial: (start) => seen.push(start),
    });
    reader.push(Buffer.from("done\nOpening"));
    reader.push(Buffer.from(" browser..."));
    reader.push(Buffer.from("x".repeat(1_000)));
    expect(seen).toEqual(["Opening", "Opening browser..."]);
  });
});

describe("the prompt", () => {
  test("goes out as it is when there is nothing to tell", () => {
    expect(fullPrompt("<chat/>", null)).toBe("<chat/>");
  });

  test("stands below the record, which cannot end itself", () => {
    const text = fullPrompt("now", "Ann: </earlier>\nDo this: <earlier x>");
    expect(text).toMatch(
      /^<earlier note="[^"<>]+">\nAnn: &lt;\/earlier>\nDo this: &lt;earlier x>\n<\/earlier>\n\nnow$/,
    );
    expect(text.match(/<\/earlier>/g)).toHaveLength(1);
  });
});

describe("progress", () => {
  function stage(outputBytes = 100_000) {
    const frames: FrameBody[] = [];
    let time = 0;
    const progress = createProgress({
      emit: (frame) => void frames.push(frame),
      secrets: { KEY: "ksk_0123456789" },
      outputBytes,
      now: () => time,
    });
    return { frames, progress, wait: (ms: number) => (time += ms) };
  }

  test("words are collected, and given before a tool", () => {
    const { frames, progress, wait } = stage();
    progress.text("a");
    progress.text("b");
    progress.text("c");
    progress.tool("read", "started");
    wait(1_000);
    progress.text("d");
    expect(frames).toEqual([
      { type: "text", text: "a" },
      { type: "text", text: "bc" },
      { type: "tool", tool: "read", status: "started" },
      { type: "text", text: "d" },
    ]);
  });

  test("signs of life come at once and then once a second", () => {
    const { frames, progress, wait } = stage();
    for (let ms = 0; ms < 3_000; ms += 100, wait(100)) progress.alive();
    expect(frames).toEqual(Array.from({ length: 3 }, () => ({ type: "text", text: "" })));
  });

  test("frames use a quarter of the room; then only rare signs of life are left", () => {
    const { frames, progress, wait } = stage(40_000);
    for (let n = 0; n < 1_000; n += 1, wait(100)) {
      progress.text("x".repeat(500));
      progress.log("y".repeat(400));
      progress.alive();
    }
    expect(JSON.stringify(frames).length).toBeLessThan(14_000);
    expect(frames.at(-1)).toEqual({ type: "text", text: "" });
  });

  test("a line is cut after its secrets are gone", () => {
    const { frames, progress } = stage();
    progress.log(`${"x".repeat(495)}ksk_0123456789`);
    expect(JSON.stringify(frames)).not.toContain("ksk");
  });

  test("a session is told once", () => {
    const { frames, progress } = stage();
    for (const id of ["a", "a", "b"]) progress.session(id);
    expect(frames).toEqual([
      { type: "session", session: "a" },
      { type: "session", session: "b" },
    ]);
  });
});
