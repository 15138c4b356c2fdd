import { loadConfig } from "../../src/config.ts";
import { createProgram } from "../../src/cli/main.ts";
import { CommandError } from "../../src/cli/outcome.ts";
import type { Terminal } from "../../src/cli/terminal.ts";

export interface CommandLineOptions {
  env?: Record<string, string>;
  interrupted?: AbortSignal;
  /** Characters of a line of the terminal. */
  columns?: number;
  onOutput?(text: string): void;
}

/** A command in this process, without a terminal: a process of its own takes a second. */
export async function commandLine(
  home: string,
  args: string[],
  { env = {}, interrupted = new AbortController().signal, columns, onOutput = () => {} }: CommandLineOptions = {},
) {
  const said = { stdout: "", stderr: "" };
  const stream = (name: keyof typeof said) => ({
    columns,
    isTTY: false,
    write: (text: string) => {
      said[name] += text;
      onOutput(text);
      return true;
    },
  });
  const { PATH = "" } = process.env;
  // Some of these homes are on tiny disks.
  const own = { PATH, HOME: home, TZ: "UTC", NANOCLAW_HOME: home, NANOCLAW_FREE_DISK: "1", ...env };
  const terminal = {
    config: () => loadConfig({ env: own, defaultHome: home }),
    homePath: () => home,
    root: home,
    env: own,
    ...{ stdin: process.stdin, stdout: stream("stdout"), stderr: stream("stderr"), interrupted },
  } as unknown as Terminal;
  const exit = await createProgram(terminal)
    .parseAsync(["node", "nanoclaw", ...args])
    .then(
      () => 0,
      (error: unknown) => {
        if (!(error instanceof CommandError)) throw error;
        said.stderr += `${error.message}\n`;
        return error.exitCode;
      },
    );
  return { exit, ...said };
}
