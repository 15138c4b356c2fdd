import { describe, expect, test } from "vitest";
import {
  helpText,
  statusText,
  stopText,
  tasksText,
  whyText,
  type StatusFacts,
  type TaskLine,
} from "./console-words.ts";

const now = Date.UTC(2026, 10, 22, 17, 0, 0);
const zone = "Europe/Berlin";
const minute = 60_000;
const task = (changes: Partial<TaskLine> = {}): TaskLine => ({
  ...{ where: null, id: "task-1", nextRun: now + minute, paused: false, repeats: false, prompt: "stretch" },
  ...changes,
});
const quiet: StatusFacts = {
  ...{ assistantName: "Andy", zone, now, startedAt: now - 26 * 60 * minute, unsent: 0, lastFailure: undefined },
  ...{ channels: [], running: [], waiting: [], tasks: [] },
};

describe("what the console says", () => {
  test("of a host that has nothing to do", () => {
    expect(statusText(quiet)).toBe(
      "**Andy** runs since Sat 21 Nov, 16:00 (Europe/Berlin).\nNothing runs.\nNothing waits.",
    );
  });

  test("of one that has, in the chat's zone", () => {
    const channel = { name: "whatsapp", connected: true, detail: "", since: now - 5 * minute };
    expect(
      statusText({
        ...quiet,
        channels: [channel, { ...channel, connected: false, detail: "not linked yet: npm run auth" }],
        running: [{ where: "Family", kind: "task", since: now - 3 * minute }],
        waiting: [
          { where: null, dueAt: null, reason: null },
          { where: null, dueAt: now + minute, reason: "logged-out" },
        ],
        tasks: [task({ repeats: true }), task({ nextRun: null }), task({ paused: true })],
        unsent: 2,
        lastFailure: { where: "Family", what: "timeout", at: now - minute },
      }).split("\n"),
    ).toEqual([
      "**Andy** runs since Sat 21 Nov, 16:00 (Europe/Berlin).",
      "whatsapp: connected since 17:55",
      "whatsapp: not connected (not linked yet: npm run auth)",
      "Running: 1",
      "- Family: a task, for 3 min",
      "Waiting: 2",
      "- for a free place",
      "- tried again 18:01 (logged-out)",
      "Next tasks:",
      "- 18:01, again and again: stretch (`task-1`)",
      "- now: stretch (`task-1`)",
      "- paused: stretch (`task-1`)",
      "Not sent yet: 2",
      "Last failure: Family: timeout, 17:59",
    ]);
  });

  test("is short, however much there is, and other people's words do not format it", () => {
    const many = Array.from({ length: 30 }, () => task({ prompt: `**bold** [x](y)\n# ${"long ".repeat(50)}` }));
    const lines = tasksText(many, { zone, now }).split("\n");
    expect(lines).toHaveLength(22);
    expect(lines[1]).toMatch(/^- 18:01: bold x\(y\) # long [^*[\]]*… \(`task-1`\)$/);
    expect(lines.at(-1)).toBe("- and 10 more");
    expect(tasksText([], { zone, now })).toBe("Nothing is scheduled here.");
  });

  test("of an end names what ended", () => {
    expect(stopText({ ranFor: undefined, waited: 0 })).toBe("Nothing runs or waits here.");
    expect(stopText({ ranFor: 12_400, waited: 0 })).toBe("Stopped: what ran for 12 s.");
    expect(stopText({ ranFor: 3 * 60 * minute, waited: 2 })).toBe(
      "Stopped: what ran for 3 h 0 min and what waited (2).",
    );
  });

  test("of a message shows which one", () => {
    expect(whyText({ text: "> hello\nthere", lines: ["Received.", "Answered."] })).toBe(
      "> hello there\n\nReceived.\nAnswered.",
    );
    expect(whyText({ text: " ", lines: [] })).toContain("(no text)");
    expect(whyText(undefined)).toBe("Nobody has written here yet.");
    expect(helpText(["/help", "/stop"]).split("\n")).toHaveLength(3);
  });
});
