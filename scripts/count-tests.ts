import { z } from "zod";

/** What we read of vitest's JSON report. */
export const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().default(""),
      assertionResults: z.array(
        z.object({ fullName: z.string(), status: z.string(), failureMessages: z.array(z.string()).default([]) }),
      ),
    }),
  ),
});
export type TestReport = z.infer<typeof reportSchema>;

export interface TestCount {
  passed: number;
  failed: string[];
  /** Skipped in every run: nobody knows whether they pass. */
  neverRan: string[];
}

/** The name without the reason for which a suite was skipped in one of the runs. */
const bare = (name: string): string => name.replace(/ \(skipped: [\s\S]*?\)(?= |$)/, "");

/** What stands for a whole suite where there is no engine; the suite itself has other tests. */
const PLACEHOLDER = / needs a container engine$/;

/**
 * Counts each test once over several runs of the same suite (as root, as a plain user): it passes
 * when it ran at least once and never failed.
 */
export function countTests(runs: { root: string; report: TestReport }[]): TestCount {
  const seen = new Map<string, Set<string>>();
  const note = (name: string, status: string) => seen.set(name, (seen.get(name) ?? new Set()).add(status));
  for (const { root, report } of runs) {
    for (const file of report.testResults) {
      const path = file.name.startsWith(`${root}/`) ? file.name.slice(root.length + 1) : file.name;
      for (const { fullName, status } of file.assertionResults) note(`${path} > ${bare(fullName)}`, status);
      if (file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed")) {
        note(`${path} (the file itself)`, "failed");
      }
    }
  }
  const named = (wanted: (statuses: Set<string>) => boolean) =>
    [...seen].flatMap(([name, statuses]) => (wanted(statuses) ? [name] : []));
  return {
    passed: named((statuses) => statuses.has("passed") && !statuses.has("failed")).length,
    failed: named((statuses) => statuses.has("failed")),
    neverRan: named((statuses) => !statuses.has("passed") && !statuses.has("failed")).filter(
      (name) => !PLACEHOLDER.test(name) || !hasRun(seen, name.replace(PLACEHOLDER, "")),
    ),
  };
}

/** Some test of that suite has run. */
const hasRun = (seen: Map<string, Set<string>>, suite: string): boolean =>
  [...seen].some(
    ([name, statuses]) => name.startsWith(`${suite} `) && (statuses.has("passed") || statuses.has("failed")),
  );

/** What each failed test said, at most `lines` lines of it: the end of a long log is often all that is kept. */
export function failureTexts(reports: TestReport[], lines: number): string[] {
  return reports
    .flatMap(({ testResults }) => testResults)
    .flatMap(({ message, assertionResults }) => {
      const said = assertionResults.filter(({ status }) => status === "failed");
      return said.length > 0 ? said.map((test) => [test.fullName, ...test.failureMessages].join("\n")) : [message];
    })
    .filter((text) => text !== "")
    .map((text) => text.split("\n").slice(0, lines).join("\n"));
}
