import type { FrameBody } from "@nanoclaw/agent-runner/protocol";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, say, sentTo, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, settled } from "../../test/manual-clock.ts";
import type { Folder } from "../domain/ids.ts";
import { silentLog } from "../domain/log.ts";
import { homePaths } from "../home.ts";
import type { Running, Runtime } from "../runtime/runtime.ts";
import { openStore, type Store } from "../store/store.ts";
import { recoverTurns } from "./recover.ts";

const token = "0123456789abcdef";

describe("what the last host left open", () => {
  let store: Store;
  let ipc: string;
  let alive: unknown[];
  let cleared: unknown[];
  let adopted: string[];
  let busy: Folder[];

  beforeEach(() => {
    ipc = mkdtempSync(join(tmpdir(), "nanoclaw-recover-"));
    mkdirSync(join(ipc, "journal"));
    store = openStore(":memory:");
    for (const name of ["main", "family", "work"]) addGroup(store, name);
    [alive, cleared, adopted, busy] = [[], [], [], []];
  });
  afterEach(() => rmSync(ipc, { recursive: true, force: true }));

  const running = (handle: unknown): Running => {
    const { promise, resolve } = Promise.withResolvers<{ code: number; signal: null }>();
    const signal = () => resolve({ code: 0, signal: null });
    return { handle, stdin: null, stdout: null, stderr: null, exited: promise, signal };
  };
  const runtime: Partial<Runtime> = {
    name: "host",
    launch: () => Promise.reject(new Error("nothing is launched here")),
    find: (handle) =>
      Promise.resolve(alive.includes((handle as { pid: number } | null)?.pid) ? running(handle) : undefined),
    clear: (handle) => Promise.resolve(void cleared.push(handle)),
    sweep: () => Promise.resolve(),
  };
  const recover = () =>
    recoverTurns({
      screen: (text) => text,
      ...{ store, runtimes: [runtime as Runtime], clock: manualClock(), log: silentLog, outputBytes: 65_536 },
      paths: (folder) => ({ ...homePaths("/nowhere").group(folder), ipc }),
      agentOf: () => "kiro",
      runner: {
        run: () => Promise.resolve(),
        adopt: (turn) => Promise.resolve(void adopted.push(turn.id)),
        end: () => false,
      },
      queue: {
        start: () => {},
        occupy: (folder) => void busy.push(folder),
        running: () => 0,
        idle: () => Promise.resolve(),
        drain: () => Promise.resolve(),
      },
    });

  /** A turn that was given its input and runs in process 7. */
  const left = (folder = "main") => {
    const seq = say(store, "hello", { chat: `local:${folder}` as never });
    const started = startTurn(store, folder);
    store.turns.setHandle(started.turn.id, 1, "host", { pid: 7 });
    store.turns.fixRange(started.turn.id, seq, seq);
    store.turns.stampAttempt(started.turn.id, 1, "input", 2_000);
    return started.turn;
  };
  const journal = (turn: string, bodies: FrameBody[], frameToken = token) => {
    const lines = bodies.map((body, index) => JSON.stringify({ token: frameToken, n: index + 1, body }));
    writeFileSync(join(ipc, "journal", `${turn}-1.ndjson`), lines.map((line) => `${line}\n`).join(""));
  };
  const answer = (text: string): FrameBody => ({ type: "answer", answer: { status: "ok", text, session: "s-1" } });
  const statusOf = (id: string) => store.turns.find(id)?.status;

  test("(a) an answer in the journal is taken, once, and the turn does not run again", async () => {
    const turn = left();
    journal(turn.id, [{ type: "text", text: "…" }, answer("Hello")]);
    await recover();
    await recover();
    expect(sentTo(store)).toEqual(["Hello"]);
    expect([statusOf(turn.id), store.turns.waiting(1e15)]).toEqual(["answered", []]);
    expect(store.sessions.get(folderOf("main"), "kiro")).toBe("s-1");
  });

  test("(a) goes before (b): what still lives is removed, and its folder is busy until then", async () => {
    const turn = left();
    alive = [7];
    journal(turn.id, [answer("Hello")]);
    await recover();
    expect([statusOf(turn.id), adopted, busy]).toEqual(["answered", [], ["main"]]);
  });

  test("(a) an error in the journal is a failure with its class", async () => {
    const turn = left();
    const failed = { status: "error", class: "limit-reached", error: "quota", session: null } as const;
    journal(turn.id, [{ type: "answer", answer: failed }]);
    await recover();
    expect(store.turns.find(turn.id)).toMatchObject({ status: "queued", failureClass: "limit-reached", told: true });
  });

  test("(a) an isolated task's answer leaves no session", async () => {
    const task = addTask(store, { contextMode: "isolated" });
    const { turn } = startTurn(store, "main", task);
    journal(turn.id, [answer("⏰")]);
    await recover();
    expect(sentTo(store)).toEqual(["⏰"]);
    expect(store.sessions.get(folderOf("main"), "kiro")).toBeNull();
    expect(store.tasks.find(task.id)?.status).toBe("completed");
  });

  test("(b) what is alive is adopted, and its folder is busy", async () => {
    const turn = left();
    alive = [7];
    journal(turn.id, [{ type: "text", text: "…" }]);
    await recover();
    expect([statusOf(turn.id), adopted, busy]).toEqual(["running", [turn.id], ["main"]]);
    expect(sentTo(store)).toEqual([]);
  });

  test("(c) the rest was interrupted: again at once when it had done nothing outside", async () => {
    const turn = left();
    await recover();
    expect(store.turns.find(turn.id)).toMatchObject({ status: "queued", crashes: 1 });
    expect(store.turns.waiting(Date.UTC(2027, 0))).toMatchObject([{ turn: turn.id }]);
    expect([sentTo(store), cleared]).toEqual([[], [{ pid: 7 }]]);
  });

  test("(c) and an honest sentence, once, when it had", async () => {
    const turn = left();
    store.turns.markActed(turn.id);
    await recover();
    await recover();
    expect(statusOf(turn.id)).toBe("interrupted");
    expect(sentTo(store)).toEqual([expect.stringContaining('Say "go on"')]);
    expect(store.turns.waiting(1e15)).toEqual([]);
  });

  test.each([
    ["half a line", (text: string) => text.slice(0, -20)],
    ["another turn's token", (text: string) => text.replaceAll(token, "fedcba9876543210")],
    ["a number left out", (text: string) => text.replaceAll('"n":1', '"n":2')],
    ["garbage before it", (text: string) => `\0\0 garbage ${text}`],
  ])("a journal with %s holds no answer", async (_name, spoil) => {
    const turn = left();
    const line = JSON.stringify({ token, n: 1, body: answer("Hello") });
    writeFileSync(join(ipc, "journal", `${turn.id}-1.ndjson`), spoil(`${line}\n`));
    await recover();
    expect([statusOf(turn.id), sentTo(store)]).toEqual(["queued", []]);
  });

  test("a turn that was claimed and never launched is tried again", async () => {
    say(store, "hello");
    const { turn } = startTurn(store);
    alive = [];
    await recover();
    expect(statusOf(turn.id)).toBe("queued");
  });

  test("each folder's turn is taken by its own rule", async () => {
    const [answered, dead, acted] = ["main", "family", "work"].map(left) as [never, never, never];
    journal((answered as { id: string }).id, [answer("Hello")]);
    store.turns.markActed((acted as { id: never }).id);
    await recover();
    await settled();
    const statuses = [answered, dead, acted].map(({ id }: { id: string }) => statusOf(id));
    expect(statuses).toEqual(["answered", "queued", "interrupted"]);
    expect(store.turns.running()).toEqual([]);
  });
});
