import { turnInputSchema, type TurnInput } from "./protocol/index.ts";

export type InputOutcome = { ok: true; input: TurnInput } | { ok: false; problem: string };

/** Problems name fields and never quote values: the input carries credentials. */
export function parseInput(line: string): InputOutcome {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return { ok: false, problem: "the input line is not JSON" };
  }
  const parsed = turnInputSchema.safeParse(json);
  if (parsed.success) return { ok: true, input: parsed.data };
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "input"}: ${issue.message}`);
  return { ok: false, problem: problems.join("; ") };
}
