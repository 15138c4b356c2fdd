import { existsSync } from "node:fs";
import { CommandError } from "../cli/outcome.ts";
import type { Terminal } from "../cli/terminal.ts";
import { setEnv, type EnvChanges } from "../env-file.ts";
import { homePaths, makeHome } from "../home.ts";
import { StoreError } from "../store/database.ts";
import { lockSetup } from "../store/home-lock.ts";
import type { Answers } from "./answers.ts";
import { clackUi, withoutTerminal } from "./clack-ui.ts";
import { environmentStep, judgeClosedHome } from "./environment.ts";
import { createPassingHost } from "./passing-host.ts";
import { plainUi } from "./plain-ui.ts";
import { leftToDo } from "./left-to-do.ts";
import { runSteps, withoutWork, type Run } from "./run-steps.ts";
import type { StepName } from "./outcome.ts";
import type { Setup } from "./step.ts";
import { steps } from "./steps.ts";
import type { Result, Ui } from "./ui.ts";
import { isFine } from "./words.ts";

/** As a shell counts an end by Ctrl-C. */
const LEFT = 130;

/** @returns the exit code. */
export async function setUp(answers: Answers, wanted: readonly StepName[], terminal: Terminal): Promise<number> {
  const isForPerson = !answers.yes && !answers.json;
  if (isForPerson && !(terminal.stdin.isTTY && terminal.stdout.isTTY)) throw new CommandError(withoutTerminal, 2);
  const openUi = () => (isForPerson ? clackUi(terminal) : plainUi(terminal, answers.json));
  const locked = lockOrWhy(terminal);
  if ("outcome" in locked) return endClosed(openUi(), locked);
  using _lock = locked;
  const ui = openUi();
  await using passing = createPassingHost(terminal);
  const setup = createSetup({ answers, terminal, ui, passing });
  const run = await runSteps(
    steps.filter(({ name }) => wanted.includes(name)),
    setup,
  );
  ui.summary({ ...run, left: await leftToDo(setup, run.results) });
  return exitCode(run);
}

const exitCode = ({ results, cancelled }: Run): number =>
  cancelled === undefined ? (results.every(isFine) ? 0 : 1) : LEFT;

/** A home that cannot be written has no lock either: that is the first step's matter. */
function lockOrWhy(terminal: Terminal): Disposable | Result {
  try {
    return lockOnce(terminal);
  } catch (error) {
    if (!(error instanceof StoreError) || existsSync(homePaths(terminal.homePath()).restoring)) throw error;
    const outcome = withoutWork(judgeClosedHome(terminal.config(), error.message), []);
    if (outcome === undefined) throw error;
    return { step: environmentStep.name, outcome };
  }
}

function endClosed(ui: Ui, result: Result): number {
  ui.begin(environmentStep);
  ui.ended(result);
  ui.summary({ results: [result], cancelled: undefined, left: [] });
  return 1;
}

function lockOnce(terminal: Terminal): Disposable {
  const home = homePaths(terminal.config().home);
  makeHome(home);
  const locked = lockSetup(home.store);
  if ("lock" in locked) return locked.lock;
  const who = locked.heldBy ? `process ${locked.heldBy.pid}` : "another process";
  throw new CommandError(`Setup runs in this home already (${who}). Go on there, or end that one first.`);
}

interface Parts {
  answers: Answers;
  terminal: Terminal;
  ui: Ui;
  passing: Setup["passing"];
}

function createSetup({ answers, terminal, ui, passing }: Parts): Setup {
  return {
    ...{ answers, terminal, ui, passing, config: terminal.config },
    save: (changes) => {
      assertNotOverruled(changes, terminal);
      const { path, isLinked } = setEnv(terminal.config().home, changes);
      if (isLinked) ui.note(`.env is a link; ${path} was written.`);
    },
  };
}

/** The environment wins over the file: what is written there would have no effect here. */
function assertNotOverruled(changes: EnvChanges, { env }: Terminal): void {
  for (const [key, value] of Object.entries(changes)) {
    if (!env[key] || env[key] === value) continue;
    throw new CommandError(`${key} is set in this environment, which wins over .env: unset ${key}, and try again`);
  }
}
