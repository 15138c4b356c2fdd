import { CommandError } from "../cli/outcome.ts";
import type { Terminal } from "../cli/terminal.ts";
import { setEnv, type EnvChanges } from "../env-file.ts";
import { homePaths, makeHome } from "../home.ts";
import { lockSetup } from "../store/home-lock.ts";
import type { Answers } from "./answers.ts";
import { clackUi, withoutTerminal } from "./clack-ui.ts";
import { createPassingHost } from "./passing-host.ts";
import { plainUi } from "./plain-ui.ts";
import { runSteps, type Run } from "./run-steps.ts";
import type { StepName } from "./outcome.ts";
import type { Setup } from "./step.ts";
import { steps } from "./steps.ts";
import type { Ui } from "./ui.ts";
import { isFine } from "./words.ts";

/** As a shell counts an end by Ctrl-C. */
const LEFT = 130;

/** @returns the exit code. */
export async function setUp(answers: Answers, wanted: readonly StepName[], terminal: Terminal): Promise<number> {
  const isForPerson = !answers.yes && !answers.json;
  if (isForPerson && !(terminal.stdin.isTTY && terminal.stdout.isTTY)) throw new CommandError(withoutTerminal, 2);
  using _lock = lockOnce(terminal);
  const ui = isForPerson ? clackUi(terminal) : plainUi(terminal, answers.json);
  await using passing = createPassingHost(terminal);
  const setup = createSetup({ answers, terminal, ui, passing });
  const run = await runSteps(
    steps.filter(({ name }) => wanted.includes(name)),
    setup,
  );
  ui.summary(run.results, run.cancelled);
  return exitCode(run);
}

const exitCode = ({ results, cancelled }: Run): number =>
  cancelled === undefined ? (results.every(isFine) ? 0 : 1) : LEFT;

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
  let isRestartDue = false;
  return {
    ...{ answers, terminal, ui, passing, config: terminal.config, isRestartDue: () => isRestartDue },
    save: (changes) => {
      assertNotOverruled(changes, terminal);
      const { path, isLinked, isChanged } = setEnv(terminal.config().home, changes);
      if (isLinked) ui.note(`.env is a link; ${path} was written.`);
      isRestartDue ||= isChanged;
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
