import { describe, expect, test } from "vitest";
import type { Outcome } from "./outcome.ts";
import { runSteps, withoutWork } from "./run-steps.ts";
import type { Setup, Step } from "./step.ts";
import { Cancelled } from "./ui.ts";

const silent = { begin: () => {}, progress: () => {}, ended: () => {} };
const setup = (interrupted = new AbortController().signal) =>
  ({ ui: silent, terminal: { interrupted } }) as unknown as Setup;
const step = (name: Step["name"], run: () => Promise<Outcome>): Step => ({
  ...{ name, title: name, run },
  look: () => Promise.resolve({ kind: "todo", detail: "" }),
});
const done: Outcome = { status: "done", detail: "" };

describe("one step after the other", () => {
  test("a step that fails keeps none from being tried", async () => {
    const steps = [
      step("engine", () => Promise.reject(new Error("no room"))),
      step("mounts", () => Promise.resolve(done)),
    ];
    const { results, cancelled } = await runSteps(steps, setup());
    expect(results.map(({ outcome }) => outcome)).toEqual([{ status: "failed", detail: "no room" }, done]);
    expect(cancelled).toBeUndefined();
  });

  test("whoever leaves is not asked again, and what was done before is told", async () => {
    const steps = [
      step("mounts", () => Promise.resolve(done)),
      step("kiro", () => Promise.reject(new Cancelled())),
      step("test", () => Promise.reject(new Error("not to be tried"))),
    ];
    expect(await runSteps(steps, setup())).toEqual({
      results: [{ step: "mounts", outcome: done }],
      cancelled: "kiro",
    });
  });

  test("a step that was interrupted and failed for that is no failure", async () => {
    const over = new AbortController();
    const steps = [
      step("whatsapp", () => {
        over.abort();
        return Promise.reject(new Error("Not linked. Interrupted."));
      }),
    ];
    expect(await runSteps(steps, setup(over.signal))).toEqual({ results: [], cancelled: "whatsapp" });
  });
});

describe("what cannot be done", () => {
  const state = { kind: "impossible", detail: "no engine", cure: "start it", waitsFor: "engine" } as const;
  const failed = { step: "engine", outcome: { status: "failed", detail: "" } } as const;

  test("is a failure by itself, and waits where its cause was told already", () => {
    expect(withoutWork(state, [])).toEqual({ status: "failed", detail: "no engine", cure: "start it" });
    expect(withoutWork(state, [failed])).toEqual({ status: "skipped", detail: "waits for: engine (no engine)" });
    expect(withoutWork(state, [{ ...failed, outcome: done }])).toMatchObject({ status: "failed" });
  });
});
