import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileCache, shareCompileCache } from "./compile-cache.ts";
import { until } from "./until.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const SCRIPTS = join(".kiro", "skills", "setup", "scripts");

/** The block that a script printed. */
export type BlockKeys = Record<string, string>;

export interface ScriptEnd {
  exit: number | string;
  stdout: string;
  stderr: string;
  /** The block's name as `""`, and its keys. */
  block: BlockKeys;
}

export interface RunningScript extends AsyncDisposable {
  child: ChildProcess;
  stdout(): string;
  stderr(): string;
  ended: Promise<ScriptEnd>;
}

export interface ScriptOptions {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
}

/** A person with a home and a NanoClaw home of their own, who runs the setup's scripts. */
export interface ScriptSite extends Disposable {
  /** NANOCLAW_HOME. */
  home: string;
  /** Of the person. */
  person: string;
  env: Record<string, string>;
  start(script: string, args?: string[], options?: ScriptOptions): RunningScript;
  run(script: string, args?: string[], options?: ScriptOptions): Promise<ScriptEnd>;
  /** Puts a program before all others on PATH. */
  program(name: string, text: string): void;
  log(): string;
  logMode(): string;
}

/** @param settings of every script; the home's path may be chosen, the folder goes with the site. */
export function openScriptSite(settings: Record<string, string> = {}, root: string = repository): ScriptSite {
  const place = mkdtempSync(join(tmpdir(), "nanoclaw-scripts-"));
  const [person, programs] = [join(place, "person"), join(place, "programs")];
  const home = settings["NANOCLAW_HOME"] ?? join(place, "home with a space");
  for (const folder of [person, programs, home]) mkdirSync(folder, { recursive: true });
  if (settings["NANOCLAW_HOME"] === undefined) {
    shareCompileCache(home);
    chmodSync(join(home, "data"), 0o700); // as the program makes it
  }
  const { PATH = "" } = process.env;
  const env = {
    ...{ PATH: `${programs}${delimiter}${PATH}`, HOME: person, TZ: "UTC", NANOCLAW_HOME: home },
    ...{ NODE_COMPILE_CACHE: compileCache, NANOCLAW_FREE_DISK: "1", ...settings },
  };
  const start: ScriptSite["start"] = (script, args = [], options = {}) =>
    startScript(join(root, SCRIPTS, script), args, { ...options, env: { ...env, ...options.env } });
  const log = join(home, "logs", "setup.log");
  return {
    ...{ home, person, env, start },
    run: (script, args, options) => start(script, args, options).ended,
    program: (name, text) => writeFileSync(join(programs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 }),
    log: () => readFileSync(log, "utf8"),
    logMode: () => (statSync(log).mode & 0o777).toString(8),
    [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true, maxRetries: 5 }),
  };
}

function startScript(path: string, args: string[], { env, input, cwd }: ScriptOptions): RunningScript {
  const child = spawn(path, args, { env, cwd: cwd ?? "/", stdio: ["pipe", "pipe", "pipe"] });
  const out = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (out[name] += text));
  }
  child.stdin.on("error", () => {}); // it read nothing
  child.stdin.end(input);
  const ended = new Promise<ScriptEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ exit: code ?? signal ?? "unknown", ...out, block: readBlock(out.stdout) });
    });
  });
  return {
    ...{ child, ended },
    stdout: () => out.stdout,
    stderr: () => out.stderr,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
      await ended;
    },
  };
}

/** @throws unless it is there exactly once, at the end, and made of `KEY: value` lines alone. */
export function readBlock(stdout: string): BlockKeys {
  const lines = stdout.split("\n").slice(0, -1);
  const at = lines.findIndex((line) => line.startsWith("=== "));
  const [, name] = /^=== NANOCLAW SETUP: ([A-Z_]+) ===$/.exec(lines[at] ?? "") ?? [];
  if (name === undefined || lines.at(-1) !== "=== END ===") throw new Error(`no block at the end of:\n${stdout}`);
  const keys = lines.slice(at + 1, -1).map((line): [string, string] => {
    const [, key, value] = /^([A-Z_]+): (.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw new Error(`"${line}" is no line of a block`);
    return [key, value];
  });
  if (new Set(keys.map(([key]) => key)).size !== keys.length) throw new Error(`a key stands there twice:\n${stdout}`);
  return { "": name, ...Object.fromEntries(keys) };
}

/** A clone without packages. `src` is this repository's: what it imports is found beside it. */
export function bareClone(): { root: string } & Disposable {
  const place = mkdtempSync(join(tmpdir(), "nanoclaw-clone-"));
  const root = join(place, "it's a clone");
  for (const name of [".kiro", "bin", "package.json", "package-lock.json"]) {
    cpSync(join(repository, name), join(root, name), { recursive: true });
  }
  symlinkSync(join(repository, "src"), join(root, "src"));
  return { root, [Symbol.dispose]: () => rmSync(place, { recursive: true, force: true, maxRetries: 5 }) };
}

export const packages = join(repository, "node_modules");

/** Resolves when the running script has written this to either output. */
export const says = (script: RunningScript, text: string): Promise<void> =>
  until(() => script.stdout().includes(text) || script.stderr().includes(text));
