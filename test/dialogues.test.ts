import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseDialogues } from "./dialogues/parse-dialogues.ts";
import { play } from "./dialogues/play.ts";

const dialogues = parseDialogues(readFileSync(new URL("./fixtures/dialogues.md", import.meta.url), "utf8"));
const titled = dialogues.map((dialogue) => [dialogue.title, dialogue] as const);

describe("dialogues with the offline assistant", () => {
  test("there are at least 30 of them", () => {
    expect(dialogues.length).toBeGreaterThanOrEqual(30);
  });

  describe.each(["UTC", "Pacific/Auckland"])("on a host in the zone %s", (hostZone) => {
    test.each(titled)("%s", async (_title, dialogue) => {
      await play(dialogue, hostZone);
    });
  });
});
