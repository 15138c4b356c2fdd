import type { Answer } from "@nanoclaw/agent-runner/protocol";
import type { Failure } from "../domain/failure.ts";
import type { Exit } from "./runtime.ts";

export type EndReason = "stopped" | "shutdown";

export interface RunResult {
  /** Present when the run answered, whatever came after. */
  answer: Answer | undefined;
  /** Why there is no answer; the first cause wins. Null after an answer, a stop or an empty input. */
  failure: Failure | null;
  /** The run was told to end before it answered. */
  ended: EndReason | null;
}

/** What can decide a run. */
export type Cause =
  | { kind: "answered"; answer: Answer }
  | { kind: "failed"; failure: Failure }
  | { kind: "ended"; reason: EndReason }
  | { kind: "given-nothing" };

export interface Verdict {
  /** True when this cause decides; false when another one did before. */
  decide(cause: Cause): boolean;
  isOpen(): boolean;
  /** A callback threw: nothing is decided any more, and `result` throws the first such error. */
  broke(error: unknown): void;
  isBroken(): boolean;
  /** @param unanswered what it was when the run ended without a cause. */
  result(unanswered: () => Failure): RunResult;
}

/** What became of a run. The first cause wins: what comes later is mostly its consequence. */
export function createVerdict(): Verdict {
  let first: Cause | undefined;
  let thrown: { error: unknown } | undefined;
  const isOpen = () => first === undefined && thrown === undefined;
  return {
    isOpen,
    decide: (cause) => {
      const decides = isOpen();
      if (decides) first = cause;
      return decides;
    },
    broke: (error) => {
      thrown ??= { error };
    },
    isBroken: () => thrown !== undefined,
    result: (unanswered) => {
      if (thrown) throw thrown.error;
      return resultOf(first ?? { kind: "failed", failure: unanswered() });
    },
  };
}

function resultOf(cause: Cause): RunResult {
  const nothing = { answer: undefined, failure: null, ended: null };
  switch (cause.kind) {
    case "answered":
      return { ...nothing, answer: cause.answer };
    case "failed":
      return { ...nothing, failure: cause.failure };
    case "ended":
      return { ...nothing, ended: cause.reason };
    case "given-nothing":
      return nothing;
    default:
      return cause satisfies never;
  }
}

/** The failure of a runner that was gone before it said anything that counts. */
export function exitFailure(exit: Exit, wasReady: boolean, stderr: string): Failure {
  if (exit.lostEngine) return { class: "engine-down", detail: "the container engine stopped while the turn ran" };
  const how = exit.signal
    ? `was ended by SIG${exit.signal.replace(/^SIG/, "")}`
    : `exited with code ${exit.code ?? "unknown"}`;
  const hint = exit.code === 137 || exit.signal === "SIGKILL" ? " (killed; possibly out of memory)" : "";
  const when = wasReady ? "before it answered" : "before it was ready";
  return { class: "crash", detail: `the runner ${how}${hint} ${when}${stderr === "" ? "" : `: ${stderr}`}` };
}
