import { stripEscapes } from "../../container/agent-runner/src/backends/kiro/escapes.ts";
import { unnamed } from "./lab.ts";
import { different, expected, judged, named, needs, wayOf, type Question } from "./question.ts";
import { endOf, exitOf, hasFooter, quoted, readRun, type Run } from "./runs.ts";
import { isBefore } from "./version.ts";

const RUNNERS_FLAGS = [
  "--no-interactive",
  "--trust-all-tools",
  "--wrap",
  "--agent",
  "--model",
  "--resume",
  "--resume-id",
];

const version: Question = {
  id: "version",
  asks: "Which version is it?",
  why: "The runner probes it once for each binary (1).",
  prompts: 0,
  free: true,
  ask: async (lab) => [await lab.run("version", ["--version"])],
  judge: ([run]) => {
    const found = /\d+\.\d+\.\d+\S*/.exec(run.stdout)?.[0];
    return judged(run.code === 0 && found !== undefined, found ?? "no version on stdout");
  },
};

const flags: Question = {
  id: "flags",
  asks: "Which flags and engines does `chat` know, as the runner reads its help?",
  why: "The runner's command line is made from this (2).",
  prompts: 0,
  whole: true,
  free: true,
  ask: async (lab) => [await lab.run("help", ["chat", "--help"])],
  judge: (_runs, { capabilities, ways }) => {
    const missing = [...RUNNERS_FLAGS, "--output-format"].filter((flag) => !capabilities.flags.includes(flag));
    const forms = `forms: ${ways.map(({ name }) => name).join(", ") || "none that can be named"}`;
    return judged(
      missing.length === 0,
      `${missing.length > 0 ? `not in the help: ${missing.join(", ")}; ` : ""}${forms}`,
    );
  },
};

const whoami: Question = {
  id: "whoami",
  asks: "What does whoami say, and with which exit code, with and without a login?",
  why: "doctor's check of the login (8).",
  prompts: 0,
  free: true,
  troubles: true,
  ask: async (lab) => {
    const { nobody: env } = lab;
    const limitMs = 20_000;
    return [
      await lab.run("plain", ["whoami"], { limitMs }),
      await lab.run("json", ["whoami", "--format", "json"], { limitMs }),
      await lab.run("nobody", ["whoami"], { limitMs, env }),
    ];
  },
  judge: (runs) => {
    const nobody = named(runs, "nobody");
    const seen = `${endOf(runs[0])}; without credentials ${nobody ? endOf(nobody) : "not run"}`;
    return judged(runs[0].code === 0 && nobody?.code === 1, seen);
  },
};

/** The same plain prompt in each form. */
function plainIn(name: string, judge: Question["judge"]): Question {
  return {
    id: name,
    asks: `What does a plain prompt print as ${name}?`,
    why: "How the answer is separated, and what proves success (3, 4).",
    prompts: 1,
    unless: needs(name),
    ask: async (lab, facts) => [await lab.chat(facts, "prompt", { prompt: lab.prompts.pong, way: wayOf(facts, name) })],
    judge,
  };
}

const isPong = (run: Run): boolean => /\bPONG\b/.test(readRun(run).answer);
const footerOf = (run: Run): string =>
  hasFooter(run.stderr) ? "footer on stderr" : hasFooter(run.stdout) ? "footer on stdout" : "no footer";
const hasMarker = ({ stdout }: Run): boolean => stripEscapes(stdout).trimStart().startsWith("> ");

const classic = plainIn("plain-classic", ([run]) => {
  const seen = `${exitOf(run)}, ${hasMarker(run) ? "marker" : "no marker"}, ${footerOf(run)}, the runner reads ${quoted(readRun(run).answer)}`;
  return judged(run.code === 0 && hasMarker(run) && hasFooter(run.stderr) && isPong(run), seen);
});

const undecorated: Question["judge"] = ([run]) => {
  const bare = !hasMarker(run) && footerOf(run) === "no footer" && run.stdout === stripEscapes(run.stdout);
  const seen = `${exitOf(run)}, ${bare ? "bare text" : "decorated text"} on stdout, the runner reads ${quoted(readRun(run).answer)}`;
  return judged(run.code === 0 && bare && isPong(run), seen);
};

const streamed: Question["judge"] = ([run]) => {
  const { succeeded, session, events } = readRun(run);
  const seen = `${exitOf(run)}, ${events || "no event"}, ${session === undefined ? "no session id" : "a session id"}`;
  const good = run.code === 0 && succeeded && session !== undefined && isPong(run);
  return judged(good, good ? seen : `${seen}; ${endOf(run)}`);
};

const defaultEngine: Question = {
  id: "default-engine",
  asks: "Which engine runs when none is named?",
  why: "It changes with updates; the runner names one wherever it can (1).",
  prompts: 1,
  ask: async (lab, facts) => [await lab.chat(facts, "prompt", { prompt: lab.prompts.pong, way: unnamed("v2") })],
  judge: ([run], facts) => {
    if (run.code !== 0) return different(endOf(run));
    const isClassic = hasMarker(run) || footerOf(run) !== "no footer";
    const engine = isClassic ? "classic" : /^\[INFO\]/m.test(run.stderr) ? "v3" : "v2";
    return judged(engine === (isBefore(facts.version, "2.28.0") ? "classic" : "v2"), `it looks like ${engine}`);
  },
};

// eslint-disable-next-line no-control-regex
const escapesIn = ({ stdout, stderr }: Run): number => `${stdout}${stderr}`.match(/\x1b/g)?.length ?? 0;

const terminal: Question = {
  id: "terminal",
  asks: "Do NO_COLOR and TERM=dumb change what the classic engine prints?",
  why: "The marker of an answer is known by its escapes (3, 13).",
  prompts: 3,
  unless: needs("plain-classic"),
  ask: async (lab, facts) => {
    const ask = (name: string, env: Record<string, string | undefined>) =>
      lab.chat(facts, name, { prompt: lab.prompts.pong, way: wayOf(facts, "plain-classic"), env });
    return [
      await ask("NO_COLOR", { NO_COLOR: "1", TERM: "xterm-256color" }),
      await ask("TERM=dumb", { NO_COLOR: undefined, TERM: "dumb" }),
      await ask("xterm", { NO_COLOR: undefined, TERM: "xterm-256color" }),
    ];
  },
  judge: (runs) => {
    const seen = `escapes: ${runs.map((run) => `${run.name} ${escapesIn(run)}`).join(", ")}`;
    return escapesIn(runs[0]) > 0 ? expected(`${seen}; they have to be stripped`) : different(seen);
  },
};

export const outputQuestions: readonly Question[] = [
  ...[version, flags, whoami, classic],
  ...["plain-v2", "plain-v3"].map((name) => plainIn(name, undecorated)),
  ...["stream-v2", "stream-v3"].map((name) => plainIn(name, streamed)),
  ...[defaultEngine, terminal],
];
