import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCapabilities, type Capabilities } from "../../container/agent-runner/src/backends/kiro/capabilities.ts";
import { commandLine } from "../../container/agent-runner/src/backends/kiro/command-line.ts";
import { kiroStores } from "../../container/agent-runner/src/backends/kiro/environment.ts";
import type { Resume } from "../../container/agent-runner/src/backends/kiro/resume.ts";
import { createReportRedactor } from "./redact.ts";
import type { Prompts } from "./prompts.ts";
import { runCommand, type Command } from "./run-command.ts";
import { readRun, type Run, type Way } from "./runs.ts";
import { changes, loginSecrets, removeOwn, snapshot, type Places } from "./stores.ts";
import { isBefore } from "./version.ts";

export interface LabOptions {
  program: string;
  /** The person's environment. */
  env: NodeJS.ProcessEnv;
  home: string;
  platform: NodeJS.Platform;
  prompts: Prompts;
  limitMs: number;
  signal: AbortSignal;
  user: string;
  host: string;
}

/** What is known before the first question. */
export interface Facts {
  version: string;
  mode: "key" | "login";
  loggedIn: boolean;
  capabilities: Capabilities;
  /** Every engine that it knows, and how it can be asked to speak. */
  ways: readonly Way[];
  /** The runner's own. */
  main: Way;
}

export interface Chat extends Partial<Pick<Command, "cwd" | "endAt" | "limitMs">> {
  prompt: string;
  /** On stdin, where the runner gives it, unless it is to be an argument. */
  as?: readonly string[];
  way?: Way;
  resume?: Resume;
  agent?: string;
  model?: string;
  /** Whoever's agent runs, its tools are not trusted. */
  careful?: true;
  env?: Readonly<Record<string, string | undefined>>;
}

export interface Lab {
  readonly prompts: Prompts;
  /** An environment without any credentials. */
  readonly nobody: Readonly<Record<string, string | undefined>>;
  readonly places: Places;
  facts(): Promise<Facts>;
  /** A new working directory with the probe's agent in it. */
  folder(agent?: (cwd: string) => Record<string, unknown>): string;
  run(name: string, args: readonly string[], how?: Omit<Chat, "prompt"> & { input?: string }): Promise<Run>;
  chat(facts: Facts, name: string, chat: Chat): Promise<Run>;
  /** Removes what the probe made; says what it could not remove. */
  remove(): string[];
}

export const AGENT = "nanoclaw-probe";
const LOG = "mcp.log";

/** Of the person's environment: what a program needs to run and to reach the network. */
const PASSED_ON =
  /^(PATH|LANG|LC_\w+|TERM|TMPDIR|TZ|SHELL|USER|LOGNAME|NODE_EXTRA_CA_CERTS|NODE_USE_SYSTEM_CA|SSL_CERT_\w+|\w+_proxy)$/i;

export function createLab({ program, platform, prompts, limitMs, signal, ...person }: LabOptions): Lab {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-kiro-probe-")));
  const key = person.env["KIRO_API_KEY"] || undefined;
  const base = environmentOf(person.env, key, key === undefined ? person.home : folderIn(root, "home"));
  const nowhere = folderIn(root, "nobody");
  const nobody = { HOME: nowhere, XDG_DATA_HOME: join(nowhere, ".local", "share"), KIRO_API_KEY: undefined };
  const { database, sessions } = kiroStores(base, platform);
  const places: Places = { root, database, sessions: dirname(sessions) };
  const first = snapshot(places);
  const ids = new Set<string>();
  const secrets = new Set<string>();
  /** A login may be renewed at any time; the values it had before count as long. */
  const redact = (text: string): string => {
    for (const secret of key === undefined ? loginSecrets(database) : [key]) secrets.add(secret);
    return createReportRedactor({ ...person, secrets: [...secrets], temporary: root })(text);
  };
  redact("");

  const run: Lab["run"] = async (name, args, how = {}) => {
    const { cwd = root, input = "", way } = how;
    const before = snapshot(places);
    const env = defined({ ...base, ...how.env });
    const outcome = await runCommand({ limitMs, ...how, program, args, cwd, env, input, signal });
    const run: Run = { name, args, input, ...outcome, way, asked: linesIn(join(cwd, LOG)), stores: [] };
    const { session } = readRun(run);
    if (session !== undefined) ids.add(session);
    return redacted({ ...run, stores: changes(places, before, ids) }, redact);
  };
  return {
    ...{ prompts, nobody, places, run },
    facts: () => findFacts(run, key),
    folder: (agent) => agentFolder(root, { prompt: prompts.agent }, agent),
    chat(facts, name, { prompt, as, ...how }) {
      const cwd = how.cwd ?? this.folder();
      const line = [...lineOf(facts, how), ...(as ?? [])];
      return run(name, line, { ...how, cwd, way: how.way ?? facts.main, input: as ? "" : prompt });
    },
    remove: () => {
      const left = removeOwn(places, first, ids).map(redact);
      rmSync(root, { recursive: true, force: true });
      return left;
    },
  };
}

function folderIn(root: string, name: string): string {
  mkdirSync(join(root, name), { recursive: true });
  return join(root, name);
}

/** What kiro-cli gets: of the person's environment only what is needed, and what the runner sets. */
function environmentOf(env: NodeJS.ProcessEnv, key: string | undefined, home: string): Record<string, string> {
  const isPassedOn = (name: string) => PASSED_ON.test(name) || (key === undefined && name.startsWith("XDG_"));
  const passed = Object.fromEntries(Object.entries(env).filter(([name]) => isPassedOn(name)));
  const moved = key === undefined ? {} : { XDG_DATA_HOME: join(home, ".local", "share"), KIRO_API_KEY: key };
  const quiet = { NO_COLOR: "1", KIRO_NO_AUTO_UPDATE: "1", KIRO_DISABLE_TELEMETRY: "1" };
  return defined({ ...passed, HOME: home, ...moved, ...quiet });
}

/** The runner's own command line, with another engine in the place of its own. */
function lineOf({ capabilities, main }: Facts, { way = main, careful, ...how }: Omit<Chat, "prompt">): string[] {
  const flags = capabilities.flags.filter((flag) => !(careful && flag === "--trust-all-tools"));
  const engines = { v2: way.args, classic: way.args };
  const { agent = AGENT, model = null, resume = { kind: "none", why: null } } = how;
  return commandLine({ ...capabilities, flags, streamJson: way.stream, engines }, { agent, model, resume });
}

function agentFolder(root: string, base: Record<string, unknown>, agent: Parameters<Lab["folder"]>[0]): string {
  const cwd = folderIn(root, `work-${randomUUID().slice(0, 8)}`);
  const content = { name: AGENT, description: "", ...base, tools: [], includeMcpJson: false, ...agent?.(cwd) };
  writeFileSync(join(folderIn(cwd, ".kiro/agents"), `${AGENT}.json`), JSON.stringify(content));
  return cwd;
}

const linesIn = (path: string): string[] => (existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : []);

const redacted = (run: Run, redact: (text: string) => string): Run => ({
  ...run,
  args: run.args.map(redact),
  input: redact(run.input),
  stdout: redact(run.stdout),
  stderr: redact(run.stderr),
  leftBehind: run.leftBehind.map(redact),
  stores: run.stores.map(redact),
});

const defined = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));

/** The agent file of the questions about tools: the server is started by the Node that runs the probe. */
export function agentWithServer(cwd: string): Record<string, unknown> {
  const server = fileURLToPath(new URL("mcp-server.ts", import.meta.url));
  const env = { PROBE_LOG: join(cwd, LOG) };
  const probe = { command: process.execPath, args: [server], env, timeout: 30_000 };
  return { mcpServers: { probe }, tools: ["@probe"], allowedTools: ["@probe"] };
}

async function findFacts(run: Lab["run"], key: string | undefined): Promise<Facts> {
  const version = await run("version", ["--version"]);
  const { stdout, stderr } = await run("help", ["chat", "--help"]);
  const whoami = await run("whoami", ["whoami"]);
  const capabilities = readCapabilities(version.stdout, `${stdout}\n${stderr}`);
  const ways = waysOf(capabilities, stdout);
  const [main = unnamed("classic")] = ["stream-v2", "plain-classic"].flatMap(
    (name) => ways.find((way) => way.name === name) ?? [],
  );
  const known = { version: capabilities.version ?? "0.0.0", capabilities, ways, main };
  if (key === undefined) return { ...known, mode: "login", loggedIn: whoami.code === 0 };
  // What whoami says of a key is one of the questions; before 2.0 there were none.
  return { ...known, mode: "key", loggedIn: !isBefore(known.version, "2.0.0") };
}

export const unnamed = (engine: Way["engine"]): Way => ({ name: "default", engine, args: [], stream: false });

function waysOf({ flags, engines, streamJson }: Capabilities, help: string): Way[] {
  const named = /--agent-engine[\s\S]{0,300}?\b(v3|kas)\b/.exec(help)?.[1];
  const v3 = flags.includes("--v3") ? ["--v3"] : named ? ["--agent-engine", named] : null;
  return Object.entries({ ...engines, v3 }).flatMap(([name, args]): Way[] => {
    if (args === null) return [];
    const engine = name as Way["engine"];
    const plain: Way = { name: `plain-${engine}`, engine, args, stream: false };
    return streamJson && engine !== "classic" ? [{ ...plain, name: `stream-${engine}`, stream: true }, plain] : [plain];
  });
}
