import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { installKiroCli } from "../kiro-cli/bundle.ts";
import { openSite, type Site, type SiteOptions } from "./site.ts";
import { until } from "./until.ts";

const execute = promisify(execFile);

/** A key that the stand-in's service takes. */
export const API_KEY = "ksk_0123456789abcdef";
export const withKey = { settings: { KIRO_API_KEY: API_KEY } };

/** A person of this machine, with a home of their own and kiro-cli installed. */
export interface Person extends Disposable {
  home: string;
  /** For a host of this person. */
  env: Record<string, string>;
  /** Runs the person's own kiro-cli in a terminal of theirs; to its output. */
  kiro(...args: string[]): Promise<string>;
  login(): Promise<string>;
  /** What the stand-in simulates from now on, on this machine, over what it was installed with. */
  simulate(settings: Record<string, unknown>): void;
  /** Installs kiro-cli anew, as an update does. */
  install(standIn: Record<string, unknown>): void;
  path(...parts: string[]): string;
  /** Writes a file of the person's, with the folders above it. */
  write(path: string, content: string): void;
}

export function newPerson(standIn: Record<string, unknown> = {}): Person {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-person-"));
  const [home, bin] = [join(root, "home"), join(root, "bin")];
  mkdirSync(home);
  const env = { HOME: home, PATH: `${bin}:${process.env["PATH"] ?? ""}`, XDG_DATA_HOME: "" };
  const path = (...parts: string[]) => join(home, ...parts);
  const kiro = async (...args: string[]) =>
    (await execute(join(bin, "kiro-cli"), args, { env: { ...process.env, ...env }, cwd: home })).stdout;
  const person: Person = {
    ...{ home, env, path, kiro },
    login: () => kiro("login", "--use-device-flow"),
    simulate: (settings) => writeFileSync(join(bin, "kiro-standin.json"), JSON.stringify(settings)),
    install: (settings) => void installKiroCli(bin, { settings }),
    write: (name, content) => {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), content);
    },
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
  person.install(standIn);
  return person;
}

/** A host of that person on the runtime without containers, with Kiro as its agent. */
export function openKiroSite(person: Person, options: SiteOptions = {}): Promise<Site> {
  return openSite({ env: person.env, ...options, settings: { NANOCLAW_AGENT: "kiro", ...options.settings } });
}

/** Asks and waits for the answer; what several pieces say is joined. */
export const askKiro = async (site: Site, text: string, group = "main"): Promise<string> =>
  (await site.answered(await tellKiro(site, text, group))).join("\n");

/** Says it and does not wait; earlier words that are quoted to the stand-in are not run again. */
export const tellKiro = (site: Site, text: string, group = "main"): Promise<number> =>
  site.say(`!!anew!!${text}`, group);

/** Says it and waits until it waits for what only a person, or time, can cure. */
export async function heldByKiro(site: Site, text: string, group = "main"): Promise<number> {
  const seq = await tellKiro(site, text, group);
  await until(async () => (await site.outcome(seq)).held);
  return seq;
}

/** Turns that wait, and for what. */
export const waitingIn = (site: Site): Record<string, unknown>[] =>
  site.ledger(
    "SELECT kind, failure_class AS why, created_at AS since, due_at AS due FROM turns WHERE status = 'queued' ORDER BY kind",
  );

export const addGroup = (site: Site, folder: string, settings: Record<string, unknown> = {}): Promise<unknown> =>
  site.ask("POST", "/control/groups", { name: folder, folder, settings });

export async function restart(site: Site): Promise<void> {
  await site.stop();
  await site.start();
}

/** The conversation that the group's next turn continues; undefined when there is none. */
export const sessionOf = (site: Site, group = "main"): unknown =>
  site.ledger("SELECT session_id FROM sessions WHERE group_folder = ?", group)[0]?.["session_id"];

/** Somebody's hand in the ledger. */
export function setSession(site: Site, session: string, group = "main"): void {
  using ledger = new DatabaseSync(site.path("store", "messages.db"), { timeout: 5_000 });
  ledger.prepare("UPDATE sessions SET session_id = ? WHERE group_folder = ?").run(session, group);
}

/** What was said in a chat without being an answer. */
export const noticesIn = (site: Site, group = "main"): string[] =>
  site
    .ledger("SELECT content FROM outbox WHERE chat_jid = ? AND source = 'notice' ORDER BY seq", `local:${group}`)
    .map(({ content }) => String(content));

/** Has the group's agent plan a task that comes again and again. */
export async function scheduleIn(
  site: Site,
  task: { prompt: string; every: number; context: "group" | "isolated" },
): Promise<void> {
  // As JSON within a script word: what the task is to do must not be done now.
  const prompt = task.prompt.replaceAll("!", "\\u0021");
  const rest = `"schedule_type":"interval","schedule_value":"${task.every}","context_mode":"${task.context}"`;
  await askKiro(site, `!!tool nanoclaw schedule_task {"prompt":"${prompt}",${rest}}!!`);
}

/** What the tasks' runs said. */
export const resultsOf = (site: Site): unknown[] =>
  site.ledger("SELECT result FROM task_run_logs WHERE status = 'success' ORDER BY id").map(({ result }) => result);

export const logOf = (site: Site): string => readFileSync(site.path("logs", "nanoclaw.log"), "utf8");

/** Every file below a folder, with its content; what goes while it is read is not there. */
export function contentOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.flatMap(({ parentPath, name }) => {
      try {
        return [[join(parentPath, name), readFileSync(join(parentPath, name), "latin1")] as const];
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      }
    }),
  );
}

/** Every prompt that a home's conversations hold, oldest first within each. */
export function promptsIn(home: string): string[] {
  return [...filedPrompts(join(home, ".kiro", "sessions", "cli")), ...storedPrompts(databaseOf(home))];
}

export const promptsOf = (site: Site, group = "main"): string[] => promptsIn(homeOf(site, group));

/** The home that Kiro gets for a group where its credentials are an API key. */
export const homeOf = (site: Site, group = "main"): string => site.path("data", "kiro", group);

export const databaseOf = (home: string): string =>
  process.platform === "darwin"
    ? join(home, "Library", "Application Support", "kiro-cli", "data.sqlite3")
    : join(home, ".local", "share", "kiro-cli", "data.sqlite3");

interface Filed {
  kind: string;
  data: { content: { data: string }[] };
}

function filedPrompts(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".jsonl"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n").filter(Boolean))
    .map((line) => JSON.parse(line) as Filed)
    .flatMap(({ kind, data }) => (kind === "Prompt" ? [data.content.map((part) => part.data).join("")] : []));
}

interface Stored {
  history: { user: { content: { Prompt: { prompt: string } } } }[];
}

function storedPrompts(database: string): string[] {
  if (!existsSync(database)) return [];
  using db = new DatabaseSync(database, { readOnly: true, timeout: 5_000 });
  return db
    .prepare("SELECT value FROM conversations_v2 ORDER BY updated_at")
    .all()
    .flatMap(({ value }) => (JSON.parse(String(value)) as Stored).history)
    .map(({ user }) => user.content.Prompt.prompt);
}
