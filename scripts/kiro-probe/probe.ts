import { createLab, type Facts, type LabOptions } from "./lab.ts";
import { inputQuestions } from "./questions-input.ts";
import { outputQuestions } from "./questions-output.ts";
import { sessionQuestions } from "./questions-sessions.ts";
import { unclear, verdictOf, type Question } from "./question.ts";
import { renderReport, type Asked } from "./report.ts";

export interface ProbeOptions extends LabOptions {
  /** Ids; nothing means all but the optional ones. */
  only: readonly string[];
  /** After this no further question is asked. */
  totalMs: number;
  now: () => number;
  confirm(announcement: string): Promise<boolean>;
  progress(line: string): void;
}

/** Those that look back at all the others come last. */
export const questions: readonly Question[] = [...outputQuestions, ...sessionQuestions, ...inputQuestions];

/** Asks, and returns the report; undefined when the person did not want it. */
export async function probe(options: ProbeOptions): Promise<string | undefined> {
  const { only, now } = options;
  const lab = createLab(options);
  try {
    const facts = await lab.facts();
    const chosen = questions.filter(({ id, optional }) => (only.length > 0 ? only.includes(id) : !optional));
    if (!(await options.confirm(announcement(chosen, facts)))) return undefined;
    const since = now();
    const asked: Asked[] = [];
    for (const question of chosen) {
      const isLate = now() - since > options.totalMs;
      const why = options.signal.aborted ? "the probe was interrupted" : isLate ? "the time was over" : undefined;
      asked.push(await ask(question, why ?? obstacle(question, facts), { lab, facts, asked }));
      options.progress(`${asked.length}/${chosen.length} ${question.id}: ${asked.at(-1)?.verdict}`);
    }
    const sent = asked.reduce((sum, { question, runs }) => sum + (runs.length > 0 ? question.prompts : 0), 0);
    const took = `At most ${sent} prompts in ${Math.round((now() - since) / 1000)} s.`;
    const left = lab.remove().map((name) => `Could not be removed: ${name}`);
    return renderReport([...headerOf(facts, options.platform), took, ...left], asked);
  } finally {
    lab.remove();
  }
}

interface Inquiry {
  lab: ReturnType<typeof createLab>;
  facts: Facts;
  asked: readonly Asked[];
}

async function ask(question: Question, why: string | undefined, { lab, facts, asked }: Inquiry): Promise<Asked> {
  if (why !== undefined) return { question, runs: [], verdict: unclear(why) };
  if (!question.ask) {
    const all = asked.flatMap(({ runs }) => runs);
    return { question, runs: [], verdict: verdictOf(question, all, facts) };
  }
  const runs = await question.ask(lab, facts);
  return { question, runs, verdict: verdictOf(question, runs, facts) };
}

const obstacle = ({ unless, free }: Question, facts: Facts): string | undefined =>
  facts.loggedIn || free ? unless?.(facts) : "kiro-cli is not logged in";

function announcement(chosen: readonly Question[], facts: Facts): string {
  const asked = chosen.filter((question) => obstacle(question, facts) === undefined);
  const prompts = asked.reduce((sum, question) => sum + question.prompts, 0);
  const home =
    facts.mode === "key"
      ? "With KIRO_API_KEY, in a temporary home."
      : "With your login, in your own home: Kiro's data folder is used as it is, nothing of it is copied, and the sessions made here are removed from it. V3 may unpack itself there.";
  const login = facts.loggedIn
    ? []
    : ["kiro-cli says it is not logged in: questions that need an answer are left out."];
  return [`This sends at most ${prompts} short prompts, which cost credits.`, home, ...login].join("\n");
}

function headerOf({ version, mode, main }: Facts, platform: string): string[] {
  const home = mode === "key" ? "API key, temporary home" : "login, own home";
  return [`# kiro-cli ${version} on ${platform}, Node ${process.version}`, `${home}; the runner's form: ${main.name}.`];
}
