import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import type { TurnId } from "../domain/ids.ts";
import { followJournal, journalPath, readJournal } from "./journal.ts";

let ipc: string;
let path: string;

beforeEach(() => {
  ipc = mkdtempSync(join(tmpdir(), "nanoclaw-journal-"));
  mkdirSync(join(ipc, "journal"));
  path = journalPath(ipc, "abcdefghijkl" as TurnId, 2);
});
afterEach(() => rmSync(ipc, { recursive: true, force: true }));

const read = async (offset = 0) => {
  let text = "";
  const end = await readJournal(path, offset, (chunk) => {
    text += chunk.toString("utf8");
    return true;
  });
  return { text, end };
};

/** Follows the journal; `until` resolves when the text has come. */
function follow(enough = Infinity) {
  const over = new AbortController();
  let text = "";
  let wake = () => {};
  const done = followJournal(
    path,
    (chunk) => {
      text += chunk.toString("utf8");
      wake();
      return text.length < enough;
    },
    systemClock,
    over.signal,
  );
  const until = async (expected: string) => {
    while (text !== expected) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
  };
  return { over, done, until, text: () => text };
}

describe("reading a journal", () => {
  test("finds it under the turn and the attempt", () => {
    expect(path).toBe(join(ipc, "journal", "abcdefghijkl-2.ndjson"));
  });

  test("reads from an offset to the end", async () => {
    writeFileSync(path, "one\ntwo\n");
    expect(await read()).toEqual({ text: "one\ntwo\n", end: 8 });
    expect(await read(4)).toEqual({ text: "two\n", end: 8 });
    expect(await read(8)).toEqual({ text: "", end: 8 });
    expect(await read(100)).toEqual({ text: "", end: 100 });
  });

  test("reads one that is longer than a chunk whole", async () => {
    const text = "a long line of it\n".repeat(20_000);
    writeFileSync(path, text);
    expect(await read()).toEqual({ text, end: text.length });
  });

  test("stops where the feed has enough", async () => {
    writeFileSync(path, "");
    truncateSync(path, 1024 ** 3);
    let bytes = 0;
    const end = await readJournal(path, 0, (chunk) => (bytes += chunk.length) < 1_000_000);
    expect(bytes).toBe(end);
    expect(end).toBeLessThan(2_000_000);
  });

  test("hands out chunks that stay as they are", async () => {
    writeFileSync(path, "a".repeat(64 * 1024) + "b".repeat(64 * 1024));
    const chunks: Buffer[] = [];
    await readJournal(path, 0, (chunk) => chunks.push(chunk) > 0);
    expect(chunks[0]?.every((byte) => byte === 0x61)).toBe(true);
  });

  test.each<[string, () => unknown]>([
    ["missing", () => {}],
    ["in a folder that is missing", () => rmSync(join(ipc, "journal"), { recursive: true })],
    ["a folder", () => mkdirSync(path)],
    ["a FIFO", () => execFileSync("mkfifo", [path])],
    ["a device", () => symlinkSync("/dev/zero", path)],
    ["a loop of links", () => symlinkSync(path, path)],
    ["a link to a file", () => (writeFileSync(join(ipc, "other"), "secret"), symlinkSync(join(ipc, "other"), path))],
    ["a hard link", () => (writeFileSync(join(ipc, "other"), "secret"), linkSync(join(ipc, "other"), path))],
  ])("one that is %s reads as empty", async (_what, make) => {
    make();
    expect(await read()).toEqual({ text: "", end: 0 });
  });

  test("one that is replaced by a link reads as empty until it is back", async () => {
    writeFileSync(path, "one\n");
    writeFileSync(join(ipc, "other"), "0123456789 secret");
    const { end } = await read();
    renameSync(path, `${path}.old`);
    symlinkSync(join(ipc, "other"), path);
    expect(await read(end)).toEqual({ text: "", end });
    renameSync(`${path}.old`, path);
    appendFileSync(path, "two\n");
    expect(await read(end)).toEqual({ text: "two\n", end: 8 });
  });

  test("one that is replaced by a shorter one has nothing new", async () => {
    writeFileSync(path, "one\ntwo\n");
    const { end } = await read();
    writeFileSync(join(ipc, "other"), "new\n");
    renameSync(join(ipc, "other"), path);
    expect(await read(end)).toEqual({ text: "", end });
  });

  test("one that is a socket reads as empty", async () => {
    const server = createServer().listen(path);
    await once(server, "listening");
    expect(await read()).toEqual({ text: "", end: 0 });
    server.close();
  });

  test.skipIf(process.getuid?.() === 0)("one that may not be read reads as empty", async () => {
    writeFileSync(path, "one\n");
    chmodSync(path, 0);
    expect(await read()).toEqual({ text: "", end: 0 });
  });
});

describe("following a journal", () => {
  test("reads what is appended, and what came last when it is over", async () => {
    const journal = follow();
    writeFileSync(path, "one\n");
    await journal.until("one\n");
    appendFileSync(path, "two\n");
    await journal.until("one\ntwo\n");
    appendFileSync(path, "three\n");
    journal.over.abort();
    await journal.done;
    expect(journal.text()).toBe("one\ntwo\nthree\n");
  });

  test("finds one whose folder is made later", async () => {
    rmSync(join(ipc, "journal"), { recursive: true });
    const journal = follow();
    mkdirSync(join(ipc, "journal"));
    writeFileSync(path, "one\n");
    await journal.until("one\n");
    journal.over.abort();
    await journal.done;
  });

  test("ends when the feed has enough, without being told", async () => {
    writeFileSync(path, "one\n");
    const journal = follow(4);
    await journal.done;
    expect(journal.over.signal.aborted).toBe(false);
    expect(journal.text()).toBe("one\n");
  });
});
