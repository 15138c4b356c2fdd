import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { FrameBody } from "../../protocol/index.ts";
import { runAttempt } from "./attempt.ts";
import { judge } from "./judge.ts";
import { createProgress } from "./progress.ts";
import type { AttemptOptions } from "./watch.ts";

const script = fileURLToPath(new URL("../../../test/scripted-program.mjs", import.meta.url));
const facts = { agent: "nanoclaw-main", model: null, hasApiKey: true, now: 0 };
const secrets = { KIRO_API_KEY: "ksk_0123456789abcdef" };

const event = (type: string, data: object): string => `out:${JSON.stringify({ type, data })}\n`;
const session = (sessionId: string): string => event("metadata", { sessionId });
const chunk = (text: string): string =>
  event("sessionUpdate", { update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text } } });
const tool = event("sessionUpdate", { update: { sessionUpdate: "tool_call", toolCallId: "1", title: "Reading x" } });
const finished = event("runFinished", { sessionId: "s1", status: "success", finalText: "Hi" });

async function attempt(steps: readonly string[], changes: Partial<AttemptOptions> = {}) {
  const frames: FrameBody[] = [];
  const emit = (frame: FrameBody): void => void frames.push(frame);
  const seen = await runAttempt({
    program: process.execPath,
    args: [script, ...steps],
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "" },
    prompt: "hello",
    ownGroup: true,
    streamJson: true,
    expected: null,
    needsMemory: false,
    outputBytes: 100_000,
    overdueMs: 100,
    facts,
    progress: createProgress({ emit, secrets, outputBytes: 100_000, now: () => Date.now() }),
    signal: new AbortController().signal,
    ...changes,
  });
  const outcome = judge(seen, { facts, secrets, version: "2.29.0", answeredSession: undefined });
  return { seen, outcome, frames };
}

describe("a run", () => {
  test("that has finished and stays is not waited for", async () => {
    const { seen, outcome } = await attempt([session("s1"), chunk("Hi"), finished, "deaf", "sleep:60000"]);
    expect(seen.cut).toBe("overdue");
    expect(outcome).toMatchObject({ kind: "answered", text: "Hi", session: "s1" });
    const text = { streamJson: false };
    const classic = await attempt(["out:> Hi\n", "err: ▸ Credits: 0.07 • Time: 4s\n", "sleep:60000"], text);
    expect(classic.outcome).toMatchObject({ kind: "answered", text: "Hi", credits: 0.07 });
  });

  test("in another conversation is cut off before it does anything, when that one knows nothing", async () => {
    const lost = { expected: "s0", needsMemory: true };
    const { outcome, frames } = await attempt([session("s1"), "sleep:60000"], lost);
    expect(outcome).toEqual({ kind: "other-session" });
    expect(frames.filter(({ type }) => type === "session")).toEqual([]);
    const done = await attempt([tool, session("s1"), chunk("Hi"), finished], lost);
    expect(done.outcome).toMatchObject({ kind: "answered", session: "s1" });
    const nothingToTell = await attempt([session("s1"), chunk("Hi"), finished], { expected: "s0" });
    expect(nothingToTell.outcome).toMatchObject({ kind: "answered", session: "s1" });
  });

  test("that asks a person to log in is ended, line feed or not", async () => {
    for (const stream of ["out", "err"]) {
      for (const words of [
        "▰▰▱ Opening browser... | Press (^) + C to cancel\r",
        "Confirm the following code in the browser\n",
      ]) {
        for (const streamJson of [true, false]) {
          const { seen, outcome } = await attempt([`${stream}:${words}`, "sleep:60000"], { streamJson });
          expect(seen.cut).toBe("hopeless");
          expect(outcome).toMatchObject({ failure: { class: "logged-out" } });
        }
      }
    }
  });

  test("is not ended by the model's words on logging in", async () => {
    const words = "Confirm the following code in the browser\nOpening browser... | Press";
    const events = await attempt([session("s1"), chunk(words), finished]);
    expect(events.outcome.kind).toBe("answered");
    const footer = "err: ▸ Credits: 1 • Time: 4s\n";
    const classic = await attempt([`out:> It says:\n${words}\n`, footer], { streamJson: false });
    expect(classic.outcome).toMatchObject({ kind: "answered", text: `It says:\n${words}` });
  });

  test("that floods either stream is ended", async () => {
    for (const stream of ["out", "err"]) {
      const { outcome } = await attempt(["deaf", `flood:${stream}`]);
      expect(outcome).toMatchObject({ failure: { class: "output-cap" } });
    }
  });

  test("without a proof of success keeps the ends of both streams, without secrets", async () => {
    const { outcome } = await attempt(["out:> Half an\nanswer\n", `err:key ${secrets.KIRO_API_KEY}\nbad\n`, "exit:0"], {
      streamJson: false,
    });
    expect(outcome).toEqual({
      kind: "failed",
      calledTools: false,
      failure: {
        class: "crash",
        blamesSession: false,
        error:
          "Kiro gave no answer: it ended with code 0; stdout: > Half an / answer; stderr: key [removed: KIRO_API_KEY] / bad (kiro-cli 2.29.0)",
      },
    });
  });

  test("that was killed does not put the blame on its conversation", async () => {
    const { outcome } = await attempt(["sleep:60000"], { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ failure: { class: "crash", blamesSession: false } });
  });

  test("that cannot be started names what is missing", async () => {
    const { outcome } = await attempt([], { program: "/nowhere/kiro-cli" });
    expect(outcome).toMatchObject({ failure: { class: "agent-missing" } });
  });

  test("with tools and without words has answered; with neither it has not", async () => {
    const empty = event("runFinished", { sessionId: "s1", status: "success", finalText: "" });
    expect((await attempt([session("s1"), tool, empty])).outcome).toMatchObject({ kind: "answered", text: "" });
    expect((await attempt([session("s1"), empty])).outcome).toMatchObject({
      kind: "failed",
      failure: { class: "crash", error: expect.stringContaining("empty answer") },
    });
  });

  test("news of the agent or a limit in the events counts", async () => {
    const gone = event("_kiro.dev/agent/not_found", { name: "nanoclaw-main" });
    expect((await attempt([session("s1"), gone, chunk("Hi"), finished])).outcome).toMatchObject({
      failure: { class: "agent-missing" },
    });
    const limit = event("_kiro.dev/error/rate_limit", { message: "slow down" });
    const failed = event("runError", { stage: "prompt", message: "Internal error" });
    expect((await attempt([session("s1"), limit, failed, "exit:1"])).outcome).toMatchObject({
      failure: { class: "limit-reached" },
    });
  });
});
