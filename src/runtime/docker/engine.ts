import { spawn } from "node:child_process";
import type { ErrorClass } from "@nanoclaw/agent-runner/protocol";
import type { Clock } from "../../domain/clock.ts";
import { LaunchError } from "../runtime.ts";

export interface EngineResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** The engine's command line client: argument arrays, never a shell, never blocking the host. */
export interface Engine {
  /** The client's program, `docker` or `podman`. */
  readonly program: string;
  readonly env: Record<string, string>;
  /**
   * @returns what the client said, whatever its exit code.
   * @throws {LaunchError} class `engine-down` when the client is missing or does not come back.
   */
  call(...args: string[]): Promise<EngineResult>;
  /** The same with a limit of its own; undefined when it is over, and the client is ended. */
  callWithin(ms: number, ...args: string[]): Promise<EngineResult | undefined>;
  /** The same; @throws {LaunchError} also for an exit code that is not 0, classed by what was said. */
  need(...args: string[]): Promise<string>;
}

export interface EngineOptions {
  program: string;
  env: NodeJS.ProcessEnv;
  clock: Clock;
}

/** A client that says nothing for so long waits for an engine that hangs. */
const CALL_MS = 30_000;
const KEPT_CHARACTERS = 1024 * 1024;

export function createEngine({ program, env, clock }: EngineOptions): Engine {
  const kept = clientEnvironment(env);
  const callWithin = async (ms: number, ...args: string[]): Promise<EngineResult | undefined> => {
    const child = spawn(program, args, { env: kept, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const over = new AbortController();
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        if (output[name].length < KEPT_CHARACTERS) output[name] += text;
      });
    }
    const ended = new Promise<number>((resolve, reject) => {
      child.once("error", (error) => reject(down(`${program} cannot be run: ${error.message}`)));
      child.once("close", (code) => resolve(code ?? 1));
    });
    const late = clock.sleep(ms, over.signal).then(() => "late" as const);
    try {
      const first = await Promise.race([ended, late]);
      if (first !== "late") return { code: first, ...output };
      child.kill("SIGKILL");
      return undefined;
    } finally {
      over.abort();
    }
  };
  const call = async (...args: string[]): Promise<EngineResult> => {
    const result = await callWithin(CALL_MS, ...args);
    if (!result) throw down(`${program} ${args[0] ?? ""} did not come back within ${CALL_MS} ms`);
    return result;
  };
  const need = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await call(...args);
    if (code !== 0) throw new LaunchError(classifyEngineError(stderr), firstLines(stderr));
    return stdout.trim();
  };
  return { program, env: kept, call, callWithin, need };
}

const down = (message: string): LaunchError => new LaunchError("engine-down", message);

/** What the client needs to find its engine; nothing of ours. */
function clientEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const names = [
    "PATH",
    "HOME",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "CONTAINER_HOST",
  ];
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}

const classes: readonly [RegExp, ErrorClass][] = [
  [
    /cannot connect to the docker daemon|error during connect|docker daemon is not running|permission denied while trying to connect|cannot connect to podman|connection refused|unexpected EOF|context deadline exceeded|transport is closing|containerd\.sock/i,
    "engine-down",
  ],
  // A person may use up the networks that an engine can make; it works again when one is removed.
  [/could not find an available, non-overlapping/i, "engine-down"],
  [/unable to find image|no such image|image not known|pull access denied/i, "image-mismatch"],
  [/no space left on device|disk quota exceeded/i, "disk"],
];

/** The class of a failure, from what the client said on stderr. */
export const classifyEngineError = (stderr: string): ErrorClass =>
  classes.find(([pattern]) => pattern.test(stderr))?.[1] ?? "crash";

export const isNameConflict = (stderr: string): boolean => /conflict.*name|name .*already in use/i.test(stderr);
export const isNetworkUnusable = (stderr: string): boolean =>
  /network \S+ (not found|is ambiguous)|unable to find network/i.test(stderr);
export const isNoSuchContainer = (stderr: string): boolean =>
  /no such (container|object)|no container with/i.test(stderr);

/** What matters of a client's or program's complaint: its lines that name an error, else the first ones. */
export function firstLines(text: string): string {
  const lines = text.trim().split("\n");
  const errors = lines.filter((line) => /error/i.test(line));
  return (errors.length > 0 ? errors : lines).slice(0, 3).join(" ").slice(0, 500);
}
