import type { FailureFacts } from "./failures.ts";
import type { Progress } from "./progress.ts";

export interface AttemptOptions {
  program: string;
  args: readonly string[];
  cwd: string;
  env: Record<string, string>;
  prompt: string;
  ownGroup: boolean;
  /** Its answer was asked for as events. */
  streamJson: boolean;
  /** The conversation that was asked for by id; null when any will do. */
  expected: string | null;
  /** A conversation was asked for, and the prompt tells nothing of it: a new one would know nothing. */
  needsMemory: boolean;
  /** What the host lets a turn write. */
  outputBytes: number;
  /** From the end of the turn to the end of its process. */
  overdueMs: number;
  facts: FailureFacts;
  progress: Progress;
  signal: AbortSignal;
}

/** Why a run was ended before its own end. */
export type Cut =
  /** Kiro said something that no waiting makes better. */
  | "hopeless"
  /** It wrote more than a turn may. */
  | "flood"
  /** It is in another conversation than asked for, and nothing is done in it yet. */
  | "other-session"
  /** The turn is over, the process stays. */
  | "overdue";

/** What the readers of both streams share. */
export interface Watch {
  options: AttemptOptions;
  /** A line that is Kiro's own, not the model's. */
  notice(line: string): void;
  /** A line that may be the model's. */
  perhapsWords(line: string): void;
  /** The turn is over; what is left is the end of the process. */
  over(): void;
  cut(reason: Cut): void;
}
