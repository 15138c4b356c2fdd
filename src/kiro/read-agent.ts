import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PersonsAgent } from "./agent-file.ts";
import type { KiroPlaces } from "./kiro-places.ts";

/** The file that the person's setup makes; its agent is the one that is meant when none is named. */
const DEFAULT_FILE = "agent_config.json";
const DEFAULT_NAME = "kiro-assistant";
const LARGEST_BYTES = 512 * 1024;
const MOST_FILES = 200;

export interface ReadAgent {
  agent: PersonsAgent;
  /** What could not be read; for log and doctor. */
  notes: string[];
}

/**
 * Reads the agent that is meant, and what it refers to; writes nothing.
 * @param wanted `KIRO_AGENT_NAME`.
 */
export function readPersonsAgent(places: Pick<KiroPlaces, "kiro" | "home">, wanted: string | undefined): ReadAgent {
  const notes: string[] = [];
  const folder = join(places.kiro, "agents");
  const found = wanted === undefined ? fileAt(folder, DEFAULT_FILE, notes) : findNamed(folder, wanted, notes);
  if (wanted !== undefined && !found)
    notes.push(`there is no agent ${JSON.stringify(wanted)} in ${folder}; a plain one is used`);
  const named = found && (nameIn(found.config) ?? basename(found.file, ".json"));
  const name = agentName(wanted ?? named ?? DEFAULT_NAME, notes);
  const agent = {
    name,
    config: found?.config,
    promptFile: promptFile(places.home, folder, found?.config, notes),
    mcpJson: parse(join(places.kiro, "settings", "mcp.json"), notes),
  };
  return { agent, notes };
}

interface Found {
  file: string;
  config: unknown;
}

/** As Kiro does: by the file's name first, then by the name in it. */
function findNamed(folder: string, name: string, notes: string[]): Found | undefined {
  if (!/[/\0]/.test(name)) {
    const direct = fileAt(folder, `${name}.json`, notes);
    if (direct) return direct;
  }
  for (const file of agentFiles(folder)) {
    const found = fileAt(folder, file, []);
    if (found && nameIn(found.config) === name) return found;
  }
  return undefined;
}

function agentFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .sort()
      .slice(0, MOST_FILES);
  } catch {
    return []; // no Kiro here yet
  }
}

function fileAt(folder: string, file: string, notes: string[]): Found | undefined {
  const config = parse(join(folder, file), notes);
  return config === undefined ? undefined : { file, config };
}

const nameIn = (config: unknown): string | undefined => {
  const { name } = (config ?? {}) as { name?: unknown };
  return typeof name === "string" && name !== "" ? name : undefined;
};

/** It becomes a file's name and an argument. */
function agentName(name: string, notes: string[]): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$/.test(name)) return name;
  const clean =
    name
      .replace(/[^A-Za-z0-9_]+/g, "-")
      .replace(/^-+|-+$/g, "")
      .slice(0, 64) || DEFAULT_NAME;
  notes.push(`the agent's name ${JSON.stringify(name.slice(0, 80))} is written as ${clean}`);
  return clean;
}

function promptFile(home: string, folder: string, config: unknown, notes: string[]): string | undefined {
  const { prompt } = (config ?? {}) as { prompt?: unknown };
  if (typeof prompt !== "string" || !prompt.startsWith("file://")) return undefined;
  const path = promptPath(home, folder, prompt);
  const text = path === undefined ? undefined : read(path, notes);
  if (text === undefined)
    notes.push(`the agent's prompt ${JSON.stringify(prompt.slice(0, 200))} cannot be read; a plain one is used`);
  return text;
}

/** `file://./prompt.md` is relative to the agent file, which no URL parser knows. */
function promptPath(home: string, folder: string, prompt: string): string | undefined {
  const path = prompt.slice("file://".length);
  if (/^~\//.test(path)) return join(home, path.slice(2));
  if (!isAbsolute(path)) return join(folder, path);
  try {
    return fileURLToPath(prompt);
  } catch {
    return path;
  }
}

function parse(path: string, notes: string[]): unknown {
  const text = read(path, notes);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    notes.push(`${path} is no JSON and is left out: ${(error as Error).message.slice(0, 200)}`);
    return undefined;
  }
}

/** Only a regular file of modest size; the person may have it as a link. */
function read(path: string, notes: string[]): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.size > LARGEST_BYTES) throw new Error("it is no file of modest size");
    const buffer = Buffer.alloc(stat.size);
    return buffer
      .subarray(0, readSync(file, buffer, 0, buffer.length, 0))
      .toString("utf8")
      .replace(/^\u{FEFF}/u, "");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      notes.push(`${path} cannot be read: ${(error as Error).message}`);
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
