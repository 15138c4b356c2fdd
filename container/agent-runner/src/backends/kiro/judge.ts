import { createRedactor } from "../../protocol/index.ts";
import type { Observed } from "./attempt.ts";
import { stripEscapes } from "./escapes.ts";
import { exitCause, type FailureFacts, type KiroFailure } from "./failures.ts";

export type Outcome =
  | { kind: "answered"; text: string; session: string | undefined; credits: number | undefined }
  | { kind: "other-session" }
  | { kind: "failed"; failure: KiroFailure; calledTools: boolean };

export interface JudgeFacts {
  facts: FailureFacts;
  secrets: Readonly<Record<string, string>>;
  version: string | null;
  /** V2's session that was written in this run and ends with an answer: its proof in plain text. */
  answeredSession: string | undefined;
}

/**
 * What became of a run. An answer needs a sign of success that only success gives; a code of 0 is
 * none, and without words or deeds there is no answer.
 */
export function judge(seen: Observed, about: JudgeFacts): Outcome {
  if (seen.cut === "other-session") return { kind: "other-session" };
  const proven =
    seen.cut === "hopeless" || seen.cut === "flood" ? undefined : provenAnswer(seen, about.answeredSession);
  if (proven && (proven.text !== "" || seen.calledTools)) return { kind: "answered", ...proven };
  return { kind: "failed", failure: failureOf(seen, about, proven !== undefined), calledTools: seen.calledTools };
}

interface Proven {
  text: string;
  session: string | undefined;
  credits: number | undefined;
}

function provenAnswer({ said, footer, end, cut }: Observed, answeredSession: string | undefined): Proven | undefined {
  if (said.shape === "stream") {
    return said.succeeded ? { text: said.answer, session: said.session, credits: said.credits } : undefined;
  }
  const endedWell = end.kind === "exited" && (end.code === 0 || cut === "overdue");
  if (!endedWell) return undefined;
  if (footer !== undefined) return { text: said.transcript.answer, session: undefined, credits: footer };
  if (answeredSession === undefined) return undefined;
  return { text: said.plain, session: answeredSession, credits: undefined };
}

function failureOf(seen: Observed, about: JudgeFacts, isEmpty: boolean): KiroFailure {
  const named = namedFailure(seen, about);
  const failure = named ?? crash(seen, about, isEmpty);
  const version = about.version === null ? "" : ` (kiro-cli ${about.version})`;
  const say = named && personal.has(named.class) ? { say: named.error } : {};
  return { ...failure, ...say, error: `${failure.error}${version}` };
}

/** What a person can do something about, or has to wait for. */
const personal: ReadonlySet<KiroFailure["class"]> = new Set(["logged-out", "agent-missing", "limit-reached"]);

function namedFailure({ cut, cause, end }: Observed, { facts }: JudgeFacts): KiroFailure | undefined {
  if (cut === "flood") {
    const error = "Kiro wrote more than one turn may (CONTAINER_MAX_OUTPUT_SIZE)";
    return { class: "output-cap", error, blamesSession: false };
  }
  if (end.kind === "not-started") {
    const error = `kiro-cli could not be started: ${end.error}`;
    return { class: "agent-missing", error, blamesSession: false };
  }
  return cause ?? exitCause(end.code, facts);
}

/** Longest piece of either stream in a failure, in characters. */
const LONGEST_TAIL = 1_000;

function crash({ end, said, stdout, stderr }: Observed, about: JudgeFacts, isEmpty: boolean): KiroFailure {
  const redact = createRedactor(about.secrets);
  const tail = (name: string, text: string): string => {
    const line = redact(stripEscapes(text))
      .text.trim()
      .replaceAll(/\s*[\n\r]+\s*/g, " / ");
    return line === "" ? "" : `; ${name}: ${line.slice(-LONGEST_TAIL)}`;
  };
  const problem = said.shape === "stream" && said.problem !== undefined ? `; ${said.problem}` : "";
  const what = isEmpty ? "Kiro gave an empty answer" : "Kiro gave no answer";
  const error = `${what}: it ended with ${howEnded(end)}${problem}${tail("stdout", stdout)}${tail("stderr", stderr)}`;
  // Words that were said, or a code of 0, speak for a conversation that could be continued: asking again costs.
  const isSilent = said.shape === "stream" || stripEscapes(stdout).trim() === "";
  const hasFailed = end.kind === "exited" && end.signal === null && end.code !== 0;
  return { class: "crash", error, blamesSession: hasFailed && isSilent };
}

function howEnded(end: Observed["end"]): string {
  if (end.kind === "not-started") return end.error;
  return end.signal ?? `code ${end.code}`;
}
