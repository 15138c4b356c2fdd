import { expect, it } from "vitest";
import { countTests, failureTexts, reportSchema } from "./count-tests.ts";

const run = (root: string, tests: Record<string, string>, status = "passed") => ({
  root,
  report: reportSchema.parse({
    testResults: [
      {
        name: `${root}/src/a.test.ts`,
        status,
        assertionResults: Object.entries(tests).map(([fullName, result]) => ({ fullName, status: result })),
      },
    ],
  }),
});

it("counts a test once over two runs and lets one run stand in for the other's skip", () => {
  const count = countTests([
    run("/a", { both: "passed", onlyAsRoot: "passed", onlyAsUser: "skipped" }),
    run("/b/c", { both: "passed", onlyAsRoot: "skipped", onlyAsUser: "passed" }),
  ]);
  expect(count).toEqual({ passed: 3, failed: [], neverRan: [] });
});

it("takes a test that failed in one run for failed", () => {
  const count = countTests([run("/a", { one: "passed" }), run("/b", { one: "failed" }, "failed")]);
  expect(count).toEqual({ passed: 0, failed: ["src/a.test.ts > one"], neverRan: [] });
});

it.each(["skipped", "pending", "todo"])("names a test that was %s in every run", (status) => {
  expect(countTests([run("/a", { one: status })]).neverRan).toEqual(["src/a.test.ts > one"]);
});

it("counts a file that could not be loaded", () => {
  expect(countTests([run("/a", {}, "failed")]).failed).toEqual(["src/a.test.ts (the file itself)"]);
});

it("knows a test again that gives the reason for its skip in its name", () => {
  const skipped = "a full disk (skipped: only root can mount a file system) is survived";
  const count = countTests([
    run("/a", {
      "a full disk is survived": "passed",
      "containers (skipped: no engine) needs a container engine": "skipped",
    }),
    run("/b", { [skipped]: "skipped", "containers answer": "passed" }),
  ]);
  expect(count).toEqual({ passed: 2, failed: [], neverRan: [] });
});

it("names the suite that had no engine in any run", () => {
  const name = "containers (skipped: no engine) needs a container engine";
  expect(countTests([run("/a", { [name]: "skipped" })]).neverRan).toEqual([
    "src/a.test.ts > containers needs a container engine",
  ]);
});

it("tells what a failed test said, and no more of it than asked for", () => {
  const report = reportSchema.parse({
    testResults: [
      {
        name: "/a/src/a.test.ts",
        status: "failed",
        message: "",
        assertionResults: [
          { fullName: "one", status: "failed", failureMessages: ["expected 1\nto be 2\nat line 3"] },
          { fullName: "two", status: "passed", failureMessages: [] },
        ],
      },
      { name: "/a/src/b.test.ts", status: "failed", message: "cannot be loaded", assertionResults: [] },
    ],
  });
  expect(failureTexts([report], 3)).toEqual(["one\nexpected 1\nto be 2", "cannot be loaded"]);
});
