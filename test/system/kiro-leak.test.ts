import { describe } from "vitest";
import { describeLeaks, type LeakSite } from "./kiro-leak-campaign.ts";
import { newPerson, openKiroSite, withKey } from "./kiro-site.ts";

/** The gate sets more. */
const turns = Number(process.env["LEAK_TURNS"] ?? 10);

const open = async (version: string): Promise<LeakSite> => {
  const person = newPerson({ version });
  // A restart waits for the turns that run: one that is cut off would be another test.
  const site = await openKiroSite(person, { settings: { ...withKey.settings, NANOCLAW_STOP_BUDGET: "60000" } });
  return {
    site,
    [Symbol.asyncDispose]: async () => {
      await site[Symbol.asyncDispose]();
      person[Symbol.dispose]();
    },
  };
};

describe.concurrent("two groups on one machine", () => {
  describeLeaks("V2 without containers", { turns, open: () => open("2.29.0") });
  describeLeaks("V1 without containers", { turns, open: () => open("2.5.0") });
});
