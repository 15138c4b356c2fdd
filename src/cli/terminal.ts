import type { Config } from "../config.ts";

/** What every command gets from the process it runs in. */
export interface Terminal {
  config(): Config;
  /** Where state lies, whether its settings can be used or not. */
  homePath(): string;
  /** Where the program lies. */
  root: string;
  env: NodeJS.ProcessEnv;
  stdin: NodeJS.ReadStream;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  /** Aborts at the first Ctrl-C or SIGTERM; the second one ends the process at once. */
  interrupted: AbortSignal;
}
