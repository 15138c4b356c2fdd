import type { Answer, ErrorClass } from "@nanoclaw/agent-runner/protocol";

export interface Failure {
  class: ErrorClass;
  /** For log and `why`; never shown in a chat as it is. */
  detail: string;
  /** Half a sentence for the chat, where the class says it badly. */
  cause?: string;
  /** With `cause`: what the person can do, as sentences for the chat. */
  cure?: string;
  /** What the person is told while the turn waits, instead of the class's own words: what is wrong, and the cure. */
  say?: string;
  /** When waiting is over, epoch ms, where that is known. */
  until?: number;
  /** The agent had used tools of its own before: begun anew, it would do all that again. */
  hasWorked?: boolean;
}

/**
 * An agent's own account of why it did not answer.
 * @param screen takes secret values out of its words.
 */
export function failureOf(answer: Extract<Answer, { status: "error" }>, screen: (text: string) => string): Failure {
  const { say, resetsAt, worked } = answer;
  return {
    ...{ class: answer.class, detail: screen(answer.error) },
    ...(say !== undefined && { say: screen(say) }),
    ...(worked && { hasWorked: true }),
    ...(resetsAt !== undefined && { until: resetsAt }),
  };
}

export interface FailureFacts {
  failure: Failure;
  /** Attempts of this turn that failed with class `crash`, this one included. */
  crashes: number;
  /** All attempts of this turn. */
  attempts: number;
  /** A request of this turn was executed that had an effect outside the group's folder. */
  acted: boolean;
  /** The person was already told that this turn waits. */
  told: boolean;
  /** Nobody asked just now, nor can anybody go on with it. */
  isTask?: boolean;
  now: number;
}

export type AfterFailure =
  /** Try again at `at`. */
  | { kind: "retry"; at: number }
  /** Wait until the cause is gone (`at`: look again then); `say` once. */
  | { kind: "wait"; at: number; say: string | null }
  /** It is over; one sentence for the chat. */
  | { kind: "end"; status: "failed" | "interrupted"; say: string };

const CRASH_RETRIES = 5;
const FIRST_BACKOFF_MS = 5_000;
/** How often a cause that only a person or another program can remove is looked at again. */
const WAIT_STEP_MS = 10 * 60_000;
/** After a login nobody wants to wait for long; each look is a short run that ends by itself. */
const LOGIN_STEP_MS = 60_000;
const ENGINE_STEP_MS = 30_000;

/** The longest wait any retry is given; a due time further off can only come from a clock that jumped. */
export const LONGEST_WAIT_MS = 60 * 60_000;

/** Retry, wait or give up? Decided by the cause; repeated effects are worse than a missing answer. */
export function decideAfterFailure(facts: FailureFacts): AfterFailure {
  if (facts.acted) return { kind: "end", status: "interrupted", say: actedSentence(facts) };
  switch (facts.failure.class) {
    case "logged-out":
      return wait(facts, LOGIN_STEP_MS);
    case "agent-missing":
    case "image-mismatch":
      return wait(facts, WAIT_STEP_MS);
    case "limit-reached":
      return afterLimit(facts);
    case "engine-down":
      return wait(facts, ENGINE_STEP_MS);
    case "timeout":
    case "silence":
    case "output-cap":
    case "disk":
      return { kind: "end", status: "failed", say: endSentence(facts.failure, facts.failure.class) };
    case "crash":
      return afterCrash(facts);
    default:
      return facts.failure.class satisfies never;
  }
}

/** Each try is paid for: the pauses grow, and what had begun to work is not simply begun again. */
function afterLimit(facts: FailureFacts): AfterFailure {
  if (facts.failure.hasWorked) return { kind: "end", status: "interrupted", say: actedSentence(facts) };
  const { failure, attempts, now } = facts;
  if (failure.until === undefined) return wait(facts, LONGEST_WAIT_MS);
  const pause = LOGIN_STEP_MS * 2 ** Math.min(10, Math.max(0, attempts - 1));
  return wait({ ...facts, failure: { ...failure, until: Math.max(failure.until, now + pause) } }, LONGEST_WAIT_MS);
}

function afterCrash({ crashes, isTask, now }: FailureFacts): AfterFailure {
  if (crashes > CRASH_RETRIES) {
    return {
      kind: "end",
      status: "failed",
      say: isTask
        ? `I could not do it: the agent broke down ${crashes} times. \`nanoclaw tasks show\` tells the reason.`
        : `I could not answer: the agent broke down ${crashes} times. \`nanoclaw why\` shows the reason; write again to have me try once more.`,
    };
  }
  return { kind: "retry", at: now + FIRST_BACKOFF_MS * 2 ** (crashes - 1) };
}

function wait({ failure, told, isTask, now }: FailureFacts, step: number): AfterFailure {
  const sentence = told ? null : waitSentence(failure);
  const say = isTask
    ? (sentence?.replace("Your message waits and is answered", "The task waits and is done") ?? null)
    : sentence;
  const until = failure.until === undefined ? step : Math.max(FIRST_BACKOFF_MS, failure.until - now);
  return { kind: "wait", at: now + Math.min(until, LONGEST_WAIT_MS), say };
}

function waitSentence({ class: cause, detail, say }: Failure): string {
  if (say === undefined) return waitSentences[cause] ?? detail;
  const sentence = /[.!?]$/.test(say) ? say : `${say}.`;
  return `I cannot answer: ${sentence} Your message waits and is answered after that.`;
}

const actedSentence = ({ failure, isTask }: FailureFacts): string =>
  isTask
    ? `I was cut off in the middle of this (${failure.cause ?? causes[failure.class]}) after I had already done part of it, so I do not run it again.`
    : `I was cut off in the middle of this (${failure.cause ?? causes[failure.class]}) after I had already done part of it, so I do not simply start over. Say "go on" to have me continue.`;

const causes: Record<ErrorClass, string> = {
  "logged-out": "the agent is logged out",
  "agent-missing": "the agent is not installed",
  "limit-reached": "the agent's usage limit is reached",
  "engine-down": "the container engine stopped",
  "image-mismatch": "the agent image is missing or of another version",
  timeout: "it took too long",
  silence: "the agent went silent",
  "output-cap": "the agent wrote too much",
  disk: "the disk is full",
  crash: "the agent broke down",
};

const waitSentences: Partial<Record<ErrorClass, string>> = {
  "logged-out":
    "I cannot answer: the agent is logged out. On the machine, run: kiro-cli login. Your message waits and is answered after that.",
  "agent-missing":
    "I cannot answer: the agent that is set for this chat is not installed. On the machine, run: npm run nanoclaw -- doctor. Your message waits and is answered after that.",
  "image-mismatch":
    "I cannot answer: the agent image is missing or of another version. On the machine, run: npm run nanoclaw -- doctor. It says how to build it. Your message waits and is answered after that.",
  "limit-reached": "The agent's usage limit is reached. Your message waits and is answered when the limit resets.",
  "engine-down":
    "I cannot answer: the container engine does not run on the machine, or starts no containers (npm run nanoclaw -- doctor says why). Your message waits and is answered when it works again.",
};

const endSentence = ({ cause, cure }: Failure, errorClass: keyof typeof endSentences): string =>
  cause !== undefined && cure !== undefined ? `I stopped: ${cause}. ${cure}` : endSentences[errorClass];

const endSentences = {
  timeout:
    "I stopped: this took longer than one turn may take (CONTAINER_TIMEOUT). Ask for a smaller step, or raise the limit.",
  silence:
    "I stopped: the agent gave no sign of life for too long (NANOCLAW_SILENCE_TIMEOUT). Write again to have me try once more.",
  "output-cap":
    "I stopped: the agent wrote more than one turn may (CONTAINER_MAX_OUTPUT_SIZE). Ask for a smaller step.",
  disk: "I stopped: the disk of the machine is nearly full. Free some space, then write again.",
} as const;
