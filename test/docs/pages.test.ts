import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPage, stepsOf, type OpenPage, type Step } from "./page.ts";
import { pages } from "./pages.ts";

const LIMIT_MS = 120_000;

for (const { path, markdown } of pages()) {
  const steps = stepsThatRun(path, markdown);
  if (steps.length === 0) continue;
  describe.concurrent(path, { timeout: LIMIT_MS }, () => {
    let page: OpenPage | undefined;
    beforeAll(async () => {
      page = await openPage(steps);
    }, LIMIT_MS);
    afterAll(async () => {
      await using opened = page;
      expect((await opened?.end()) ?? []).toEqual([]);
    }, LIMIT_MS);
    for (const step of steps) {
      it.sequential(step.name, async () => {
        expect(await page?.run(step)).toBeUndefined();
      });
    }
  });
}

/** A page that cannot be read is one failure (named-commands.test.ts), not the end of all. */
function stepsThatRun(path: string, markdown: string): Step[] {
  try {
    return stepsOf(path, markdown).filter(({ words }) => words["engine"] === undefined);
  } catch {
    return [];
  }
}
