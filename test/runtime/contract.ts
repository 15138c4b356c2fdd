import { describe } from "vitest";
import { describeAdoption } from "./contract/adoption.ts";
import { describeEnding } from "./contract/ending.ts";
import { describeFrames } from "./contract/frames.ts";
import { describeHandshake } from "./contract/handshake.ts";
import { describeLimits } from "./contract/limits.ts";
import type { RuntimeUnderTest } from "./runtime-under-test.ts";

/** Suites for every runtime; generous in time, since none of them measures any. */
export function describeRuntimeContract(name: string, runtime: RuntimeUnderTest): void {
  describe(`the ${name} runtime`, { timeout: 90_000 }, () => {
    describeHandshake(runtime);
    describeFrames(runtime);
    describeLimits(runtime);
    describeEnding(runtime);
    describeAdoption(runtime);
  });
}
