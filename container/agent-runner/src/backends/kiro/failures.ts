import type { ErrorClass } from "../../protocol/index.ts";

/** Why Kiro did not answer. */
export interface KiroFailure {
  class: ErrorClass;
  /** Where it has a name, a sentence for a person that says what to do. */
  error: string;
  /** What of it belongs into a chat. */
  say?: string;
  /** When a limit is over, epoch milliseconds, where Kiro says it or where waiting a little is enough. */
  resetsAt?: number;
  /** The conversation that was to be resumed may be the cause. */
  blamesSession: boolean;
}

/** What a sentence depends on. */
export interface FailureFacts {
  agent: string;
  model: string | null;
  hasApiKey: boolean;
  now: number;
}

interface Phrase {
  pattern: RegExp;
  /** It will not get better by waiting: the run is ended as soon as Kiro says so. */
  fatal?: true;
  /** It counts only where it names the agent of this turn; others' troubles are not ours. */
  ofAgent?: true;
  explain(facts: FailureFacts, line: string): Omit<KiroFailure, "blamesSession"> & { blamesSession?: true };
}

/** Requests per minute: a pause is enough, and the host's usual wait for a limit is an hour. */
const PAUSE_MS = 60_000;

const loggedOut = ({ hasApiKey }: FailureFacts) => ({
  class: "logged-out" as const,
  error: hasApiKey
    ? "Kiro is logged out and did not take the API key. Check KIRO_API_KEY in .env; keys need kiro-cli 2.0 or later."
    : "Kiro is logged out. On the machine, run: kiro-cli login",
});

const unknownAgent = ({ agent }: FailureFacts) => ({
  class: "agent-missing" as const,
  error: `Kiro does not know the agent “${agent}”. On the machine, run: npm run nanoclaw -- doctor`,
});

const unusableAgent = ({ agent }: FailureFacts) => ({
  class: "agent-missing" as const,
  error: `Kiro cannot use the agent “${agent}”: its file is not valid for this version. On the machine, run: npm run nanoclaw -- doctor`,
});

/** From the surest to the vaguest: of several that were said, the first in this list is the cause. */
const phrases: readonly Phrase[] = [
  {
    pattern: /API key (?:may be |is )?(?:invalid|expired)|invalid API key/i,
    explain: (facts) =>
      facts.hasApiKey
        ? {
            class: "logged-out",
            error:
              "Kiro does not accept the API key: it is wrong or expired. Put a valid KIRO_API_KEY into .env, then restart NanoClaw.",
          }
        : loggedOut(facts),
  },
  {
    pattern:
      /Confirm the following code in the browser|Opening browser\.\.\.\s*(?:\||$)|Failed to open browser for authentication/i,
    fatal: true,
    explain: loggedOut,
  },
  {
    pattern:
      /\bnot logged in\b|^Open this URL:|with:? kiro-cli login\b|Authentication failed|TokenExpired(?:Error)?\b|token (?:has )?expired/i,
    explain: loggedOut,
  },
  {
    pattern: /monthly (?:request|usage) limit|MONTHLY_REQUEST_COUNT|UsageLimitReachedError/i,
    explain: () => ({
      class: "limit-reached",
      error: "Kiro's monthly request limit is reached. It can be raised in the account's plan.",
    }),
  },
  {
    pattern: /\brate[ _-]?limit|Too many requests|Throttl(?:ed|ing)/i,
    explain: ({ now }) => ({
      class: "limit-reached",
      error: "Kiro takes no more requests for the moment; it is asked again in a minute.",
      resetsAt: now + PAUSE_MS,
    }),
  },
  {
    pattern: /Agent conflict for /i,
    fatal: true,
    ofAgent: true,
    explain: ({ agent }) => ({
      class: "agent-missing",
      error: `A file in the group's own folder stands in for the agent “${agent}”. Remove .kiro/agents/${agent}.json there.`,
    }),
  },
  {
    // Not fatal: a spoilt file in another folder may stand beside a good one.
    pattern: /Json supplied at .* is invalid|Agent config .* is malformed/i,
    ofAgent: true,
    explain: unusableAgent,
  },
  { pattern: /agent\/config_error/i, fatal: true, explain: unusableAgent },
  { pattern: /needs upgrading for this agent engine|\bagent\b.* could not be loaded/i, explain: unusableAgent },
  {
    // What runs instead has other tools, other rules and nobody's identity.
    pattern: /no agent with name|Falling back to .*\bdefault|agent\/not_found|\bagent ["'“].*["'”] not found/i,
    fatal: true,
    explain: unknownAgent,
  },
  {
    pattern: /\bmodel .* (?:is not available|does not exist|not found)|invalid model|failed to set model/i,
    explain: ({ model }) => ({
      class: "agent-missing",
      error: `Kiro does not offer the model${model === null ? "" : ` “${model}”`}. On the machine, run: kiro-cli chat --list-models; then set KIRO_MODEL.`,
    }),
  },
  {
    pattern:
      /Agent connection closed unexpectedly|invalid conversation history|\b(?:session|conversation)\b.*(?:not found|does not exist|unknown|ambiguous|active in another process)|(?:unknown|no such|failed to (?:load|resume)) (?:session|conversation)/i,
    explain: (_facts, line) => ({
      class: "crash",
      error: `Kiro could not continue the conversation: ${line}`,
      blamesSession: true,
    }),
  },
  {
    pattern:
      /dispatch failure|error sending request|connection (?:refused|reset|timed out)|network is unreachable|dns error|failed to lookup address|ENOTFOUND|ECONNRE(?:FUSED|SET)|ETIMEDOUT/i,
    explain: (_facts, line) => ({ class: "crash", error: `Kiro could not reach its service: ${line}` }),
  },
  {
    // Whatever went wrong inside: a few tries with pauses, then an honest sentence.
    pattern: /having trouble responding right now/i,
    explain: (_facts, line) => ({ class: "crash", error: `Kiro could not answer: ${line}` }),
  },
];

/** What stands before a phrase in a line that is nothing but an error. */
const errorPrefix = /^\s*(?:[✗×●▸!]\s*)?(?:(?:error|warning)\s*:\s*)?(?:(?:Kiro|Amazon Q) is )?/i;

export interface FailureFinder {
  /** A line that is not the model's. True when it makes waiting for the run's end pointless. */
  notice(line: string): boolean;
  /** A line that may be the model's: it counts when it is an error line from its beginning. */
  perhapsWords(line: string): void;
  /** The likeliest cause among everything said; meant for runs without a proof of success. */
  cause(): KiroFailure | undefined;
}

/** The troubles of the person's MCP servers: another service's login or limit, not Kiro's. */
const ofServer = /has failed to load after|\bmcp\b/i;

/** Longest line that is looked through, in characters. */
const LONGEST = 2_000;

export function createFailureFinder(facts: FailureFacts): FailureFinder {
  let best: { rank: number; failure: KiroFailure } | undefined;
  let resetsAt: number | undefined;
  const take = (rank: number, phrase: Phrase, line: string): void => {
    if (best && best.rank <= rank) return;
    best = { rank, failure: { blamesSession: false, ...phrase.explain(facts, line.trim().slice(0, 300)) } };
  };
  return {
    notice(text) {
      const line = text.slice(0, LONGEST);
      if (ofServer.test(line)) return false;
      resetsAt ??= resetDate(line, facts.now);
      const found = phrases.findIndex((phrase) => applies(phrase, line, facts));
      const phrase = phrases[found];
      if (phrase) take(found, phrase, line);
      return phrase?.fatal === true;
    },
    perhapsWords(text) {
      const line = text.slice(0, LONGEST).replace(errorPrefix, "");
      const found = phrases.findIndex(
        (phrase) => applies(phrase, line, facts) && phrase.pattern.exec(line)?.index === 0,
      );
      const phrase = phrases[found];
      if (phrase) take(found, phrase, line);
    },
    cause: () => (best && isMonthly(best.failure) ? { ...best.failure, ...resetOf(resetsAt) } : best?.failure),
  };
}

const applies = ({ pattern, ofAgent }: Phrase, line: string, { agent }: FailureFacts): boolean =>
  pattern.test(line) && (!ofAgent || new RegExp(`(?<![\\w-])${RegExp.escape(agent)}(?![\\w-])`).test(line));

const isMonthly = (failure: KiroFailure): boolean =>
  failure.class === "limit-reached" && failure.resetsAt === undefined;

const resetOf = (at: number | undefined) =>
  at === undefined
    ? {}
    : { resetsAt: at, error: `Kiro's monthly request limit is reached; it resets on ${dayOf(at)}.` };

const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** `The limits reset on MM/DD`: that day's beginning in UTC, this year or next. */
export function resetDate(line: string, now: number): number | undefined {
  const [, month, day] = /\blimits? resets? on (\d{1,2})\/(\d{1,2})\b/i.exec(line) ?? [];
  if (month === undefined || day === undefined) return undefined;
  const [m, d] = [Number(month), Number(day)];
  if (m < 1 || m > 12 || d < 1 || d > 31) return undefined;
  const year = new Date(now).getUTCFullYear();
  const thisYear = Date.UTC(year, m - 1, d);
  return thisYear > now ? thisYear : Date.UTC(year + 1, m - 1, d);
}

/** Exit codes that say something by themselves. */
export function exitCause(code: number | null, facts: FailureFacts): KiroFailure | undefined {
  if (code === 4) return { ...unknownAgent(facts), blamesSession: false };
  if (code !== 2) return undefined;
  const error = "kiro-cli refused its command line; this version knows other flags than its help says";
  return { class: "crash", error, blamesSession: false };
}
