import { isAbsolute, join } from "node:path";

type Environment = Readonly<Record<string, string | undefined>>;

/** Of the runner's environment: its own affairs, and what would point Kiro somewhere else. */
const notPassedOn = new Set([
  "NANOCLAW_KIRO_PROBE",
  "NODE_COMPILE_CACHE",
  "KIRO_API_KEY",
  "KIRO_HOME",
  "KIRO_AGENT_ENGINE",
  "KIRO_DATA_DIR",
]);

/** The home that Kiro lives in: its login, its agents, its conversations. */
export const kiroHome = (env: Environment): string => env["NANOCLAW_REAL_HOME"] || env["HOME"] || "/";

/** Pinned by a test: what Kiro, and with it every command of the model, can see. */
export function kiroEnvironment(env: Environment, secrets: Readonly<Record<string, string>>): Record<string, string> {
  const passedOn: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !notPassedOn.has(name)) passedOn[name] = value;
  }
  const home = kiroHome(env);
  // Another home than the person's is another store too, wherever theirs has been moved to.
  const moved = home === env["HOME"] ? {} : { XDG_DATA_HOME: join(home, ".local", "share") };
  const key = secrets["KIRO_API_KEY"];
  return {
    ...passedOn,
    HOME: home,
    ...moved,
    ...(key ? { KIRO_API_KEY: key } : {}),
    NO_COLOR: "1",
    KIRO_NO_AUTO_UPDATE: "1",
    KIRO_DISABLE_TELEMETRY: "1",
  };
}

export interface KiroStores {
  /** The classic engine's database. */
  database: string;
  /** The folder of V2's session files. */
  sessions: string;
}

/** Where Kiro keeps conversations when it runs in this environment. */
export function kiroStores(env: Record<string, string>, platform: NodeJS.Platform): KiroStores {
  const home = env["HOME"] ?? "/";
  const shared = env["XDG_DATA_HOME"] ?? "";
  const elsewhere = isAbsolute(shared) ? shared : join(home, ".local", "share");
  const data = platform === "darwin" ? join(home, "Library", "Application Support") : elsewhere;
  return { database: join(data, "kiro-cli", "data.sqlite3"), sessions: join(home, ".kiro", "sessions", "cli") };
}
