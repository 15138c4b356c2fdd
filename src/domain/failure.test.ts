import { errorClasses, type ErrorClass } from "@nanoclaw/agent-runner/protocol";
import { describe, expect, test } from "vitest";
import { decideAfterFailure, LONGEST_WAIT_MS, type AfterFailure } from "./failure.ts";

const after = (errorClass: ErrorClass, changes: object = {}): AfterFailure =>
  decideAfterFailure({
    ...{
      failure: { class: errorClass, detail: "detail /secret/path" },
      crashes: 1,
      attempts: 1,
      acted: false,
      told: false,
      now: 1_000,
    },
    ...changes,
  });

describe("after a failed attempt", () => {
  test.each(errorClasses)("%s: a turn that has acted is never repeated, and the chat is told how to go on", (cause) => {
    for (const told of [true, false]) {
      const next = after(cause, { acted: true, told });
      expect(next).toMatchObject({ kind: "end", status: "interrupted", say: expect.stringContaining('Say "go on"') });
    }
  });

  test.each([
    ["logged-out", 60_000, "kiro-cli login"],
    ["agent-missing", 600_000, "doctor"],
    ["image-mismatch", 600_000, "doctor"],
    ["limit-reached", 3_600_000, "usage limit"],
    ["engine-down", 30_000, "container engine"],
  ] as const)("%s: waits %i ms and tells once what to do", (cause, step, cure) => {
    expect(after(cause)).toEqual({ kind: "wait", at: 1_000 + step, say: expect.stringContaining(cure) as string });
    expect(after(cause, { told: true })).toEqual({ kind: "wait", at: 1_000 + step, say: null });
  });

  test("an agent's own account is told instead, and its time is kept, within an hour", () => {
    const failure = {
      class: "limit-reached",
      detail: "d",
      say: "Kiro takes no more requests for the moment",
      until: 91_000,
    };
    expect(after("limit-reached", { failure })).toEqual({
      ...{ kind: "wait", at: 91_000 },
      say: "I cannot answer: Kiro takes no more requests for the moment. Your message waits and is answered after that.",
    });
    expect(after("limit-reached", { failure: { ...failure, until: 9e12 } }).kind).toBe("wait");
    expect(after("limit-reached", { failure: { ...failure, until: 9e12 } })).toMatchObject({
      at: 1_000 + LONGEST_WAIT_MS,
    });
    expect(after("limit-reached", { failure: { ...failure, until: 0 } })).toMatchObject({ at: 61_000 });
    expect(after("limit-reached", { failure, attempts: 4 })).toMatchObject({ at: 481_000 });
  });

  test("a limit in the middle of an agent's own work ends the turn: begun anew it would do all that again", () => {
    const failure = { class: "limit-reached", detail: "d", until: 91_000, hasWorked: true };
    expect(after("limit-reached", { failure })).toMatchObject({ kind: "end", status: "interrupted" });
  });

  test.each([
    ["timeout", "CONTAINER_TIMEOUT"],
    ["silence", "NANOCLAW_SILENCE_TIMEOUT"],
    ["output-cap", "CONTAINER_MAX_OUTPUT_SIZE"],
    ["disk", "Free some space"],
  ] as const)("%s: ends with a sentence that names the cure, told or not", (cause, cure) => {
    for (const told of [true, false]) {
      const next = after(cause, { told });
      expect(next).toMatchObject({ kind: "end", status: "failed", say: expect.stringContaining(cure) });
    }
  });

  test("disk: where the cause is known, the chat is told what is full and what frees it", () => {
    const failure = { class: "disk", detail: "detail", cause: "the group is large", cure: "Delete some." };
    expect(after("disk", { failure })).toMatchObject({ say: "I stopped: the group is large. Delete some." });
    expect(after("disk", { failure, acted: true })).toMatchObject({
      say: expect.stringContaining("(the group is large)"),
    });
  });

  test.each([
    [1, 6_000],
    [2, 11_000],
    [3, 21_000],
    [4, 41_000],
    [5, 81_000],
  ])("crash number %i is tried again at %i", (crashes, at) => {
    expect(after("crash", { crashes })).toEqual({ kind: "retry", at });
  });

  test("the sixth crash ends the turn with one honest sentence", () => {
    const next = after("crash", { crashes: 6 });
    expect(next).toMatchObject({ kind: "end", status: "failed", say: expect.stringContaining("6 times") });
  });

  test.each(errorClasses)("%s: the chat never sees the detail, and no wait is longer than the longest", (cause) => {
    for (const acted of [true, false]) {
      const next = after(cause, { acted });
      expect("say" in next ? (next.say ?? "") : "").not.toContain("/secret/path");
      expect("at" in next ? next.at - 1_000 : 0).toBeLessThanOrEqual(LONGEST_WAIT_MS);
    }
  });
});
