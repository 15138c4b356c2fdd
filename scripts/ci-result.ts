// Prints the last line of .ci/run. Arguments: number of failed steps, then for each run of the
// tests the folder it ran in and its report.
import { readFileSync } from "node:fs";
import { countTests, failureTexts, reportSchema } from "./count-tests.ts";

const [steps, ...rest] = process.argv.slice(2);
const runs = rest.flatMap((path, index) =>
  index % 2 === 0 ? [] : [{ root: rest[index - 1] ?? "", report: read(path) }],
);
const { passed, failed, neverRan } = countTests(runs);
for (const text of failureTexts(
  runs.map(({ report }) => report),
  20,
)) {
  process.stdout.write(`${text}\n`);
}
for (const name of failed) process.stdout.write(`failed: ${name}\n`);
for (const name of neverRan) process.stdout.write(`skipped, which counts as failed here: ${name}\n`);
const tests = failed.length + neverRan.length;
// A step that fails without a failed test (lint, types, an unhandled rejection) must show in the line, too.
const failures = tests > 0 ? tests : Number(steps);
process.stdout.write(`${passed} passed, ${failures} failed\n`);
process.exitCode = failures > 0 || Number(steps) > 0 || passed === 0 ? 1 : 0;

function read(path: string) {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (error) {
    const message = `no report of the tests: ${(error as Error).message}`;
    return { testResults: [{ name: path, status: "failed", message, assertionResults: [] }] };
  }
}
