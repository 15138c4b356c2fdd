import { describe } from "vitest";
import { describeCrashes } from "./crash-campaign.ts";
import { until } from "./crash-site.ts";

/** How many random kills; the gate sets more. */
const kills = Number(process.env["CRASH_KILLS"] ?? 4);

describe.runIf(process.platform === "linux")("turns as processes of this machine", () => {
  describeCrashes({
    settings: { NANOCLAW_AGENT_RUNTIME: "host" },
    kills,
    untilNoneLeft: (site) => until(() => site.leftOver().length === 0),
  });
});
