import type { Terminal } from "../cli/terminal.ts";
import type { Config } from "../config.ts";
import type { EnvChanges } from "../env-file.ts";
import type { Answers } from "./answers.ts";
import type { Outcome, StepName } from "./outcome.ts";
import type { PassingHost } from "./passing-host.ts";
import type { Ui } from "./ui.ts";

export type State =
  | { kind: "done"; detail: string }
  | { kind: "todo"; detail: string }
  /** `waitsFor`: the step that would make it possible. */
  | { kind: "impossible"; detail: string; cure?: string; waitsFor?: StepName };

export interface Step {
  name: StepName;
  title: string;
  /** As things stand; changes nothing. */
  look(setup: Setup): Promise<State>;
  /**
   * Does what is still to do.
   * @throws {Cancelled} when the person wants to go.
   * @throws anything else when it failed; the message says why.
   */
  run(setup: Setup): Promise<Outcome>;
}

/** What every step gets. */
export interface Setup {
  terminal: Terminal;
  answers: Answers;
  ui: Ui;
  /** As the settings stand now. */
  config(): Config;
  /** Writes settings to `.env`; a host that runs knows them after its next start. */
  save(changes: EnvChanges): void;
  passing: PassingHost;
}
