import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { memoryToolHost } from "./dialogues/memory-tool-host.ts";
import { parseDialogues } from "./dialogues/parse-dialogues.ts";
import { play } from "./dialogues/play.ts";

const dialogues = parseDialogues(readFileSync(new URL("./fixtures/dialogues.md", import.meta.url), "utf8"));

describe("dialogues with the offline assistant", () => {
  test("there are at least 30 of them", () => {
    expect(dialogues.length).toBeGreaterThanOrEqual(30);
  });

  test.each(dialogues.map((dialogue) => [dialogue.title, dialogue] as const))("%s", async (_title, dialogue) => {
    await play(dialogue, memoryToolHost);
  });
});
