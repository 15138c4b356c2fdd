type Method = "debug" | "error" | "info" | "log" | "trace" | "warn";

const methods: readonly Method[] = ["debug", "error", "info", "log", "trace", "warn"];
const QUIET = Symbol.for("nanoclaw.quiet-console");
const LIBRARY = /[\\/]node_modules[\\/]libsignal[\\/]/;

/**
 * libsignal writes whole sessions, private keys included, to the console whenever one is opened or
 * closed. What it says goes nowhere, everybody else's lines pass. Holds for the rest of the process,
 * however often it is asked for: two connections could not take turns in giving it back.
 */
export function keepKeysOffConsole(console: Console): void {
  if (QUIET in console) return;
  Object.defineProperty(console, QUIET, { value: true });
  for (const method of methods) {
    const write = console[method].bind(console);
    console[method] = (...args: unknown[]) => {
      if (!LIBRARY.test(callers())) write(...args);
    };
  }
}

function callers(): string {
  const depth = Error.stackTraceLimit;
  // The caller is two frames up; a deep one could be cut off by a program that wants short traces.
  Error.stackTraceLimit = 10;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = depth;
  return stack;
}
