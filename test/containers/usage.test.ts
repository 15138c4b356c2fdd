import { describe, expect, test } from "vitest";
import { homePaths, installId } from "../../src/home.ts";
import { openSite, type SiteOptions } from "../system/site.ts";
import { describeContainers } from "./engine.ts";

/** Resolves to what the chat is told of a turn that writes without end. */
async function fill(options: SiteOptions): Promise<{ said: string[]; install: string }> {
  await using site = await openSite({ ...options, scripted: true });
  site.behave("fills");
  const said = await site.answered(await site.say("go"));
  return { said, install: installId(homePaths(site.home)) };
}

const tooLarge = [
  expect.stringMatching(/^I stopped: the files of this group take .* MiB, and may take 5\.0 MiB\. Delete/),
];
const tooFull = [expect.stringMatching(/^I stopped: the disk of the machine has .* must stay free\. Free some space/)];
const limits = { NANOCLAW_GROUP_SIZE: "5MiB" };
const floor = { NANOCLAW_FREE_DISK: "900000GiB" };

describe("a turn on the host that fills the disk is ended, and its chat told what to do", { timeout: 60_000 }, () => {
  test("at its group's limit", async () => {
    expect((await fill({ settings: limits })).said).toEqual(tooLarge);
  });

  test("at the free space that must stay", async () => {
    expect((await fill({ settings: floor })).said).toEqual(tooFull);
  });
});

await describeContainers(
  "a turn in a container that fills the disk is ended, and its chat told what to do",
  (engine) => {
    test.each([
      ["at its group's limit", limits, tooLarge],
      ["at the free space that must stay", floor, tooFull],
    ])("%s", async (_, settings, expected) => {
      const { said, install } = await fill({ settings: { ...engine.settings(await engine.ways()), ...settings } });
      expect(said).toEqual(expected);
      expect(await engine.containersOf(install)).toEqual([]);
      await engine.removeAll(install);
    });
  },
);
