import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import { systemClock } from "../clock.ts";
import { runProgram } from "../runtime/run-program.ts";
import { whoami } from "./whoami.ts";

/** A `kiro-cli` that is a shell script. */
function program(script: string): string {
  const path = join(temporary(), "kiro-cli");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const ask = (script: string, limitMs = 15_000) => askProgram(program(script), limitMs);
const askProgram = (path: string, limitMs = 15_000) =>
  whoami({
    run: (command) => runProgram(systemClock, command),
    program: path,
    env: { PATH: process.env["PATH"] ?? "" },
    limitMs,
  });

describe("what Kiro says about the login", () => {
  it.each<[string, string, object]>([
    [
      "logged in",
      "echo 'Logged in with Builder ID'; echo more",
      { kind: "logged-in", detail: "Logged in with Builder ID" },
    ],
    [
      "a key",
      "printf '\\033[32mAuthenticated with API key\\033[0m\\n'",
      { kind: "logged-in", detail: "Authenticated with API key" },
    ],
    ["logged out", "echo 'Not logged in'; exit 1", { kind: "logged-out" }],
    [
      "logged out on the other stream",
      "echo 'error: You are not logged in, please log in with kiro-cli login' >&2; exit 1",
      { kind: "logged-out" },
    ],
    ["logged out, with a 0", "echo 'Not logged in' >&2", { kind: "logged-out" }],
    ["a failure", "echo 'error: no such file' >&2; exit 1", { kind: "failed", detail: "error: no such file" }],
    ["nothing at all", "exit 0", { kind: "failed", detail: "it ended with 0 and said nothing" }],
    ["the end of it by a signal", "kill -9 $$", { kind: "failed", detail: "it ended with a signal and said nothing" }],
  ])("is understood: %s", async (_, script, expected) => {
    expect(await ask(script)).toEqual(expected);
  });

  it("is asked for with a program that is there", async () => {
    expect(await askProgram("/nowhere/kiro-cli")).toMatchObject({
      kind: "missing",
      problem: expect.stringContaining("ENOENT"),
    });
  });

  it("is not waited for longer than said, and whoever was asked is ended with its children", async () => {
    const pidFile = join(temporary(), "pid");
    expect(await ask(`sleep 1000 & echo $! > ${pidFile}; wait`, 1_500)).toEqual({ kind: "late", limitMs: 1_500 });
    const child = Number(readFileSync(pidFile, "utf8"));
    await expect.poll(() => isRunning(child), { timeout: 10_000 }).toBe(false);
  });

  it("is there when the program is gone, even if something it started holds on to its streams", async () => {
    expect(await ask("setsid sleep 5 & echo 'Logged in'")).toEqual({ kind: "logged-in", detail: "Logged in" });
  });

  it("reaches no terminal and no shell", async () => {
    const marker = join(temporary(), "x");
    expect(await askProgram(`/bin/echo $(touch ${marker})`)).toMatchObject({ kind: "missing" });
    expect(existsSync(marker)).toBe(false);
    expect(await ask("cat; echo end of input")).toMatchObject({ detail: "end of input" });
  });
});

/** A killed child that nobody collects is no running one. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
