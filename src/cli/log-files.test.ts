import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { endOfLines, followLines, linesBackwards, openLogFiles } from "./log-files.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nanoclaw-logs-"));
  path = join(folder, "nanoclaw.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("reading from the end", () => {
  const backwards = async (content: string): Promise<string[]> => {
    writeFileSync(path, content);
    await using file = await open(path);
    const lines: string[] = [];
    for await (const line of linesBackwards(file, (await file.stat()).size)) lines.push(line);
    return lines.toReversed();
  };

  test("gives every line, whatever the pieces it is read in cut through", async () => {
    const lines = Array.from({ length: 3_000 }, (_, index) => `${index} ${"ü€😀".repeat(index % 60)}`);
    expect(await backwards(lines.join("\n"))).toEqual(lines);
    expect(await backwards(`${"x".repeat(200_000)}\nend\n`)).toEqual(["x".repeat(200_000), "end", ""]);
    expect(await backwards("")).toEqual([""]);
  });

  test("of a large file reads no more than what is asked for", async () => {
    writeFileSync(path, `${"old line\n".repeat(2_000_000)}newest\n`);
    await using file = await open(path);
    let bytes = 0;
    const counting = Object.create(file, {
      read: {
        value: async (...args: Parameters<typeof file.read>) => {
          const result = await file.read(...args);
          bytes += result.bytesRead;
          return result;
        },
      },
    }) as typeof file;
    const lines = linesBackwards(counting, (await file.stat()).size);
    expect([(await lines.next()).value, (await lines.next()).value]).toEqual(["", "newest"]);
    expect(bytes).toBeLessThan(100_000);
  });

  test("a line that is still being written does not count as one", async () => {
    writeFileSync(path, "whole\nhal");
    await using file = await open(path);
    expect(await endOfLines(file)).toBe(6);
  });

  test("files that the log was before come after it, up to the first that is missing", async () => {
    for (const name of ["nanoclaw.log", "nanoclaw.log.1", "nanoclaw.log.3"]) writeFileSync(join(folder, name), name);
    await using files = await openLogFiles(path);
    expect(await Promise.all(files.handles.map((file) => file.readFile("utf8")))).toEqual([
      "nanoclaw.log",
      "nanoclaw.log.1",
    ]);
  });
});

describe("following", () => {
  async function follow(work: (lines: string[], seen: (line: string) => Promise<void>) => Promise<void>) {
    const lines: string[] = [];
    const over = new AbortController();
    const following = followLines(path, 0, (line) => lines.push(line), systemClock, over.signal);
    const seen = async (line: string) => {
      while (!lines.includes(line)) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    try {
      await work(lines, seen);
    } finally {
      over.abort();
      await following;
    }
    return lines;
  }

  test("goes on when the file is moved away, with what was written before", async () => {
    writeFileSync(path, "one\n");
    const lines = await follow(async (_, seen) => {
      await seen("one");
      appendFileSync(path, "two\nthr");
      renameSync(path, `${path}.1`);
      appendFileSync(`${path}.1`, "ee\n");
      writeFileSync(path, "four\n");
      await seen("four");
      appendFileSync(path, "five\n");
      await seen("five");
    });
    expect(lines).toEqual(["one", "two", "three", "four", "five"]);
  });

  test("begins anew when the file was emptied, and waits for one that is not there yet", async () => {
    const lines = await follow(async (_, seen) => {
      writeFileSync(path, "first\n");
      await seen("first");
      truncateSync(path);
      appendFileSync(path, "2\n");
      await seen("2");
    });
    expect(lines).toEqual(["first", "2"]);
  });

  test("half a line is shown when it is whole", async () => {
    writeFileSync(path, "");
    const lines = await follow(async (_, seen) => {
      appendFileSync(path, "€".slice(0, 1));
      appendFileSync(path, "uro\nx\n");
      await seen("x");
    });
    expect(lines).toEqual(["€uro", "x"]);
  });
});
