import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Options } from "./arguments.ts";
import { dataDir, hasBug, leave, type Cli, type Engine } from "./cli.ts";
import { asText, parseObject, type Json } from "./json.ts";

/** docs/kiro-facts.md 8: these rows are a login; `…:device-registration` alone is none. */
const TOKENS = ["kirocli:social:token", "kirocli:odic:token", "kirocli:external-idp:token", "codewhisperer:odic:token"];
const REGISTRATION = "kirocli:odic:device-registration";
const HOUR = 3_600_000;

export type Credential =
  { kind: "key"; value: string } | { kind: "token"; row: string; token: Json; old: boolean } | undefined;

export async function openDatabase(cli: Cli): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  try {
    mkdirSync(dataDir(cli), { recursive: true });
    const db = new DatabaseSync(join(dataDir(cli), "data.sqlite3"));
    db.exec("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL");
    db.exec(`CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, migration_time INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, value BLOB);
      CREATE TABLE IF NOT EXISTS auth_kv (key TEXT PRIMARY KEY, value TEXT);
      CREATE TABLE IF NOT EXISTS conversations (key TEXT PRIMARY KEY, value TEXT);
      CREATE TABLE IF NOT EXISTS conversations_v2 (key TEXT NOT NULL, conversation_id TEXT NOT NULL, value TEXT NOT NULL,
        created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (key, conversation_id))`);
    return db;
  } catch (error) {
    return leave(cli, 1, `Failed to open database: ${String(error)}`);
  }
}

/** A key wins over a login, since 2.0. A token past its time is renewed, or is no login any more. */
export function credential(cli: Cli, db: DatabaseSync): Credential {
  if (cli.env.KIRO_API_KEY && cli.since("2.0.0")) return { kind: "key", value: cli.env.KIRO_API_KEY };
  for (const row of TOKENS) {
    const found = db.prepare("SELECT value FROM auth_kv WHERE key = ?").get(row)?.["value"];
    const token = parseObject(asText(found));
    if (token === undefined || asText(token["access_token"]) === "") continue;
    const old = !(Date.parse(asText(token["expires_at"])) > Date.now());
    return { kind: "token", row, token, old };
  }
  return undefined;
}

/** Refresh tokens rotate: each is good once, and the service remembers (#9103). */
export function renewed(cli: Cli, db: DatabaseSync, engine: Engine, force: boolean): Credential {
  const found = credential(cli, db);
  if (found?.kind !== "token" || (!found.old && !force)) return found;
  if (!takenByService(cli, asText(found.token["refresh_token"]))) {
    db.prepare("DELETE FROM auth_kv WHERE key = ?").run(found.row);
    return undefined;
  }
  const fresh = { ...found.token, ...newTokens() };
  if (!hasBug(cli, engine, "refresh-not-written")) writeRow(db, found.row, fresh); // #4847
  return { ...found, token: fresh, old: false };
}

function takenByService(cli: Cli, token: string): boolean {
  if (token === "") return false;
  if (cli.settings.service === undefined) return true;
  mkdirSync(cli.settings.service, { recursive: true });
  try {
    writeFileSync(join(cli.settings.service, createHash("sha256").update(token).digest("hex")), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

const newTokens = (): Json => ({
  access_token: `at_${randomUUID()}`,
  refresh_token: `rt_${randomUUID()}`,
  expires_at: new Date(Date.now() + HOUR).toISOString(),
});

function writeRow(db: DatabaseSync, key: string, value: Json): void {
  db.prepare("INSERT OR REPLACE INTO auth_kv (key, value) VALUES (?, ?)").run(key, JSON.stringify(value));
}

function logIn(cli: Cli, db: DatabaseSync): void {
  const row = cli.settings.loginKey;
  const kind = row.includes(":social:")
    ? { provider: "google", profile_arn: "arn:aws:codewhisperer:us-east-1:000000000000:profile/STANDIN" }
    : { region: "us-east-1", start_url: "https://view.awsapps.com/start", oauth_flow: "DeviceCode", scopes: [] };
  register(db);
  writeRow(db, row, { ...newTokens(), ...kind });
}

function register(db: DatabaseSync): void {
  writeRow(db, REGISTRATION, { client_id: "standin", client_secret: "standin", region: "us-east-1" });
}

/** The three things a headless run does without credentials (docs/kiro-facts.md 8); way 2 leaves a registration behind. */
export async function loggedOut(cli: Cli, db: DatabaseSync, engine: Engine, chosen?: number): Promise<void> {
  const known = db.prepare("SELECT 1 FROM auth_kv WHERE key = ?").get(REGISTRATION) !== undefined;
  const usual = engine === "v3" || !cli.since("2.0.0") ? 3 : known ? 1 : 2;
  const way = chosen ?? cli.settings.loggedOut ?? usual;
  if (way === 3) return leave(cli, 1, "You are not logged in, please log in with kiro-cli login");
  if (way === 1) return deviceFlow(cli, db, engine, cli.settings.device ?? "waits");
  register(db);
  cli.out("▰▰▱▱▱▱▱ Opening browser... | Press (^) + C to cancel");
  cli.err("Failed to open browser for authentication.\nPlease try again with: kiro-cli login --use-device-flow\n");
  return leave(cli, 1, "No such file or directory (os error 2)");
}

async function deviceFlow(cli: Cli, db: DatabaseSync, engine: Engine, device: "waits" | "succeeds"): Promise<void> {
  cli.out("\nConfirm the following code in the browser\nCode: STND-IN00\n\n");
  const url = "https://view.awsapps.com/start/#/device?user_code=STND-IN00";
  if (!hasBug(cli, engine, "no-login-url")) cli.out(`Open this URL: ${url}\n`); // #10975
  cli.out("▰▰▱▱▱▱▱ Logging in...");
  if (device === "waits") await forEver();
  logIn(cli, db);
  cli.out("\rLogged in\n");
}

export function forEver(): Promise<never> {
  return new Promise(() => setInterval(() => undefined, HOUR));
}

export async function login(cli: Cli, options: Options): Promise<void> {
  const db = await openDatabase(cli);
  if (renewed(cli, db, "v2", false) !== undefined) {
    leave(cli, 1, "Already logged in, please logout with kiro-cli logout first");
  }
  if (!options.flags.has("--use-device-flow")) return loggedOut(cli, db, "v2", 2);
  await deviceFlow(cli, db, "v2", cli.settings.device ?? "succeeds");
}

export async function logout(cli: Cli): Promise<void> {
  const db = await openDatabase(cli);
  for (const row of TOKENS) db.prepare("DELETE FROM auth_kv WHERE key = ?").run(row);
  cli.err("You are now logged out\nRun kiro-cli login to log back in to Kiro CLI\n");
}

/** q:cli/user.rs; what it prints is followed by the profile, in JSON too. */
export async function whoami(cli: Cli, options: Options): Promise<void> {
  const json = (options.flags.get("--format") ?? "plain") !== "plain";
  const db = await openDatabase(cli);
  const found = renewed(cli, db, "v2", false);
  if (found === undefined) {
    cli.out(json ? '{"account":null}\n' : "Not logged in\n");
    return leave(cli, 1);
  }
  cli.out(json ? `${JSON.stringify(accountOf(found))}\n` : `${describe(found)}\n`);
  const profile = db.prepare("SELECT value FROM state WHERE key = 'api.codewhisperer.profile'").get()?.["value"];
  if (found.kind === "token" && profile !== undefined) cli.out(`\nProfile:\n${String(profile)}\n`);
}

function describe(found: NonNullable<Credential>): string {
  if (found.kind === "key") return "Authenticated with API key";
  if (found.row.includes(":social:")) return `Logged in with ${asText(found.token["provider"]) || "Google"}`;
  if (found.row.includes(":external-idp:")) return "Logged in with external identity provider";
  const url = asText(found.token["start_url"]);
  const own = url === "" || url === "https://view.awsapps.com/start";
  return own ? "Logged in with Builder ID" : `Logged in with IAM Identity Center (${url})`;
}

function accountOf(found: NonNullable<Credential>): Json {
  if (found.kind === "key") return { accountType: "ApiKey" };
  const type = found.row.includes(":social:") ? "Social" : found.row.includes(":odic:") ? "BuilderId" : "ExternalIdp";
  return { accountType: type, startUrl: found.token["start_url"] ?? null, region: found.token["region"] ?? null };
}

/** Keys look like `ksk_…`; the service takes those of the list, or all that do not say they are bad. */
export function keyIsTaken(cli: Cli, key: string): boolean {
  return cli.settings.keys?.includes(key) ?? (key.startsWith("ksk_") && !key.includes("invalid"));
}

/** V3 unpacks itself at first use (docs/kiro-facts.md 1). */
export function unpackV3(cli: Cli): void {
  const folder = join(dataDir(cli), "kas");
  if (existsSync(join(folder, cli.settings.version))) return;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, cli.settings.version), "");
  } catch (error) {
    leave(cli, 1, `failed to unpack the agent engine: ${String(error)}`);
  }
}
