import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runChild, type ChildOptions } from "./child.ts";

const script = fileURLToPath(new URL("../../../test/scripted-program.mjs", import.meta.url));

interface Run extends Partial<ChildOptions> {
  onOutput?: (all: string) => void;
}

async function run(steps: readonly string[], { onOutput, ...changes }: Run = {}) {
  let stdout = "";
  let stderr = "";
  const end = await runChild({
    program: process.execPath,
    args: [script, ...steps],
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "" },
    input: "",
    ownGroup: false,
    onStdout(bytes) {
      stdout += bytes.toString();
      onOutput?.(stdout + stderr);
    },
    onStderr(bytes) {
      stderr += bytes.toString();
      onOutput?.(stdout + stderr);
    },
    signal: new AbortController().signal,
    graceMs: 300,
    ...changes,
  });
  return { end, output: () => stdout, stderr };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const helperPid = (text: string): number => Number(/helper (\d+)/.exec(text)?.[1]);

describe("a program that is run", () => {
  test("gets its input whole, and all of its output is read", async () => {
    const megabyte = "x".repeat(1_000_000);
    const { end, output } = await run(["read", "out:!", "exit:7"], { input: megabyte });
    expect(end).toEqual({ kind: "exited", code: 7, signal: null });
    expect(output()).toBe("read 1000000!");
  });

  test("may leave without reading its input", async () => {
    const { end } = await run(["exit:0"], { input: "x".repeat(1_000_000) });
    expect(end).toEqual({ kind: "exited", code: 0, signal: null });
  });

  test("that is not there is told as a value", async () => {
    expect((await run([], { program: "/nowhere/kiro-cli" })).end).toMatchObject({ kind: "not-started" });
    expect((await run([], { program: script })).end).toMatchObject({ kind: "not-started" });
    expect((await run([], { cwd: "/nowhere" })).end).toMatchObject({ kind: "not-started" });
    expect((await run([], { program: "with\0zero" })).end).toMatchObject({ kind: "not-started" });
  });

  test("is ended by the signal, and killed when it is deaf", async () => {
    const stop = new AbortController();
    const { end } = await run(["deaf", "out:on", "sleep:60000"], {
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    expect(end).toEqual({ kind: "exited", code: null, signal: "SIGKILL" });
    const before = await run(["sleep:60000"], { signal: AbortSignal.abort() });
    expect(before.end).toMatchObject({ kind: "exited", signal: "SIGTERM" });
  });

  test("is over when it is gone, though a helper holds its pipes, and nothing is heard of that one later", async () => {
    const { end, output, stderr } = await run(["helper:3000", "out:done", "exit:0"]);
    const pid = helperPid(stderr);
    try {
      expect(end).toMatchObject({ code: 0 });
      expect(output()).toBe("done");
      expect(isAlive(pid)).toBe(true);
      await sleep(3_500);
      expect(output()).toBe("done");
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });

  test("takes its helpers with it from a group of its own", async () => {
    const { end, stderr } = await run(["helper:60000", "exit:0"], { ownGroup: true });
    expect(end).toMatchObject({ code: 0 });
    while (isAlive(helperPid(stderr))) await sleep(10);
  });

  test("its whole group hears the signal", async () => {
    const stop = new AbortController();
    const { end, stderr } = await run(["helper:60000", "sleep:60000"], {
      ownGroup: true,
      signal: stop.signal,
      onOutput: () => stop.abort(),
    });
    expect(end).toMatchObject({ kind: "exited", signal: "SIGTERM" });
    while (isAlive(helperPid(stderr))) await sleep(10);
  });
});
