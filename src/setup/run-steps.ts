import type { Outcome, StepName } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";
import { Cancelled, type Result } from "./ui.ts";

export interface Run {
  results: Result[];
  /** Where the person left. */
  cancelled: StepName | undefined;
}

/** One step after the other; one that fails keeps none from being tried that does without it. */
export async function runSteps(steps: readonly Step[], setup: Setup): Promise<Run> {
  const results: Result[] = [];
  for (const step of steps) {
    setup.ui.begin(step);
    const outcome = await outcomeOf(step, setup, results);
    setup.ui.progress(null);
    if (outcome === "left") return { results, cancelled: step.name };
    const result: Result = { step: step.name, outcome };
    results.push(result);
    setup.ui.ended(result);
  }
  return { results, cancelled: undefined };
}

async function outcomeOf(step: Step, setup: Setup, before: readonly Result[]): Promise<Outcome | "left"> {
  const { interrupted } = setup.terminal;
  try {
    const state = await step.look(setup);
    if (interrupted.aborted) return "left";
    const outcome = withoutWork(state, before) ?? (await step.run(setup));
    return interrupted.aborted && outcome.status !== "done" ? "left" : outcome;
  } catch (error) {
    if (error instanceof Cancelled || interrupted.aborted) return "left";
    return { status: "failed", detail: error instanceof Error ? error.message : String(error) };
  }
}

/** What a look alone decides; undefined: there is something to do. */
export function withoutWork(state: State, before: readonly Result[]): Outcome | undefined {
  switch (state.kind) {
    case "done":
      return { status: "done", detail: state.detail };
    case "todo":
      return undefined;
    case "impossible": {
      const { detail, cure, waitsFor } = state;
      const rest = { detail, ...(cure !== undefined && { cure }) };
      // What is missing was told by the step that is missing.
      const isTold = before.some(({ step, outcome }) => step === waitsFor && outcome.status !== "done");
      return isTold
        ? { status: "skipped", detail: `waits for: ${waitsFor ?? ""} (${detail})` }
        : { status: "failed", ...rest };
    }
    default:
      return state satisfies never;
  }
}
