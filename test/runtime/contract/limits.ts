import { describe, expect, test } from "vitest";
import { createPlace } from "../place.ts";
import type { RuntimeUnderTest } from "../runtime-under-test.ts";

const MIB = 1024 * 1024;

export function describeLimits(under: RuntimeUnderTest): void {
  describe("limits", () => {
    test("a runner that falls silent is ended", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("never-answers"), { limits: { silence: 3_000 } });
      const result = await run.result;
      expect(result).toEqual({
        answer: undefined,
        failure: { class: "silence", detail: "no frame for 3000 ms" },
        ended: null,
      });
      expect(run.frames).toEqual([{ type: "text", text: "thinking" }]);
    });

    test("a runner that talks for ever is ended when the whole turn's time is over", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("talks-for-ever"), { limits: { whole: 3_000 } });
      expect(await run.result).toMatchObject({ failure: { class: "timeout", detail: "no answer after 3000 ms" } });
    });

    test.each([
      ["stdout", ["1", "lines"]],
      ["stdout in a single line", ["1", "one-line"]],
      ["stderr", ["2", "lines"]],
    ])("a flood of 1 GB on %s ends the reading and the run", async (_where, args) => {
      await using place = createPlace();
      const before = process.resourceUsage().maxRSS;
      const run = await place.start(under.scripted("floods", ...args), { limits: { outputBytes: 10 * MIB } });
      expect(await run.result).toEqual({
        answer: undefined,
        failure: { class: "output-cap", detail: `more than ${10 * MIB} bytes of output` },
        ended: null,
      });
      expect(place.noted("flooded")).toBeUndefined();
      expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(300);
    });

    test("a journal of 1 GB ends the reading and the run", async () => {
      await using place = createPlace();
      const run = await place.start(under.scripted("floods-the-journal"), { limits: { outputBytes: 10 * MIB } });
      expect(await run.result).toMatchObject({ failure: { class: "output-cap" } });
    });
  });
}
