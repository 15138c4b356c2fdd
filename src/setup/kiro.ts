import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text as readWhole } from "node:stream/consumers";
import { parseEnv } from "node:util";
import type { Check } from "../cli/check.ts";
import { checkKiro } from "../cli/doctor-kiro.ts";
import { findProgram } from "../cli/find-program.ts";
import { CommandError } from "../cli/outcome.ts";
import { withPersonsKiro } from "../cli/persons-kiro.ts";
import { runInTerminal } from "../runtime/run-in-terminal.ts";
import { systemClock } from "../clock.ts";
import { lookAtContainers } from "../containers.ts";
import { keyProblem, looksUnusual } from "./api-key.ts";
import type { Outcome } from "./outcome.ts";
import type { Setup, State, Step } from "./step.ts";

export const kiroStep: Step = { name: "kiro", title: "Kiro: the agent that answers", look, run };

const KEY = "KIRO_API_KEY";

async function look(setup: Setup): Promise<State> {
  const { config, answers } = setup;
  const { settings, home } = config();
  if (settings.NANOCLAW_AGENT === "offline") {
    return { kind: "done", detail: "not used: NANOCLAW_AGENT=offline" };
  }
  if (answers.kiro === "key" && answers.kiroKeyFile !== undefined) return { kind: "todo", detail: "a key is given" };
  const checks = await lookAtKiro(setup);
  const login = checks.find(({ name }) => name === "kiro login");
  if (login?.state === "wrong") return { kind: "todo", detail: login.detail };
  if (settings.KIRO_API_KEY !== undefined && keptKey(home) === undefined) {
    return { kind: "todo", detail: `${KEY} is in this environment alone: a service would not know it` };
  }
  const program = await programProblem(setup, checks);
  if (program) return { kind: "impossible", ...program };
  return { kind: "done", detail: words(checks) };
}

/** That the image is not there yet is told by its own step. */
async function programProblem({ config, terminal }: Setup, checks: readonly Check[]) {
  const { settings } = config();
  const program = checks.find(({ name, state }) => name === "kiro-cli" && state === "wrong");
  if (!program) return undefined;
  const problem = { detail: `kiro-cli: ${program.detail}`, cure: program.cure ?? "npm run nanoclaw -- doctor" };
  if (settings.NANOCLAW_AGENT_RUNTIME === "host") return problem;
  const { kind } = await lookAtContainers(settings, terminal.env, systemClock);
  return kind === "ready" || kind === "other-source" ? problem : undefined;
}

const words = (checks: readonly Check[]): string =>
  checks
    .map(({ name, state, detail }) =>
      state === "wrong" ? `${name}: comes with the image, which is not there yet` : `${name}: ${detail}`,
    )
    .join("; ");

/** As `doctor` looks, without sending a prompt. */
const lookAtKiro = ({ config, terminal: { env } }: Setup): Promise<Check[]> =>
  withPersonsKiro(env, (person) =>
    checkKiro({ config: config(), env, person, isMeant: true, isHostRunning: false, trial: null }),
  );

/** What the home's own file says. */
function keptKey(home: string): string | undefined {
  try {
    return parseEnv(readFileSync(join(home, ".env"), "utf8"))[KEY] || undefined;
  } catch {
    return undefined; // there is none yet
  }
}

async function run(setup: Setup): Promise<Outcome> {
  const { answers, ui } = setup;
  for (let way = answers.kiro ?? (await ask(setup)); ; way = await ask(setup)) {
    const outcome = await goBy(way, setup);
    if (outcome.status !== "failed" || !ui.ask) return outcome;
    ui.note([outcome.detail, `-> ${outcome.cure ?? ""}`]);
  }
}

type Way = "key" | "login" | "skip" | "unsaid";

async function ask({ ui, answers, terminal }: Setup): Promise<Way> {
  // Naming the key in the environment says what is meant.
  if (!ui.ask) return terminal.env[KEY] ? "key" : answers.yes ? "skip" : "unsaid";
  return ui.ask.choose<Way>("How does the assistant get to Kiro?", [
    { value: "key", label: "By an API key", hint: "recommended; nothing of your home is shown to it" },
    { value: "login", label: "By your own login", hint: "kiro-cli login" },
    {
      value: "skip",
      label: "Later",
      hint: "until then the offline agent, in the local chat alone: reminders, no language model",
    },
  ]);
}

async function goBy(way: Way, setup: Setup): Promise<Outcome> {
  const detail =
    "not now: the built-in offline agent answers the local chat (reminders, no language model), and nobody on WhatsApp";
  switch (way) {
    case "key":
      return keepKey(setup);
    case "login":
      return useLogin(setup);
    case "skip":
      return { status: "skipped", detail, cure: "npm run nanoclaw -- setup --only kiro" };
    case "unsaid":
      return {
        status: "needs",
        detail: "how to get to Kiro: a key, your login, or not now",
        flag: "--kiro key|login|skip",
      };
    default:
      return way satisfies never;
  }
}

async function keepKey(setup: Setup): Promise<Outcome> {
  const { save, ui } = setup;
  const key = await readKey(setup);
  if (key === undefined) {
    return { status: "needs", detail: "the key", flag: "--kiro key --kiro-key-file <file, or - for standard input>" };
  }
  const problem = keyProblem(key);
  if (problem !== undefined)
    return { status: "failed", detail: `that is no key: ${problem}`, cure: "copy it once more" };
  save({ [KEY]: key });
  if (looksUnusual(key))
    ui.note("Kiro's keys usually begin with ksk_; if turns fail, look whether it is the right one.");
  return afterwards(setup, "the key is in .env, for this user alone");
}

async function readKey({ answers, terminal, ui }: Setup): Promise<string | undefined> {
  const { kiroKeyFile: file } = answers;
  if (file === "-") return (await readWhole(terminal.stdin)).trim();
  if (file !== undefined) return readKeyFile(file);
  const given = terminal.env[KEY];
  if (given) return given;
  return ui.ask?.secret("The API key (it is not shown):", keyProblem);
}

function readKeyFile(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new CommandError(`--kiro-key-file ${path} cannot be read: ${(error as Error).message}`);
  }
}

const INSTALL = "curl -fsSL https://cli.kiro.dev/install | bash";
const LOGIN = "kiro-cli login   (without a browser: kiro-cli login --use-device-flow)";

async function useLogin(setup: Setup): Promise<Outcome> {
  const { terminal } = setup;
  const program = findProgram("kiro-cli", terminal.env);
  if (program === undefined) {
    return {
      status: "failed",
      detail: "kiro-cli is not installed on this machine",
      cure: `${INSTALL}\nthen: ${LOGIN}`,
    };
  }
  if ((await loginOf(setup))?.state === "wrong") await logIn(program, setup);
  const login = await loginOf(setup);
  if (login?.state === "wrong") return { status: "failed", detail: login.detail, cure: LOGIN };
  return afterwards(setup, login?.detail ?? "a login is there");
}

/** It talks with the person itself. */
async function logIn(program: string, { ui, terminal }: Setup): Promise<void> {
  const way = await ui.ask?.choose("Log in to Kiro:", [
    { value: "browser", label: "In a browser on this machine", hint: "kiro-cli login" },
    { value: "device", label: "In a browser elsewhere", hint: "kiro-cli login --use-device-flow" },
    { value: "done", label: "I did it in another terminal" },
  ]);
  const flags = way === "device" ? ["--use-device-flow"] : [];
  if (way === "browser" || way === "device") await runInTerminal(program, ["login", ...flags], terminal.env);
}

const loginOf = async (setup: Setup): Promise<Check | undefined> =>
  (await lookAtKiro(setup)).find(({ name }) => name === "kiro login");

async function afterwards(setup: Setup, what: string): Promise<Outcome> {
  const checks = await lookAtKiro(setup);
  const problem = await programProblem(setup, checks);
  if (problem) return { status: "failed", detail: `${what}, but ${problem.detail}`, cure: problem.cure };
  return { status: "done", detail: `${what}; ${words(checks.filter(({ name }) => name !== "kiro login"))}` };
}
