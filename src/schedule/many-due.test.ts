import { expect, test } from "vitest";
import { fireTasks } from "../../test/due-tasks.ts";

test("ten thousand tasks that are due over an hour fire once each, and none of them late (D39)", async () => {
  const { runs, lateness } = await fireTasks({ tasks: 10_000, groups: 50, runMs: 1_000, limit: 5 });
  expect(runs.size).toBe(10_000);
  expect([...runs.values()].filter((times) => times !== 1)).toEqual([]);
  // In simulated time: how busy this machine is does not matter.
  expect(Math.max(...lateness)).toBeLessThan(5_000);
}, 300_000);
