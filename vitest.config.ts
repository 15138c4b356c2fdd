import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Where CI wants the results as JSON; `.ci/run` counts them and fails on tests that never ran. */
const report = process.env["TEST_REPORT"];

/** Tests with hosts, servers or engines: each file in a process of its own. */
const whole = ["system", "runtime", "whatsapp-server", "docs"].map((folder) => `test/${folder}/**/*.test.ts`);
/** Turns in real containers: a suite of its own, since it needs an engine (`npm run test:containers`). */
const containers = ["test/containers/**/*.test.ts"];

export default defineConfig({
  test: {
    pool: "forks",
    // Most tests wait for processes: one worker per core is too few where there are two.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism() - 1)),
    // An unhandled rejection is an error of the run, and output of tests that passed is noise.
    dangerouslyIgnoreUnhandledErrors: false,
    silent: "passed-only",
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["dot"],
    projects: [
      {
        extends: true,
        test: {
          name: "whole",
          include: process.env["CONTAINERS"] === undefined ? whole : [...whole, ...containers],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: "parts",
          include: [
            "src/**/*.test.ts",
            "container/agent-runner/**/*.test.ts",
            "test/**/*.test.ts",
            "scripts/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", ...whole, ...containers],
          testTimeout: 20_000,
          // They keep nothing in modules: starting a process for each file took longer than most of them.
          isolate: false,
        },
      },
    ],
  },
});
