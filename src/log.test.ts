import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLog } from "./log.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "nanoclaw-log-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const MiB = 2 ** 20;
const filler = "x".repeat(MiB / 4);

/** So much that not all of it is kept. */
async function fill(megabytes: number): Promise<number> {
  await using files = openLog(folder, "info");
  const lines = megabytes * 4;
  for (let line = 1; line <= lines; line += 1) {
    files.log.info({ line, filler }, "Filling");
    // As a host that has other things to do in between.
    if (line % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return lines;
}

test("a log that grows is moved on at 10 MB, keeps its name, and five older files are kept", async () => {
  const written = await fill(75);
  const names = readdirSync(folder).filter((name) => name.startsWith("nanoclaw.log"));
  expect(names.sort()).toEqual(["nanoclaw.log", ...[1, 2, 3, 4, 5].map((index) => `nanoclaw.log.${index}`)]);
  const sizes = names.map((name) => statSync(join(folder, name)).size);
  expect(Math.max(...sizes)).toBeLessThan(12 * MiB);
  // Oldest first, they are one log without a gap, and its end is the newest line.
  const text = names.toReversed().map((name) => readFileSync(join(folder, name), "utf8"));
  const numbers = text
    .join("")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { line: number }).line);
  expect(numbers.every((number, index) => index === 0 || number === (numbers[index - 1] ?? 0) + 1)).toBe(true);
  expect(numbers.at(-1)).toBe(written);
}, 60_000);

test("nobody else can read a log, also one that was moved on", async () => {
  await fill(11);
  const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
  expect(new Set(modes)).toEqual(new Set([0o600]));
});
