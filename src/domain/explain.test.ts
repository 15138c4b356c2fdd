import { describe, expect, test } from "vitest";
import { storyState, tellStory, type Story, type StoryState } from "./explain.ts";

const noon = Date.UTC(2026, 10, 22, 11, 0, 0);
const turn: NonNullable<Story["turn"]> = {
  ...{ status: "answered", dueAt: noon, attempts: 1, startedAt: noon, endedAt: noon + 2_000, failure: null },
};
const story = (changes: Partial<Story> = {}): Story => ({
  message: { sentAt: noon, receivedAt: noon, decision: "wakes", reason: "trigger" },
  turn: undefined,
  replies: 0,
  busyWith: null,
  zone: "Europe/Berlin",
  ...changes,
});
const decided = (decision: "ignored" | "context", reason: string) => ({
  message: { sentAt: noon, receivedAt: noon, decision, reason },
});

describe("why there was, or was no, answer", () => {
  test.each<[string, Story, StoryState, RegExp]>([
    ["ignored", story(decided("ignored", "empty")), "ignored", /not answered, because it has neither text nor a file/],
    ["context", story(decided("context", "no-trigger")), "context", /kept as context, because .* trigger/],
    ["waits for a slot", story(), "waiting", /waits for a free slot/],
    ["waits for its folder", story({ busyWith: "the group is busy" }), "waiting", /It waits: the group is busy\./],
    [
      "waits for a retry",
      story({ turn: { ...turn, status: "queued", attempts: 2, failure: "crash: boom", endedAt: null } }),
      "waiting",
      /attempt 3, due Sun 22 Nov 2026, 12:00:00 \(Europe\/Berlin\)\.\nLast failure: crash: boom\./,
    ],
    ["runs", story({ turn: { ...turn, status: "running", endedAt: null } }), "running", /being answered \(attempt 1/],
    ["answered", story({ turn, replies: 2 }), "answered", /Answered Sun .* with 2 messages\./],
    ["answered with one", story({ turn, replies: 1 }), "answered", /with 1 message\./],
    ["answered with silence", story({ turn }), "answered", /the agent had nothing to say/],
    [
      "given up",
      story({ turn: { ...turn, status: "failed", attempts: 6, failure: "crash: boom" } }),
      "failed",
      /Given up .* after 6 attempts\.\nLast failure: crash: boom\./,
    ],
    ["cut off", story({ turn: { ...turn, status: "interrupted" } }), "failed", /Cut off .* not repeated by itself/],
    ["stopped", story({ turn: { ...turn, status: "cancelled" } }), "failed", /Stopped Sun 22 Nov/],
  ])("%s", (_name, told, state, words) => {
    expect(storyState(told)).toBe(state);
    expect(tellStory(told).join("\n")).toMatch(words);
    expect(tellStory(told)[0]).toBe("Received Sun 22 Nov 2026, 12:00:00 (Europe/Berlin).");
  });
});
