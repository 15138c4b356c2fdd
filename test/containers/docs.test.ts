import { expect, it } from "vitest";
import { openPage, stepsOf } from "../docs/page.ts";
import { pages } from "../docs/pages.ts";
import { describeContainers } from "./engine.ts";
import { kiroImage } from "./kiro-kit.ts";

const perPage = pages().map(({ path, markdown }) => ({
  path,
  steps: stepsOf(path, markdown).filter(({ words }) => words["engine"] !== undefined),
}));

await describeContainers("commands of the pages", (engine) => {
  it.each(perPage.filter(({ steps }) => steps.length > 0))("$path", async ({ steps }) => {
    const image = await kiroImage(engine);
    await using page = await openPage(steps, { image });
    for (const step of steps) expect({ [step.name]: await page.run(step) }).toEqual({ [step.name]: undefined });
    expect(await page.end()).toEqual([]);
  });
});
