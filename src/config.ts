import { readFileSync, realpathSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { z } from "zod";
import { parseDuration } from "./domain/duration.ts";
import { parsePhoneNumber } from "./domain/phone-number.ts";
import { isZone } from "./domain/zone.ts";

/** One or more settings cannot be used. The message lists every one, with its value and the cure. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

const SIZE_UNITS = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 } as const;

const milliseconds = (fallback: number, least = 1) =>
  z
    .string()
    .regex(/^\d{1,12}$/, "must be whole milliseconds, e.g. 60000")
    .transform(Number)
    .refine((value) => value >= least, `must be at least ${least}`)
    .default(fallback);

const size = (fallback: number, least = 1) =>
  z
    .string()
    .regex(/^\d{1,12}\s*([kmg](i?b)?)?$/i, "must be a number of bytes, e.g. 10485760 or 10MiB")
    .transform((text) => {
      const [, number, unit] = /^(\d+)\s*([kmg]?)/i.exec(text) ?? [];
      return Number(number) * SIZE_UNITS[(unit ?? "").toLowerCase() as keyof typeof SIZE_UNITS];
    })
    .refine((value) => value >= least, `must be at least ${least} bytes`)
    .default(fallback);

const count = (fallback: number, least = 1) =>
  z
    .string()
    .regex(/^\d{1,6}$/, "must be a whole number")
    .transform(Number)
    .refine((value) => value >= least, `must be at least ${least}`)
    .default(fallback);

/** As text, because there is a value beside the numbers; at least a day, as `90` was hardly meant as milliseconds. */
const keep = (fallback: number) =>
  z
    .string()
    .transform((text, context) => {
      if (/^(forever|for ever)$/i.test(text.trim())) return Infinity;
      const given = parseDuration(text);
      if (given !== undefined && given >= DAY_MS) return given;
      context.addIssue({ code: "custom", message: "must be forever, or at least a day, e.g. 90d" });
      return fallback;
    })
    .default(fallback);

/** Switches take what the seed's own parser took: `false`, `0`, `no` are off. */
const flag = (fallback: boolean) =>
  z
    .string()
    .toLowerCase()
    .refine((text) => /^(true|1|yes|false|0|no)$/.test(text), "must be true or false")
    .transform((text) => /^(true|1|yes)$/.test(text))
    .default(fallback);

const text = z.string().trim().min(1, "must not be empty");
const MiB = 2 ** 20;
const DAY_MS = 24 * 60 * 60_000;

/** Digits each. */
const numbers = z.string().transform((given, context): string[] =>
  given.split(/[,;]/).flatMap((one) => {
    const number = parsePhoneNumber(one);
    if (number.ok) return number.value;
    context.addIssue({ code: "custom", message: `${JSON.stringify(one.trim())}: ${number.problem}` });
    return [];
  }),
);

/** Every setting, with its default. Times are milliseconds, sizes bytes. */
const settingsSchema = z.object({
  ASSISTANT_NAME: text.max(40, "must have at most 40 characters").default("Andy"),
  ASSISTANT_HAS_OWN_NUMBER: flag(false),
  NANOCLAW_OWNER: numbers.optional(),
  NANOCLAW_AGENT_RUNTIME: z.enum(["docker", "host"]).optional(),
  NANOCLAW_AGENT_ONE_SHOT: flag(true),
  NANOCLAW_AGENT_IMAGE: text.default("nanoclaw-agent:latest"),
  NANOCLAW_DOCKER: text.default("docker"),
  NANOCLAW_AGENT: z.enum(["kiro", "offline"]).optional(),
  KIRO_AGENT_NAME: text.optional(),
  KIRO_MODEL: text.optional(),
  KIRO_API_KEY: text.optional(),
  NANOCLAW_KIRO_SHARED_HOME: flag(false),
  NANOCLAW_KIRO_AWS: flag(false),
  CONTAINER_TIMEOUT: milliseconds(1_800_000),
  NANOCLAW_SILENCE_TIMEOUT: milliseconds(600_000),
  IDLE_TIMEOUT: milliseconds(1_800_000),
  MAX_CONCURRENT_CONTAINERS: count(5),
  CONTAINER_MAX_OUTPUT_SIZE: size(10 * MiB, 1024),
  CONTAINER_MEMORY: size(2048 * MiB, 64 * MiB),
  CONTAINER_CPUS: z
    .string()
    .regex(/^\d{1,3}(\.\d+)?$/, "must be a number, e.g. 2 or 0.5")
    .transform(Number)
    .refine((value) => value > 0, "must be more than 0")
    .default(2),
  CONTAINER_PIDS: count(512, 16),
  CONTAINER_SHM_SIZE: size(256 * MiB, MiB),
  CONTAINER_FILE_SIZE: size(1024 * MiB, MiB),
  NANOCLAW_GROUP_SIZE: size(2048 * MiB, MiB),
  NANOCLAW_FREE_DISK: size(1024 * MiB, 0),
  NANOCLAW_PROMPT_BUDGET: size(96 * 1024, 8192),
  NANOCLAW_MESSAGE_AGE_LIMIT: milliseconds(24 * 3_600_000),
  NANOCLAW_KEEP_MESSAGES: keep(Infinity),
  NANOCLAW_KEEP_MEDIA: keep(Infinity),
  NANOCLAW_KEEP_RUNS: keep(90 * DAY_MS),
  NANOCLAW_KEEP_JOURNALS: keep(7 * DAY_MS),
  NANOCLAW_STOP_BUDGET: milliseconds(15_000),
  NANOCLAW_WHATSAPP: z.enum(["auto", "on", "off"]).default("auto"),
  NANOCLAW_WHATSAPP_URL: z.url({ protocol: /^wss?$/, error: "must be a ws:// or wss:// address" }).optional(),
  NANOCLAW_WHATSAPP_CHAT_RATE: count(20, 0),
  NANOCLAW_WHATSAPP_RATE: count(60, 0),
  TZ: z.string().refine(isZone, "must be an IANA time zone, like Europe/Berlin").optional(),
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
});

export type Settings = Readonly<z.infer<typeof settingsSchema>>;

export interface Config {
  readonly home: string;
  readonly settings: Settings;
  /** IANA zone of chats that have none of their own. */
  readonly zone: string;
}

/** What a runner finds in its environment; a command started by an agent inherits them. */
const runnerVariables = new Set([
  "NANOCLAW_HOME",
  "NANOCLAW_REAL_HOME",
  "NANOCLAW_GROUP_DIR",
  "NANOCLAW_IPC_DIR",
  "NANOCLAW_GLOBAL_DIR",
  "NANOCLAW_EXTRA_DIR",
  "NANOCLAW_IN_DOCKER",
  "NANOCLAW_TURN",
  "NANOCLAW_ATTEMPT",
  "NANOCLAW_CHAT_JID",
  "NANOCLAW_IS_MAIN",
]);

export interface ConfigSources {
  /** The process environment: wins over the file. */
  env: NodeJS.ProcessEnv;
  /** Where state lies unless `NANOCLAW_HOME` says otherwise. */
  defaultHome: string;
}

/**
 * Reads environment and `.env` once; the result is frozen.
 * @throws {ConfigError} naming every setting that cannot be used.
 */
export function loadConfig({ env, defaultHome }: ConfigSources): Config {
  const home = prepareHome(env["NANOCLAW_HOME"] || defaultHome);
  const fromFile = readEnvFile(join(home, ".env"));
  const given = onlyGiven({ ...fromFile, ...onlyGiven(env) });
  const parsed = settingsSchema.safeParse(given);
  const problems = [
    ...unknownSettings(given),
    ...(parsed.error?.issues ?? []).map(
      (issue) => `${issue.path.join(".")}=${quote(given, issue.path[0])}: ${issue.message}`,
    ),
  ];
  if (problems.length > 0 || !parsed.data) {
    throw new ConfigError(
      `These settings cannot be used (environment and ${join(home, ".env")}):\n  ${problems.join("\n  ")}`,
    );
  }
  const zone = parsed.data.TZ ?? systemZone();
  return Object.freeze({ home, settings: Object.freeze(parsed.data), zone });
}

/** Where state lies unless `NANOCLAW_HOME` says otherwise: an installed package is replaced by updates. */
export const defaultHomeOf = (root: string, person: string): string =>
  root.includes("node_modules") ? join(person, ".nanoclaw") : root;

/** Where a home lies, whether it was made or not. */
export function homeAt(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path); // not there, or not to be reached
  }
}

function prepareHome(path: string): string {
  const home = resolve(path);
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    return realpathSync(home);
  } catch (error) {
    throw new ConfigError(`NANOCLAW_HOME=${home}: the folder cannot be used (${whyNot(error)}).`, { cause: error });
  }
}

/** Node calls it ENOENT when a folder above cannot be made. */
const whyNot = (error: unknown): string =>
  (error as NodeJS.ErrnoException).code === "ENOENT"
    ? "it is not there and cannot be made: the disk is read-only, or a link on the way leads nowhere"
    : (error as Error).message;

function readEnvFile(path: string): Record<string, string | undefined> {
  try {
    const content = readFileSync(path, "utf8");
    if (content.includes("\0")) throw new Error("it is no text file");
    return parseEnv(content);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    const cure = "Make it a text file with KEY=value lines that this user can read, or remove it.";
    throw new ConfigError(`${path} cannot be read: ${(error as Error).message}. ${cure}`, { cause: error });
  }
}

/** An empty value means "not set", as in a service file that names every key. */
function onlyGiven(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value ? [[key, value]] : [])));
}

function unknownSettings(given: Record<string, string>): string[] {
  const known = Object.keys(settingsSchema.shape);
  return Object.keys(given)
    .filter((key) => key.startsWith("NANOCLAW_") && !known.includes(key) && !runnerVariables.has(key))
    .map((key) => `${key}: there is no such setting${suggest(key, known)}`);
}

function suggest(key: string, known: string[]): string {
  const [closest] = known
    .map((name) => ({ name, steps: distance(name, key) }))
    .filter(({ steps }) => steps <= 3)
    .sort((a, b) => a.steps - b.steps);
  return closest
    ? `; did you mean ${closest.name}?`
    : `. Known are: ${known.filter((name) => name.startsWith("NANOCLAW_")).join(", ")}`;
}

/** Levenshtein distance: how many letters to change, add or leave out. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (above[j - 1] ?? 0) + Number(a[i - 1] !== b[j - 1]);
      row.push(Math.min(change, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
  }
  return row[b.length] ?? 0;
}

const SECRET = /KEY|TOKEN|SECRET/;
const quote = (given: Record<string, string>, key: PropertyKey | undefined): string => {
  const name = String(key);
  return SECRET.test(name) ? "(not shown)" : JSON.stringify(given[name] ?? "");
};

function systemZone(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return isZone(zone) ? zone : "UTC";
}
