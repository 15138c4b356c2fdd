import { expect, test } from "vitest";
import { turnInput } from "../test/turn-input.ts";
import type { Backend } from "./backends/backend.ts";
import type { FrameBody } from "./protocol/index.ts";
import { runTurn } from "./run-turn.ts";

function stage(backend: Backend, stop = new AbortController()) {
  const frames: FrameBody[] = [];
  const done = runTurn(turnInput({ session: "s1" }), {
    loadBackend: () => Promise.resolve(backend),
    connectTools: () => Promise.reject(new Error("no tools here")),
    frames: { write: (body) => void frames.push(body) },
    now: () => 0,
    signal: stop.signal,
  });
  return { frames, done };
}

test("a throw in a backend is an answer of class crash that keeps the session", async () => {
  const { frames, done } = stage({ run: () => Promise.reject(new TypeError("oops")) });
  expect(await done).toBe(true);
  expect(frames[0]).toEqual({
    type: "answer",
    answer: { status: "error", class: "crash", error: "TypeError: oops", session: "s1" },
  });
  expect(frames.at(-1)).toEqual({ type: "closed" });
});

test("what a backend emits comes before its answer", async () => {
  const { frames, done } = stage({
    run(_turn, context) {
      context.emit({ type: "text", text: "thinking" });
      return Promise.resolve({ status: "ok", text: "done", session: null });
    },
  });
  await done;
  expect(frames.map((frame) => frame.type)).toEqual(["text", "answer", "log", "closed"]);
});

test("a backend that was stopped has no answer, whatever it returns", async () => {
  const stop = new AbortController();
  const { frames, done } = stage(
    {
      run(_turn, context) {
        stop.abort();
        context.emit({ type: "text", text: "late" });
        return Promise.resolve({ status: "ok", text: "half", session: null });
      },
    },
    stop,
  );
  expect(await done).toBe(false);
  expect(frames).toEqual([]);
});
