import { PROTOCOL_VERSION, type FrameBody } from "@nanoclaw/agent-runner/protocol";
import { PassThrough, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import type { Exit, Running } from "./runtime.ts";
import { superviseRun, type SuperviseOptions } from "./supervise.ts";

const TOKEN = "0123456789abcdef";
const READY = `${JSON.stringify({ type: "ready", protocol: PROTOCOL_VERSION })}\n`;
const ANSWER = { type: "answer", answer: { status: "ok", text: "hi", session: null } } as const;
const line = (n: number, body: FrameBody) => `${JSON.stringify({ token: TOKEN, n, body })}\n`;

/** A runner whose every move is the test's. */
function createRunner(changes: Partial<Running> = {}) {
  const exited = Promise.withResolvers<Exit>();
  const signals: string[] = [];
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  for (const stream of [stdin, stdout, stderr]) stream.on("error", () => {});
  const leave = (code: number | null) => exited.resolve({ code, signal: null });
  const running: Running = {
    ...{ handle: {}, stdin, stdout, stderr },
    exited: exited.promise,
    signal: (kind) => {
      signals.push(kind);
      leave(143);
    },
    ...changes,
  };
  const close = (code: number | null) => {
    leave(code);
    stdout.end();
    stderr.end();
  };
  return { running, stdin, stdout, stderr, signals, leave, close };
}

function supervise(running: Running, changes: Partial<SuperviseOptions> = {}) {
  const calls: string[] = [];
  const result = superviseRun({
    running,
    journal: "/nonexistent/journal",
    frameToken: TOKEN,
    limits: { ready: 60_000, silence: 60_000, whole: 60_000, grace: 60_000, outputBytes: 1024 },
    clock: systemClock,
    stop: new AbortController().signal,
    input: () => Promise.resolve("the line"),
    onInputWritten: () => void calls.push("written"),
    onFrame: ({ type }) => void calls.push(type),
    ...changes,
  });
  result.catch(() => {});
  return { result, calls };
}

const shortGrace = { ready: 60_000, silence: 60_000, whole: 60_000, grace: 100, outputBytes: 1024 };

describe("the supervision of a run", () => {
  test("an exit before ready is a crash with what was said last, however late that arrives", async () => {
    const runner = createRunner();
    const { result, calls } = supervise(runner.running);
    runner.leave(1);
    await runner.running.exited;
    await new Promise(setImmediate);
    runner.stderr.end("no such file\n");
    runner.stdout.end();
    expect(await result).toMatchObject({
      failure: { class: "crash", detail: "the runner exited with code 1 before it was ready: no such file" },
    });
    expect(calls).toEqual([]);
    expect(runner.signals).toEqual([]);
  });

  test("an answer that is still in the pipe when the runner is gone counts", async () => {
    const runner = createRunner();
    const { result } = supervise(runner.running);
    runner.leave(1);
    await runner.running.exited;
    runner.stdout.write(READY);
    runner.stdout.end(line(1, ANSWER));
    runner.stderr.end();
    expect((await result).answer).toEqual(ANSWER.answer);
  });

  test("a pipe that somebody else holds open keeps a run that is gone no longer than the grace", async () => {
    const runner = createRunner();
    const { result } = supervise(runner.running, { limits: shortGrace });
    runner.stdout.write(READY + line(1, ANSWER));
    runner.leave(0);
    expect((await result).answer).toEqual(ANSWER.answer);
    expect(runner.stdout.destroyed).toBe(true);
    expect(runner.signals).toEqual([]);
  });

  test("streams that were closed before are not waited for", async () => {
    const runner = createRunner();
    runner.stdout.destroy();
    runner.stderr.destroy();
    await new Promise(setImmediate);
    const { result } = supervise(runner.running);
    runner.leave(0);
    expect(await result).toMatchObject({ failure: { class: "crash" } });
  });

  test("a write that fails is not taken for written", async () => {
    const stdin = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" })),
    });
    stdin.on("error", () => {});
    const runner = createRunner({ stdin });
    const { result, calls } = supervise(runner.running);
    runner.stdout.write(READY);
    while (!stdin.destroyed) await new Promise(setImmediate);
    runner.close(0);
    expect(await result).toMatchObject({
      failure: { detail: "the runner exited with code 0 before it answered" },
    });
    expect(calls).toEqual([]);
  });

  test("a line that nobody takes does not keep a run that is gone", async () => {
    const runner = createRunner({ stdin: new Writable({ write: () => {} }) });
    const asked = Promise.withResolvers<void>();
    const { result, calls } = supervise(runner.running, {
      input: () => {
        asked.resolve();
        return Promise.resolve("the line");
      },
    });
    runner.stdout.write(READY);
    await asked.promise;
    runner.close(9);
    expect(await result).toMatchObject({ failure: { class: "crash" } });
    expect(calls).toEqual([]);
  });

  test("a throw when the input is written ends the run and rejects", async () => {
    const runner = createRunner();
    const { result } = supervise(runner.running, {
      limits: shortGrace,
      onInputWritten: () => {
        throw new Error("no room");
      },
    });
    runner.stdout.write(READY);
    await expect(result).rejects.toThrow("no room");
    expect(runner.signals).toEqual(["TERM"]);
    expect(runner.stdin.destroyed).toBe(true);
  });

  test("a throw on the answer rejects, though there is an answer", async () => {
    const runner = createRunner();
    const { result } = supervise(runner.running, {
      limits: shortGrace,
      onFrame: () => {
        throw new Error("no ledger");
      },
    });
    runner.stdout.write(READY + line(1, ANSWER));
    await expect(result).rejects.toThrow("no ledger");
  });

  test("a second answer is nobody's", async () => {
    const runner = createRunner();
    const { result, calls } = supervise(runner.running);
    runner.stdout.write(READY + line(1, ANSWER) + line(2, { type: "answer", answer: { ...ANSWER.answer, text: "2" } }));
    runner.close(0);
    expect((await result).answer).toEqual(ANSWER.answer);
    expect(calls.filter((call) => call === "answer")).toHaveLength(1);
  });

  test("nothing is sent to a runner that is gone, though the cap is met in what it left", async () => {
    const runner = createRunner();
    const { result } = supervise(runner.running);
    runner.leave(0);
    await runner.running.exited;
    await new Promise(setImmediate);
    runner.stderr.end();
    runner.stdout.end("x".repeat(2_000));
    expect(await result).toMatchObject({ failure: { class: "output-cap" } });
    expect(runner.signals).toEqual([]);
  });

  test("TERM comes first, KILL when the grace is over and it is still there", async () => {
    const exited = Promise.withResolvers<Exit>();
    const signals: string[] = [];
    const runner = createRunner({
      exited: exited.promise,
      signal: (kind) => {
        signals.push(kind);
        if (kind === "KILL") exited.resolve({ code: null, signal: "SIGKILL" });
      },
    });
    const stop = new AbortController();
    const { result } = supervise(runner.running, { limits: shortGrace, stop: stop.signal });
    stop.abort("stopped");
    expect(await result).toEqual({ answer: undefined, failure: null, ended: "stopped" });
    expect(signals).toEqual(["TERM", "KILL"]);
  });
});
