import { defineConfig } from "vitest/config";

/** Where CI wants the results as JSON; `.ci/run` counts them and fails on tests that never ran. */
const report = process.env["TEST_REPORT"];

/** Turns in real containers: a suite of its own, since it needs an engine (`npm run test:containers`). */
const containers = process.env["CONTAINERS"] === undefined ? ["test/containers/**"] : [];

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "container/agent-runner/**/*.test.ts", "test/**/*.test.ts", "scripts/**/*.test.ts"],
    exclude: ["**/node_modules/**", ...containers],
    testTimeout: 20_000,
    pool: "forks",
    // Most tests wait for processes: one worker per core is too few where there are two.
    maxWorkers: 2,
    // An unhandled rejection is an error of the run, and output of tests that passed is noise.
    dangerouslyIgnoreUnhandledErrors: false,
    silent: "passed-only",
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["dot"],
  },
});
