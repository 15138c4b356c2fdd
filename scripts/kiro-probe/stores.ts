import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { secretsOf } from "../../src/kiro/login-state.ts";

export interface Places {
  /** Everything of the probe's lies below it; what does not is the person's. */
  root: string;
  /** `~/.kiro/sessions`, of V2 and V3. */
  sessions: string;
  /** V1's, and the login's. */
  database: string;
}

/** What lies in the stores by name, with something that differs when it changes. */
export type Snapshot = ReadonlyMap<string, string>;

const TABLES = ["conversations_v2", "conversations"];

export function snapshot(places: Places): Snapshot {
  const found = new Map<string, string>();
  for (const entry of existsSync(places.sessions) ? list(places.sessions) : []) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    found.set(relative(places.sessions, path), `${size} ${mtimeMs}`);
  }
  for (const [name, state] of ownRows(places)) found.set(name, state);
  return found;
}

const list = (folder: string) => readdirSync(folder, { recursive: true, withFileTypes: true });

/** V1's rows of the probe's own folders; a person's are not looked at. */
function ownRows({ database, root }: Places): [string, string][] {
  return withDatabase(database, true, [], (db) =>
    tablesOf(db).flatMap((table) => {
      const rows = db
        .prepare(
          `SELECT key, count(*) AS n, sum(length(value)) AS size FROM ${table} WHERE substr(key, 1, ?) = ? GROUP BY key`,
        )
        .all(root.length, root);
      const columns = db.prepare("SELECT name FROM pragma_table_info(?)").all(table);
      const names = columns.map(({ name }) => name).join(", ");
      return rows.map(({ key, n, size }): [string, string] => [
        `${table}(${names}) of ${String(key)}`,
        `${Number(n)} rows, ${Number(size)}`,
      ]);
    }),
  );
}

const tablesOf = (db: DatabaseSync): string[] =>
  TABLES.filter((table) => db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(table));

function withDatabase<Result>(path: string, readOnly: boolean, otherwise: Result, use: (db: DatabaseSync) => Result) {
  if (!existsSync(path)) return otherwise;
  try {
    using db = new DatabaseSync(path, { readOnly, timeout: 2_000 });
    return use(db);
  } catch {
    return otherwise; // locked, or of another make: then nothing is known of it
  }
}

/** Secret values of a login, for taking them out of the report. They are kept nowhere. */
export function loginSecrets(database: string): string[] {
  return withDatabase(database, true, [], (db) =>
    secretsOf(
      db
        .prepare("SELECT key, value FROM auth_kv")
        .all()
        .map(({ key, value }) => ({ key: String(key), value: String(value) })),
    ),
  );
}

/** What of the probe's own came or changed since then: names, and the shape of what is inside. */
export function changes(places: Places, before: Snapshot, ids: ReadonlySet<string>): string[] {
  return [...snapshot(places)].flatMap(([name, state]) => {
    if (before.get(name) === state) return [];
    if (isRow(name)) return [`${name}: ${state.split(",")[0]}`];
    return isOwn(places, unitOf(name), ids) ? [`${name} ${shapeOf(name, readText(join(places.sessions, name)))}`] : [];
  });
}

const isRow = (name: string): boolean => TABLES.some((table) => name.startsWith(`${table}(`));

/** What one session consists of: `cli/<id>` with several ends, or `<hash>/sess_<id>` with files in it. */
const unitOf = (name: string): string =>
  name
    .split("/")
    .slice(0, 2)
    .join("/")
    .replace(/\.\w+$/, "");

function isOwn({ root, sessions }: Places, unit: string, ids: ReadonlySet<string>): boolean {
  if (sessions.startsWith(root) || ids.has(unit.split("/")[1] ?? "")) return true;
  const texts = [`${unit}.json`, `${unit}/session.json`].map((name) => readText(join(sessions, name)));
  return texts.some((text) => {
    const cwd = (parse(text) as { cwd?: unknown } | null)?.cwd;
    return typeof cwd === "string" && cwd.startsWith(root);
  });
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // gone meanwhile, or not there at all
  }
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
};

/** Names of fields, two levels deep; of a file with a record a line, the kinds of records. Never a value. */
export function shapeOf(name: string, text: string): string {
  if (!/\.jsonl$/.test(name)) return keysOf(parse(text), 2);
  const records = text.split("\n").filter(Boolean).map(parse);
  const kinds = new Set(records.map((record) => String((record as { kind?: string } | null)?.kind ?? "")));
  return `${records.length} lines ${keysOf(records[0], 2)} ${[...kinds].join(" ")}`.trim();
}

function keysOf(value: unknown, depth: number): string {
  if (Array.isArray(value)) return "[]";
  if (typeof value !== "object" || value === null) return value === null ? "(no JSON)" : typeof value;
  if (depth === 0) return "{}";
  const fields = Object.entries(value).slice(0, 24);
  return `{${fields.map(([key, each]) => `${key}: ${each === null ? "null" : keysOf(each, depth - 1)}`).join(", ")}}`;
}

/** Removes the probe's sessions from the person's stores; says what it could not remove. */
export function removeOwn(places: Places, first: Snapshot, ids: ReadonlySet<string>): string[] {
  if (places.sessions.startsWith(places.root)) return [];
  const fresh = () => [...snapshot(places).keys()].filter((name) => !first.has(name) && !isRow(name));
  const units = new Set(
    fresh()
      .map(unitOf)
      .filter((unit) => isOwn(places, unit, ids)),
  );
  for (const name of fresh()) if (units.has(unitOf(name))) rmSync(join(places.sessions, name), { force: true });
  for (const unit of units) for (const folder of [unit, dirname(unit)]) removeEmpty(join(places.sessions, folder));
  withDatabase(places.database, false, undefined, (db) => {
    for (const table of tablesOf(db)) {
      db.prepare(`DELETE FROM ${table} WHERE substr(key, 1, ?) = ?`).run(places.root.length, places.root);
    }
  });
  const rows = [...snapshot(places).keys()].filter(isRow);
  return [...rows, ...fresh().filter((name) => units.has(unitOf(name)))];
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // it is none, or something else is in it
  }
}
