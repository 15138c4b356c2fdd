import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";

/** State of every session file by its name: what differs afterwards was written meanwhile. */
export type SessionFiles = ReadonlyMap<string, string>;

const RECORDS = ".jsonl";

/** V2's session files in a home; empty when there are none. Never rejects. */
export async function listSessionFiles(folder: string): Promise<SessionFiles> {
  const names = await readdir(folder).catch(() => []);
  const states = names
    .filter((name) => name.endsWith(RECORDS))
    .map(async (name) => [name, await stateOf(folder, name)]);
  return new Map((await Promise.all(states)) as [string, string][]);
}

async function stateOf(folder: string, name: string): Promise<string> {
  const found = await stat(join(folder, name)).catch(() => undefined);
  return found ? `${found.size} ${found.mtimeMs}` : "";
}

/** V2's sessions of one directory, newest first. Never rejects. */
export async function sessionsOf(folder: string, cwd: string): Promise<string[]> {
  const names = [...(await listSessionFiles(folder))].sort(([, one], [, other]) => timeIn(other) - timeIn(one));
  const directories = await Promise.all(names.map(([name]) => directoryOf(folder, name)));
  return names.flatMap(([name], at) => (directories[at] === cwd ? [basename(name, RECORDS)] : []));
}

const timeIn = (state: string): number => Number(state.split(" ")[1] ?? 0);

/**
 * The session of this directory that was written since `before`, if there is exactly one and its
 * newest record is the assistant's: V2's proof that it answered. Never rejects.
 */
export async function answeredSession(folder: string, before: SessionFiles, cwd: string): Promise<string | undefined> {
  const now = await listSessionFiles(folder);
  const changed = [...now].filter(([name, state]) => before.get(name) !== state).map(([name]) => name);
  const ours: string[] = [];
  for (const name of changed) if ((await directoryOf(folder, name)) === cwd) ours.push(name);
  const [name, ...others] = ours;
  if (name === undefined || others.length > 0) return undefined;
  return (await newestKind(join(folder, name))) === "AssistantMessage" ? basename(name, RECORDS) : undefined;
}

async function directoryOf(folder: string, name: string): Promise<string | undefined> {
  const metadata = await readJson(join(folder, `${basename(name, RECORDS)}.json`));
  return typeof metadata?.["cwd"] === "string" ? metadata["cwd"] : undefined;
}

async function newestKind(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => "");
  const last = text.trimEnd().split("\n").at(-1) ?? "";
  return parseObject(last)?.["kind"];
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  return parseObject(await readFile(path, "utf8").catch(() => ""));
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // half written, or not there
  }
}
