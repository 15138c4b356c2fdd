import type { End, Result } from "./ui.ts";

export const AGAIN = "npm run nanoclaw -- setup";

export const isFine = ({ outcome }: Result): boolean => outcome.status === "done" || outcome.status === "skipped";

/** What helps, as far as it is known. */
export function cureOf({ step, outcome }: Result): string | undefined {
  if (outcome.status === "done") return undefined;
  if (outcome.status === "needs") return `${AGAIN} --only ${step} ${outcome.flag}`;
  return outcome.cure;
}

/** What a person is told at the end. */
export const summaryLines = (end: End): string[] => [...courseLines(end), ...end.left];

function courseLines({ results, cancelled, left }: End): string[] {
  const named = (wanted: (result: Result) => boolean) => results.filter(wanted).map(({ step }) => step);
  const done = named(({ outcome }) => outcome.status === "done");
  const open = named((result) => !isFine(result));
  const doneWords = done.length > 0 ? `Done: ${done.join(", ")}.` : "Nothing was done yet.";
  if (cancelled !== undefined) return [`Stopped at ${cancelled}. ${doneWords} The same command goes on: ${AGAIN}`];
  if (open.length > 0) return [`${doneWords} Not done: ${open.join(", ")}. The same command goes on: ${AGAIN}`];
  if (left.length > 0) return [doneWords];
  return [`${doneWords} Nothing is left to do.`, ...next(results)];
}

const next = (results: readonly Result[]): string[] => {
  const hasTest = results.some(({ step, outcome }) => step === "test" && outcome.status === "done");
  return hasTest ? ["Talk to it: npm run nanoclaw -- chat"] : [];
};
