import { existsSync, readFileSync, realpathSync, writeSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { asObject, parseObject, type Json } from "./json.ts";

export type Engine = "v1" | "v2" | "v3";

/** Misbehaviour that comes with a version, or is switched on and off by name. */
const BUGS = [
  "resume-id-ignored",
  "unknown-id-silent",
  "resume-broken",
  "killed-turn-unresumable",
  "sessions-not-stored",
  "lock-honoured",
  "unknown-agent-silent",
  "agent-needs-upgrade",
  "trust-all-refused",
  "delete-v3-fails",
  "children-left",
  "mcp-off-with-key",
  "footer-on-stdout",
  "refresh-not-written",
  "no-login-url",
] as const;
export type Bug = (typeof BUGS)[number];

export interface Settings {
  version: string;
  platform: string;
  /** What a headless run gets that names no engine. */
  engine?: Engine;
  bugs: Partial<Record<Bug, boolean>>;
  loggedOut?: 1 | 2 | 3;
  device?: "waits" | "succeeds";
  loginKey: string;
  refresh?: boolean;
  /** A folder all stand-ins of one test share: where the service knows its used-up refresh tokens. */
  service?: string;
  keys?: string[];
  models: string[];
  /** Every turn fails so, without a script word. */
  fail?: string;
  finalTextLimit?: number;
  legacyTable?: boolean;
}

const KEYS =
  "version platform engine bugs loggedOut device loginKey refresh service keys models fail finalTextLimit legacyTable".split(
    " ",
  );

export interface Cli {
  readonly settings: Settings;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly home: string;
  since(version: string): boolean;
  out(text: string): void;
  err(text: string): void;
}

/** The end of the run, wherever it is found. */
export class Exit extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

export function leave(cli: Cli, code: number, error?: string): never {
  if (error !== undefined) cli.err(`error: ${error}\n`);
  throw new Exit(code);
}

const DEFAULTS: Settings = {
  version: "2.29.0",
  platform: process.platform,
  bugs: {},
  loginKey: "kirocli:odic:token",
  models: ["auto", "claude-sonnet-4.5", "claude-haiku-4.5", "claude-opus-4.5"],
};

export function createCli(program: string): Cli {
  const env = process.env;
  const home = env.HOME ?? homedir();
  const settings = readSettings(program, home, env);
  return {
    settings,
    env,
    cwd: process.cwd(),
    home,
    since: (version) => atLeast(settings.version, version),
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
  };
}

/** Not through streams: what was written is out, however the process ends. */
function writeAll(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(descriptor, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") process.exit(101); // nobody reads any more
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
}

/** Later ones win: baked in, beside the executable, in the home, by the environment. */
function readSettings(program: string, home: string, env: NodeJS.ProcessEnv): Settings {
  const baked = asObject((globalThis as Json)["kiroStandin"]);
  const files = [join(dirname(realpathSync(program)), "kiro-standin.json"), join(home, ".kiro-standin.json")];
  if (env.KIRO_STANDIN) files.push(env.KIRO_STANDIN);
  const layers = [baked, ...files.filter((file) => existsSync(file)).map(readLayer)];
  const bugs = Object.assign({}, ...layers.map((layer) => asObject(layer["bugs"]))) as Settings["bugs"];
  mustBeKnown(Object.keys(bugs), BUGS);
  for (const layer of layers) mustBeKnown(Object.keys(layer), KEYS);
  return { ...DEFAULTS, ...(Object.assign({}, ...layers) as Partial<Settings>), bugs };
}

/** A misspelt switch would let a test pass for the wrong reason. */
function mustBeKnown(names: readonly string[], known: readonly string[]): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`the stand-in has no setting named ${unknown.join(", ")}`);
}

function readLayer(file: string): Json {
  const layer = parseObject(readFileSync(file, "utf8"));
  if (layer === undefined) throw new Error(`${file} is no JSON object`);
  return layer;
}

function atLeast(version: string, wanted: string): boolean {
  const [have, need] = [version, wanted].map((each) => each.split(".").map(Number)) as [number[], number[]];
  const at = need.findIndex((part, index) => (have[index] ?? 0) !== part);
  return at === -1 || (have[at] ?? 0) > (need[at] ?? 0);
}

/** docs/kiro-facts.md 1, 4, 5 and 10: which version has which bug. */
export function hasBug(cli: Cli, engine: Engine, bug: Bug): boolean {
  const before = (version: string) => !cli.since(version);
  const byVersion: Partial<Record<Bug, boolean>> = {
    "resume-id-ignored": engine !== "v1" && before("2.21.1"), // #11069
    "unknown-id-silent": engine !== "v2" || before("2.21.1"),
    "resume-broken": engine === "v3" && before("2.21.1"),
    "killed-turn-unresumable": engine === "v2" && cli.since("2.14.0"), // #10434
    "sessions-not-stored": cli.settings.version === "2.7.0", // #9461
    "unknown-agent-silent": engine === "v1" || before("2.27.1"),
    "trust-all-refused": engine === "v3" && cli.settings.version.startsWith("2.13."),
    "delete-v3-fails": before("2.21.1"), // #10949
  };
  return cli.settings.bugs[bug] ?? byVersion[bug] ?? false;
}

/** docs/kiro-facts.md 9: `KIRO_HOME` moves `~/.kiro` since 2.3.0, never the database. */
export function kiroHome(cli: Cli): string {
  return (cli.since("2.3.0") && cli.env.KIRO_HOME) || join(cli.home, ".kiro");
}

/** docs/kiro-facts.md 8. */
export function dataDir(cli: Cli): string {
  if (cli.settings.platform === "darwin") return join(cli.home, "Library", "Application Support", "kiro-cli");
  return join(cli.env.XDG_DATA_HOME || join(cli.home, ".local", "share"), "kiro-cli");
}

/** docs/kiro-facts.md 7: the workspace's cli.json over the home's. */
export function kiroSetting(cli: Cli, key: string): unknown {
  const files = [kiroHome(cli), join(cli.cwd, ".kiro")].map((folder) => join(folder, "settings", "cli.json"));
  const layers = files.filter((file) => existsSync(file)).map((file) => parseObject(readFileSync(file, "utf8")) ?? {});
  return (Object.assign({}, ...layers) as Json)[key];
}
