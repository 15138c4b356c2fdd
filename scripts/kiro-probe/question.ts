import type { Facts, Lab } from "./lab.ts";
import { troublesOf, type Run, type Way } from "./runs.ts";

export type Runs = readonly [Run, ...Run[]];

export interface Question {
  id: string;
  asks: string;
  /** What rests on the answer, with the section of kiro-cli.md. */
  why: string;
  /** How many it sends at most. */
  prompts: number;
  /** It is asked only when named. */
  optional?: true;
  /** Failing at the account is what it is about. */
  troubles?: true;
  /** It can be asked without a login. */
  free?: true;
  /** Its output is shown whole. */
  whole?: true;
  /** Why it cannot be asked of this kiro-cli; undefined when it can. */
  unless?(facts: Facts): string | undefined;
  /** Without this it looks back at the runs of all others. */
  ask?(lab: Lab, facts: Facts): Promise<Run[]>;
  /** Pure. */
  judge(runs: Runs, facts: Facts): string;
}

export const expected = (what: string): string => `as expected: ${what}`;
export const different = (what: string): string => `different: ${what}`;
export const unclear = (what: string): string => `could not tell: ${what}`;
export const judged = (good: boolean, what: string): string => (good ? expected(what) : different(what));

/** What goes wrong in the same way everywhere is told before the question's own judgement. */
export function verdictOf(question: Question, [first, ...others]: readonly Run[], facts: Facts): string {
  if (first === undefined) return unclear("nothing was run");
  const runs: Runs = [first, ...others];
  if (!question.ask) return question.judge(runs, facts);
  if (runs.some(({ ended }) => ended === "interrupted")) return unclear("the probe was interrupted");
  const trouble = runs.flatMap(troublesOf).find((said) => !/MCP|failed to load/i.test(said));
  if (trouble && !question.troubles) return unclear(`it said ${trouble}`);
  const hung = runs.find(({ ended }) => ended === "limit");
  if (hung && !question.troubles)
    return different(`“${hung.name}” did not end by itself within ${Math.round(hung.ms / 1000)} s`);
  return question.judge(runs, facts);
}

export const named = (runs: Runs, name: string): Run | undefined => runs.find((run) => run.name === name);

/** For a question about one of the forms: why it cannot be asked. */
export const needs =
  (name: string) =>
  ({ ways }: Facts): string | undefined =>
    ways.some((way) => way.name === name) ? undefined : "this version does not know the form";
export const wayOf = ({ ways, main }: Facts, name: string): Way => ways.find((way) => way.name === name) ?? main;

export const needsStream = ({ main }: Facts): string | undefined =>
  main.stream ? undefined : "this version has no stream-json, and so names no session";
