import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { Command } from "commander";
import { findProgram } from "../../src/cli/find-program.ts";
import { addSetup } from "../../src/cli/setup.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { loadConfig } from "../../src/config.ts";
import { checkoutSource } from "../../src/containers.ts";
import { homePaths } from "../../src/home.ts";
import { PROTOCOL_LABEL, SOURCE_LABEL } from "../../src/runtime/docker/image.ts";
import { nanoclaw, type Command as Run } from "./command.ts";
import { compileCache } from "./compile-cache.ts";
import { onLinux, processesOf } from "./processes.ts";
import { until } from "./until.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAM = join(ROOT, "bin", "nanoclaw");
const MANAGERS = fileURLToPath(new URL("fixtures/service-programs", import.meta.url));
const DOCKER = fileURLToPath(new URL("fixtures/docker.sh", import.meta.url));

/** How the stand-in for Docker behaves: see `fixtures/docker.sh`. */
export type DockerWay = "up" | "down" | "denied";
export type BuildWay = "builds" | "fails" | "fills-disk" | "stops" | "hangs";

/** A line of `setup --json`. */
export interface Line {
  step: string;
  status: string;
  detail: string;
  cure?: string;
  flag?: string;
  type?: string;
  qr?: string;
  code?: string;
  [list: string]: unknown;
}

/** A person of this machine with a home of their own, an empty NanoClaw, and programs of our making on the PATH. */
export interface SetupSite extends Disposable {
  home: string;
  person: string;
  bin: string;
  env: Record<string, string>;
  run(args: string[], env?: Record<string, string>, input?: string): Run;
  /** `setup --json` to its end, in this process: quicker. Rejects for flags that are wrong. */
  setup(args: string[], env?: Record<string, string>, input?: string): Promise<{ exit: number; lines: Line[] }>;
  /** At a terminal. */
  interactive(args?: string[], env?: Record<string, string>): Dialogue;
  docker(way: DockerWay, build?: BuildWay): void;
  /** The image is there already. */
  image(): void;
  /** A host that answers in the home, as `/control/status` says it. */
  serving(host: { pid: number; startedAt: number; agent: string }): Promise<AsyncDisposable>;
  /** There is a manager of services, as `fixtures/service-programs` says. */
  manager(): void;
  /** Command lines that it was asked. */
  managerCalls(): string[];
  /** Command lines that the stand-in for Docker was called with. */
  dockerCalls(): string[];
  read(path: string): string;
}

export function openSetupSite(): SetupSite {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-setup-"));
  const [home, person, bin] = [join(root, "home"), join(root, "person"), join(root, "bin")];
  for (const folder of [person, bin]) mkdirSync(folder);
  linkTools(bin);
  const labels = { [PROTOCOL_LABEL]: String(PROTOCOL_VERSION), [SOURCE_LABEL]: checkoutSource() ?? "" };
  const env = {
    ...{ HOME: person, PATH: bin, XDG_RUNTIME_DIR: join(root, "run") },
    ...{ XDG_CONFIG_HOME: "", XDG_DATA_HOME: "", NANOCLAW_WHATSAPP_URL: "ws://127.0.0.1:9" },
  };
  const run: SetupSite["run"] = (args, changes = {}, input) =>
    nanoclaw(home, args, { env: { ...env, ...changes }, ...(input !== undefined && { input }) });
  return {
    ...{ home, person, bin, env, run },
    setup: (args, changes = {}, input = "") =>
      setUpHere(home, { TZ: "UTC", NANOCLAW_FREE_DISK: "1", ...env, ...changes }, args, input),
    interactive: (args = [], changes = {}) =>
      openDialogue(["setup", ...args], { ...env, NANOCLAW_HOME: home, NANOCLAW_FREE_DISK: "1", ...changes }),
    docker: (way, build = "builds") => {
      writeFileSync(join(bin, "docker"), readFileSync(DOCKER), { mode: 0o755 });
      writeFileSync(join(bin, "docker.way"), way);
      writeFileSync(join(bin, "docker.build"), build);
      writeFileSync(join(bin, "docker.labels"), JSON.stringify(labels));
    },
    manager: () => {
      mkdirSync(join(root, "stand-ins"), { recursive: true });
      for (const name of ["launchctl", "systemctl", "loginctl", "plutil"]) {
        const line = `STAND_IN='${join(root, "stand-ins")}' exec '${process.execPath}' '${join(MANAGERS, `${name}.ts`)}' "$@"`;
        writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 });
      }
    },
    serving: (host) => serveStatus(homePaths(home).socket, host),
    image: () => writeFileSync(join(bin, "docker.image"), ""),
    dockerCalls: () => linesIn(join(bin, "docker.calls")),
    managerCalls: () => linesIn(join(root, "stand-ins", "calls")),
    read: (path) => readFileSync(join(root, path), "utf8"),
    [Symbol.dispose]: () => {
      const left = leftOf(root);
      rmSync(root, { recursive: true, force: true, maxRetries: 5 });
      if (left.length > 0) throw new Error(`Still running after the test:\n${left.join("\n")}`);
    },
  };
}

const LEAVING_MS = 10_000;

/** What was ended may need a moment to go; nothing else may be there. */
function leftOf(root: string): string[] {
  if (!onLinux) return [];
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (const since = performance.now(); ; Atomics.wait(pause, 0, 0, 25)) {
    const left = processesOf(root);
    if (left.length === 0 || performance.now() - since > LEAVING_MS) return left;
  }
}

async function serveStatus(socket: string, host: object): Promise<AsyncDisposable> {
  mkdirSync(dirname(socket), { recursive: true, mode: 0o700 });
  const server = createServer((_request, response) => void response.end(JSON.stringify(host)));
  await once(server.listen(socket), "listening");
  return { [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
}

const linesIn = (path: string): string[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];

async function setUpHere(home: string, env: Record<string, string>, args: string[], input: string) {
  let said = "";
  let exit = -1;
  const output = { isTTY: false, write: (text: string) => void (said += text) } as unknown as NodeJS.WriteStream;
  const terminal: Terminal = {
    config: () => loadConfig({ env: { ...env, NANOCLAW_HOME: home }, defaultHome: home }),
    ...{ homePath: () => home, root: ROOT, env, interrupted: new AbortController().signal },
    ...{ stdin: Readable.from([input]) as unknown as NodeJS.ReadStream, stdout: output, stderr: output },
  };
  const program = new Command();
  addSetup(program, terminal, (code) => void (exit = code));
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => {} });
  }
  await program.parseAsync(["setup", "--json", ...args], { from: "user" });
  return { exit, lines: parsed(said) };
}

const parsed = (said: string): Line[] =>
  said
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

export const linesOf = (run: Run): Line[] => parsed(run.stdout().replace(/[^\n]*$/, ""));

/** Each step once, as it ended. */
export const endsOf = (lines: readonly Line[]): Record<string, string> =>
  Object.fromEntries(lines.filter(({ status }) => status !== "waiting").map(({ step, status }) => [step, status]));

export const lineOf = (lines: readonly Line[], step: string): Line => {
  const line = lines.findLast((one) => one.step === step && one.status !== "waiting");
  if (!line) throw new Error(`there is no line of ${step}`);
  return line;
};

/** The machine's own engines, Kiro and service manager are none of a test's business. */
function linkTools(bin: string): void {
  for (const tool of ["cat", "dirname", "readlink", "sh", "sleep", "stty"]) symlinkSync(toolAt(tool), join(bin, tool));
  symlinkSync(process.execPath, join(bin, "node"));
}

function toolAt(name: string): string {
  const path = findProgram(name, process.env);
  if (path === undefined) throw new Error(`this machine has no ${name}`);
  return path;
}

export const keys = { enter: "\r", clear: "\u0015", down: "\u001b[B", ctrlC: "\u0003", space: " " } as const;

/** A person at a terminal. */
export interface Dialogue extends AsyncDisposable {
  /** What was shown, without colours and moves of the cursor. */
  screen(): string;
  /** Waits until this is asked (text), or was shown since the last answer, then types. Rejects when the command ends before. */
  answer(shown: string | RegExp, typed: string): Promise<void>;
  says(shown: string | RegExp): Promise<void>;
  /** The terminal is closed, and the command with it. */
  hangUp(): void;
  ended: Promise<number | string>;
}

/** `script` of util-linux gives the command a terminal. */
function openDialogue(args: string[], env: Record<string, string>): Dialogue {
  const command = 'stty cols 200 rows 50; exec "$PROGRAM" "$@"';
  // What `script` runs gets no arguments of its own.
  const words = args.map((arg) => `'${arg}'`).join(" ");
  const child = spawn(toolAt("script"), ["-qefc", `set -- ${words}; ${command}`, "/dev/null"], {
    env: {
      ...{ TZ: "UTC", TERM: "xterm", SHELL: "/bin/sh", NODE_COMPILE_CACHE: compileCache },
      ...{ PROGRAM: PROGRAM, ...env },
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let shown = "";
  let read = 0;
  let isOver = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (shown += text));
  }
  child.stdin.on("error", () => {}); // it ended first
  const ended = new Promise<number | string>((resolve) =>
    child.once("close", (code, signal) => {
      isOver = true;
      resolve(code ?? signal ?? "unknown");
    }),
  );
  const plain = (text: string) => stripVTControlCharacters(text);
  const says = async (wanted: string | RegExp) => {
    const has = () => {
      const text = plain(shown.slice(read));
      return typeof wanted === "string" ? text.includes(`◆  ${wanted}`) : wanted.test(text);
    };
    await until(() => has() || isOver);
    if (!has()) throw new Error(`It ended without showing ${String(wanted)}:\n${plain(shown)}`);
  };
  return {
    screen: () => plain(shown),
    says,
    ended,
    hangUp: () => void child.kill("SIGKILL"),
    answer: async (wanted, typed) => {
      await says(wanted);
      read = shown.length;
      child.stdin.write(typed);
    },
    [Symbol.asyncDispose]: async () => {
      if (!isOver) child.kill("SIGTERM");
      child.stdin.end();
      await ended;
    },
  };
}
