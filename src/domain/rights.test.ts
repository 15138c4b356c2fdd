import { toolNames } from "@nanoclaw/agent-runner/protocol";
import { describe, expect, test } from "vitest";
import { folderOf } from "../../test/ledger-kit.ts";
import { actsOutside, judgeRequest } from "./rights.ts";

const [main, family, work] = ["main", "family", "work"].map(folderOf) as [never, never, never];

describe("what a group's agent may do", () => {
  const table: [string, Omit<Parameters<typeof judgeRequest>[0], "tool">, boolean][] = [
    ["a group on its own chat", { caller: family, chatFolder: family, otherChat: false }, true],
    ["a group on another chat of its own", { caller: family, chatFolder: family, otherChat: true }, true],
    ["a group on another group's chat", { caller: family, chatFolder: work, otherChat: true }, false],
    ["a group on main's chat", { caller: family, chatFolder: main, otherChat: true }, false],
    ["a turn whose chat has moved to another group", { caller: family, chatFolder: work, otherChat: false }, false],
    ["a group on its own task", { caller: family, chatFolder: family, otherChat: false, taskFolder: family }, true],
    ["a group on another's task", { caller: family, chatFolder: family, otherChat: false, taskFolder: work }, false],
    ["main on its own chat", { caller: main, chatFolder: main, otherChat: false }, true],
    ["main on any chat", { caller: main, chatFolder: family, otherChat: true }, true],
    ["main on any task", { caller: main, chatFolder: main, otherChat: false, taskFolder: family }, true],
    ["main on a chat that nobody registered", { caller: main, chatFolder: undefined, otherChat: true }, false],
    ["a group on a chat that nobody registered", { caller: family, chatFolder: undefined, otherChat: true }, false],
  ];
  test.each(table)("%s", (_name, facts, allowed) => {
    for (const tool of toolNames) {
      const ruling = judgeRequest({ ...facts, tool });
      expect(ruling.allowed).toBe(allowed);
      if (!ruling.allowed) expect(ruling.reason).not.toBe("");
    }
  });
});

test("a turn that sent or scheduled something has acted; one that only looked has not", () => {
  expect(toolNames.filter(actsOutside).sort()).toEqual(["cancel_task", "schedule_task", "send_file", "send_message"]);
});
