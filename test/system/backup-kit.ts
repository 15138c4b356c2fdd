import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll } from "vitest";
import { fileURLToPath } from "node:url";
import { createProgram } from "../../src/cli/main.ts";
import { CommandError } from "../../src/cli/outcome.ts";
import { homeAt, loadConfig } from "../../src/config.ts";
import { nanoclaw, type Command } from "./command.ts";

export interface Ended {
  exit: number | string;
  stdout: string;
  stderr: string;
}

/** Temporary folders, and the commands with a home folder of a person's own. */
export interface BackupKit {
  person: string;
  folder(): string;
  /** In this process, which is quicker than the program itself. */
  backup(home: string, ...args: string[]): Promise<Ended>;
  restore(home: string, ...args: string[]): Promise<Ended>;
  /** The program itself. */
  start(home: string, ...args: string[]): Command;
}

export function backupKit(): BackupKit {
  const folders: string[] = [];
  const folder = () => {
    const path = mkdtempSync(join(tmpdir(), "nanoclaw-drill-"));
    folders.push(path);
    return path;
  };
  const person = folder();
  afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true, maxRetries: 5 })));
  const env = { HOME: person };
  return {
    ...{ person, folder },
    backup: (home, ...args) => call(home, person, ["backup", ...args]),
    restore: (home, ...args) => call(home, person, ["restore", ...args]),
    start: (home, ...args) => nanoclaw(home, args, { env }),
  };
}

async function call(home: string, person: string, args: string[]): Promise<Ended> {
  const out = { stdout: "", stderr: "" };
  const writer = (name: keyof typeof out) =>
    ({ write: (text: string) => (out[name] += text) }) as unknown as NodeJS.WriteStream;
  const env = { HOME: person, TZ: "UTC", NANOCLAW_HOME: home };
  const program = createProgram({
    ...{ env, root: ROOT, stdin: process.stdin, stdout: writer("stdout"), stderr: writer("stderr") },
    config: () => loadConfig({ env, defaultHome: home }),
    homePath: () => homeAt(home),
    interrupted: new AbortController().signal,
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return { exit: 0, ...out };
  } catch (error) {
    return { exit: error instanceof CommandError ? error.exitCode : 1, ...out, stderr: (error as Error).message };
  }
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Every row of every table, in order. */
export function rowsOf(database: string): Record<string, unknown> {
  using db = new DatabaseSync(database, { readOnly: true, timeout: 5_000 });
  const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  const read = ({ name }: Record<string, unknown>) => [
    name,
    db
      .prepare(`SELECT * FROM "${String(name)}"`)
      .all()
      .map((row) => ({ ...row })),
  ];
  return Object.fromEntries(tables.map(read)) as Record<string, unknown>;
}

/** What lies below a folder: kind, rights, and content or target. */
export function treeOf(folder: string): Record<string, unknown> {
  return Object.fromEntries(
    pathsBelow(folder)
      .sort()
      .map((path) => [path.slice(folder.length + 1), describe(path)]),
  );
}

/** Node's own recursion would follow links. */
const pathsBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
  });

function describe(path: string): unknown {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o777).toString(8);
  if (stat.isSymbolicLink()) return { link: readlinkSync(path) };
  if (stat.isDirectory()) return { folder: mode };
  if (stat.isFile()) return { mode, at: Math.floor(stat.mtimeMs / 1000), content: readFileSync(path, "latin1") };
  return "special";
}
