import type { DatabaseSync } from "node:sqlite";

/** One table of Kiro's, told in words of ours: nothing of its SQL text is ever executed. */
export interface KiroTable {
  name: string;
  columns: { name: string; type: string; notNull: boolean; default: string | null }[];
  primaryKey: string[];
  withoutRowid: boolean;
  indexes: { name: string; unique: boolean; columns: { name: string; descending: boolean }[] }[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const TYPE = /^[A-Za-z ]{0,32}(?:\(\d{1,6}\))?$/;
const DEFAULT = /^(?:NULL|TRUE|FALSE|-?\d{1,18}|'[^']{0,200}'|CURRENT_(?:TIME|DATE|TIMESTAMP))$/i;
const MOST_TABLES = 64;
const MOST_COLUMNS = 64;

/** The plain tables of a database; what has a name or form that Kiro never used is left out. */
export function readShape(connection: DatabaseSync): KiroTable[] {
  const listed = connection
    .prepare("SELECT name FROM main.sqlite_master WHERE type = 'table' ORDER BY rowid LIMIT ?")
    .all(MOST_TABLES);
  return listed.flatMap(({ name }) => {
    const table = String(name);
    return NAME.test(table) && !/^sqlite_/i.test(table) ? (readTable(connection, table) ?? []) : [];
  });
}

function readTable(connection: DatabaseSync, name: string): KiroTable | undefined {
  const columns = plainColumns(connection, name);
  if (!columns || columns.length > MOST_COLUMNS) return undefined;
  if (!columns.every((column) => NAME.test(column.name) && TYPE.test(column.type))) return undefined;
  const options = /\)([^()]*)$/.exec(sqlOf(connection, name))?.[1] ?? "";
  return {
    name,
    columns: columns.map(({ name, type, notNull, default: value }) => {
      return { name, type, notNull, default: value !== null && DEFAULT.test(value) ? value : null };
    }),
    primaryKey: columns
      .filter(({ key }) => key > 0)
      .sort((a, b) => a.key - b.key)
      .map(({ name }) => name),
    withoutRowid: columns.some(({ key }) => key > 0) && /without\s+rowid/i.test(options),
    indexes: readIndexes(connection, name),
  };
}

export interface PlainColumn {
  name: string;
  type: string;
  notNull: boolean;
  default: string | null;
  /** Place in the primary key, from 1; 0 is outside. */
  key: number;
}

/** The columns of a real table; undefined for a view, a virtual table, or one with columns that are computed. */
export function plainColumns(connection: DatabaseSync, table: string): PlainColumn[] | undefined {
  const found = connection
    .prepare("SELECT type, rootpage FROM main.sqlite_master WHERE name = ? COLLATE NOCASE")
    .all(table);
  const [entry] = found;
  if (found.length !== 1 || entry?.["type"] !== "table" || !(Number(entry["rootpage"]) > 1)) return undefined;
  const columns = connection.prepare(`PRAGMA main.table_xinfo("${table}")`).all();
  if (columns.length === 0 || columns.some(({ hidden }) => hidden !== 0)) return undefined;
  return columns.map((column) => ({
    name: String(column["name"]),
    type: String(column["type"]),
    notNull: column["notnull"] === 1,
    default: column["dflt_value"] === null ? null : String(column["dflt_value"]),
    key: Number(column["pk"]),
  }));
}

const sqlOf = (connection: DatabaseSync, table: string): string =>
  String(
    connection.prepare("SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?").get(table)?.["sql"],
  );

function readIndexes(connection: DatabaseSync, table: string): KiroTable["indexes"] {
  return connection
    .prepare(`PRAGMA main.index_list("${table}")`)
    .all()
    .flatMap((index) => {
      const name = String(index["name"]);
      if (index["origin"] === "pk" || index["partial"] === 1) return [];
      // What a UNIQUE in the table made has a name of SQLite's own.
      const ownName = /^sqlite_/i.test(name) ? `unique_${table}_${Number(index["seq"])}` : name;
      const columns = indexColumns(connection, name);
      return NAME.test(ownName) && columns ? [{ name: ownName, unique: index["unique"] === 1, columns }] : [];
    });
}

function indexColumns(connection: DatabaseSync, index: string): { name: string; descending: boolean }[] | undefined {
  if (!NAME.test(index)) return undefined;
  const parts = connection
    .prepare(`PRAGMA main.index_xinfo("${index}")`)
    .all()
    .filter(({ key }) => key === 1);
  if (!parts.every(({ name }) => typeof name === "string" && NAME.test(name))) return undefined; // of an expression
  return parts.map(({ name, desc }) => ({ name: String(name), descending: desc === 1 }));
}

/** SQL that makes such a table: every name is quoted, every word between them is ours. */
export function tableSql({ name, columns, primaryKey, withoutRowid, indexes }: KiroTable): string[] {
  const defined = columns.map(
    (column) =>
      `"${column.name}" ${column.type}${column.notNull ? " NOT NULL" : ""}${column.default === null ? "" : ` DEFAULT ${column.default}`}`,
  );
  const quoted = primaryKey.map((column) => `"${column}"`);
  const key = quoted.length > 0 ? [`PRIMARY KEY (${quoted.join(", ")})`] : [];
  return [
    `CREATE TABLE "${name}" (${[...defined, ...key].join(", ")})${withoutRowid ? " WITHOUT ROWID" : ""}`,
    ...indexes.map((index) => {
      const parts = index.columns.map((column) => `"${column.name}"${column.descending ? " DESC" : ""}`);
      return `CREATE ${index.unique ? "UNIQUE " : ""}INDEX "${index.name}" ON "${name}" (${parts.join(", ")})`;
    }),
  ];
}
