import { expect } from "vitest";
import { homePaths, installId } from "../../src/home.ts";
import { describeCrashes } from "../system/crash-campaign.ts";
import { until } from "../system/crash-site.ts";
import { describeContainers } from "./engine.ts";

/** How many random kills; the gate sets more. */
const kills = Number(process.env["CRASH_KILLS"] ?? 5);

await describeContainers("turns in containers", (engine) => {
  describeCrashes({
    settings: engine.settings(engine.image),
    kills,
    untilNoneLeft: async (site) => {
      const install = installId(homePaths(site.config.home));
      await until(async () => (await engine.containersOf(install)).length === 0);
      await until(() => site.leftOver().length === 0);
      await engine.removeAll(install);
      expect(await engine.containersOf(install)).toEqual([]);
    },
  });
});
