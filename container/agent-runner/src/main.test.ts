import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createExchange, okay } from "../test/exchange.ts";
import { startRunner } from "../test/runner-process.ts";
import { promptOf, turnInput } from "../test/turn-input.ts";
import { parseFrame } from "./protocol/index.ts";

const line = (changes: Parameters<typeof turnInput>[0] = {}): string => JSON.stringify(turnInput(changes)) + "\n";
const journalOf = (dir: string): string => join(dir, "journal", "abcdefghijkl-1.ndjson");
const bodies = (text: string) => text.split("\n").flatMap((row) => parseFrame(row, "0123456789abcdef")?.body ?? []);
const listing = okay({ tasks: [] });

describe("the runner as a process", () => {
  test("says ready, runs its input, and writes the same frames to the journal and to stdout", async () => {
    using exchange = createExchange();
    const runner = startRunner(exchange.dir);
    await runner.saw('{"type":"ready","protocol":1}\n');
    expect(existsSync(journalOf(exchange.dir))).toBe(false);
    runner.child.stdin.write(line());
    expect(await runner.ended).toBe(0);
    const journal = readFileSync(journalOf(exchange.dir), "utf8");
    expect(runner.stdout()).toBe('{"type":"ready","protocol":1}\n' + journal);
    expect(bodies(journal).map((body) => body.type)).toEqual(["answer", "log", "closed"]);
    expect(journal).toContain("One-shot mode enabled, exiting after single run");
    expect(statSync(journalOf(exchange.dir)).mode & 0o777).toBe(0o600);
    expect(runner.stderr()).toBe("");
  });

  test("takes an input that arrives byte by byte, with letters cut in half", async () => {
    using exchange = createExchange();
    exchange.answerWith(() => okay({ messages: [], more: false }));
    const runner = startRunner(exchange.dir);
    const bytes = Buffer.from(line({ prompt: promptOf("search for Zoë 🎂") }));
    await runner.saw("ready");
    for (let at = 0; at < bytes.length; at += 7) runner.child.stdin.write(bytes.subarray(at, at + 7));
    expect(await runner.ended).toBe(0);
    expect(runner.stdout()).toContain("“Zoë 🎂”");
    expect(exchange.requests[0]?.args).toEqual({ query: "Zoë 🎂", limit: 10 });
  });

  test("goes on when its input ends after the line, and shows its tool calls", async () => {
    using exchange = createExchange();
    exchange.answerWith(() => listing);
    const runner = startRunner(exchange.dir);
    runner.child.stdin.end(line({ prompt: promptOf("what reminders do I have?") }));
    expect(await runner.ended).toBe(0);
    expect(bodies(runner.stdout())).toEqual([
      { type: "tool", tool: "list_tasks", status: "started" },
      { type: "tool", tool: "list_tasks", status: "done" },
      { type: "answer", answer: { status: "ok", text: "You have no reminders.", session: null } },
      { type: "log", line: "One-shot mode enabled, exiting after single run" },
      { type: "closed" },
    ]);
    expect(exchange.requests).toEqual([
      { protocol: 1, turn: "abcdefghijkl", attempt: 1, chat: "local:main", tool: "list_tasks", args: {} },
    ]);
  });

  test("does nothing when the input ends before its line is complete", async () => {
    using exchange = createExchange();
    const runner = startRunner(exchange.dir);
    runner.child.stdin.end(line().slice(0, -1));
    expect(await runner.ended).toBe(3);
    expect(runner.stdout()).toBe('{"type":"ready","protocol":1}\n');
    expect(readdirSync(join(exchange.dir, "journal"))).toEqual([]);
  });

  test.each([
    ["no JSON", "hello\n", "not JSON"],
    ["a wrong field", JSON.stringify({ ...turnInput(), attempt: "one" }) + "\n", "attempt: "],
    ["another protocol", JSON.stringify({ ...turnInput(), protocol: 2 }) + "\n", "protocol: "],
    ["no UTF-8", Buffer.from([0xff, 0xfe, 0x0a]), "UTF-8"],
    ["an endless line", "x".repeat(8 * 1024 * 1024 + 1), "longer than"],
  ])("refuses %s without a frame and without quoting secrets", async (_name, input, problem) => {
    using exchange = createExchange();
    const runner = startRunner(exchange.dir);
    runner.child.stdin.write(input);
    expect(await runner.ended).toBe(2);
    expect(runner.stderr()).toContain(problem);
    expect(runner.stderr()).not.toContain("very-secret-value");
    expect(bodies(runner.stdout())).toEqual([]);
    expect(readdirSync(join(exchange.dir, "journal"))).toEqual([]);
  });

  test("does not run an attempt twice", async () => {
    using exchange = createExchange();
    writeFileSync(journalOf(exchange.dir), "earlier\n");
    const runner = startRunner(exchange.dir);
    runner.child.stdin.write(line());
    expect(await runner.ended).toBe(4);
    expect(runner.stdout()).toBe('{"type":"ready","protocol":1}\n');
    expect(readFileSync(journalOf(exchange.dir), "utf8")).toBe("earlier\n");
  });

  test("finishes in the journal when nobody reads its output any more", async () => {
    using exchange = createExchange();
    exchange.answerWith(() => listing);
    const runner = startRunner(exchange.dir);
    await runner.saw("ready");
    runner.child.stdout.destroy();
    runner.child.stderr.destroy();
    runner.child.stdin.end(line({ prompt: promptOf("what reminders do I have?") }));
    expect(await runner.ended).toBe(0);
    expect(bodies(readFileSync(journalOf(exchange.dir), "utf8")).map((body) => body.type)).toEqual([
      ...["tool", "tool", "answer", "log", "closed"],
    ]);
  });

  test("stops at SIGTERM without an answer", async () => {
    using exchange = createExchange();
    const runner = startRunner(exchange.dir);
    runner.child.stdin.write(line({ prompt: promptOf("what reminders do I have?") }));
    await runner.saw('"started"');
    while (exchange.requests.length === 0) await sleep(5);
    runner.child.kill("SIGTERM");
    expect(await runner.ended).toBe(143);
    expect(bodies(runner.stdout()).map((body) => body.type)).toEqual(["tool"]);
  });

  test("stops at SIGTERM before any input", async () => {
    using exchange = createExchange();
    const runner = startRunner(exchange.dir);
    await runner.saw("ready");
    runner.child.kill("SIGTERM");
    expect(await runner.ended).toBe(143);
  });

  test("says what to do where there is no kiro-cli", async () => {
    using exchange = createExchange();
    const runner = startRunner(exchange.dir);
    runner.child.stdin.write(
      line({
        agent: { backend: "kiro", assistantName: "Andy", name: "kiro-assistant", model: null, sharedStore: false },
      }),
    );
    expect(await runner.ended).toBe(0);
    expect(bodies(runner.stdout())[0]).toMatchObject({ answer: { status: "error", class: "agent-missing" } });
  });

  test("says which folder it misses", async () => {
    const runner = startRunner(undefined);
    runner.child.stdin.write(line());
    expect(await runner.ended).toBe(2);
    expect(runner.stderr()).toContain("NANOCLAW_IPC_DIR");
  });
});
