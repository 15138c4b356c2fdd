import type { Capabilities } from "./capabilities.ts";
import type { Resume } from "./resume.ts";

export interface CommandFacts {
  /** Kiro's name of the agent. */
  agent: string;
  model: string | null;
  resume: Resume;
}

/** The first of the names that this kiro-cli knows, as arguments; nothing when it knows none. */
const flag = ({ flags }: Capabilities, names: readonly string[], ...values: string[]): string[] => {
  const known = names.find((name) => flags.includes(name));
  return known === undefined ? [] : [known, ...values];
};

/**
 * `chat` for one turn; the prompt comes on stdin. The engine is named wherever it can be: one that
 * is not named changes with an update. V2 with its event stream where there is one, else classic,
 * whose footer proves success.
 */
export function commandLine(capabilities: Capabilities, { agent, model, resume }: CommandFacts): string[] {
  const { streamJson, engines } = capabilities;
  return [
    "chat",
    ...flag(capabilities, ["--no-interactive", "--non-interactive"]),
    ...flag(capabilities, ["--trust-all-tools"]),
    ...flag(capabilities, ["--wrap"], "never"),
    ...flag(capabilities, ["--agent"], agent),
    ...(resume.kind === "newest" ? flag(capabilities, ["--resume"]) : []),
    ...(resume.kind === "id" ? flag(capabilities, ["--resume-id"], resume.id) : []),
    ...(model === null ? [] : flag(capabilities, ["--model"], model)),
    ...((streamJson ? engines.v2 : engines.classic) ?? []),
    ...(streamJson ? ["--output-format", "stream-json"] : []),
  ];
}
