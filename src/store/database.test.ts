import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDatabase, passingReason, StoreError } from "./database.ts";
import { openStore } from "./store.ts";

describe("the database file", () => {
  let folder = "";
  let path = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "nanoclaw-database-"));
    path = join(folder, "messages.db");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const one = { name: "001-one", sql: "CREATE TABLE one (a INTEGER) STRICT" };
  const two = { name: "002-two", sql: "CREATE TABLE two AS SELECT * FROM one" };
  const bad = { name: "003-bad", sql: "CREATE TABLE three (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)" };
  const names = () => {
    using db = openDatabase(path, [one, two, bad].slice(0, 2));
    return db.all("SELECT name FROM migrations ORDER BY rowid").map(({ name }) => name);
  };
  const problem = (work: () => unknown): StoreError => {
    try {
      work();
    } catch (error) {
      expect(error).toBeInstanceOf(StoreError);
      return error as StoreError;
    }
    throw new Error("it was opened");
  };

  test("migrations run in order, each once", () => {
    openDatabase(path, [one])[Symbol.dispose]();
    expect(names()).toEqual(["001-one", "002-two"]);
    expect(names()).toEqual(["001-one", "002-two"]);
  });

  test("a migration that fails leaves nothing of itself", () => {
    expect(problem(() => openDatabase(path, [one, two, bad])).message).toContain("no such table: nowhere");
    expect(names()).toEqual(["001-one", "002-two"]);
    using db = openDatabase(path, [one, two]);
    expect(db.all("SELECT name FROM sqlite_schema WHERE name = 'three'")).toEqual([]);
  });

  test("a file of a newer version is refused, named and left as it is", () => {
    openDatabase(path, [one, two])[Symbol.dispose]();
    const before = readFileSync(path);
    const { message } = problem(() => openDatabase(path, [one]));
    expect(message).toMatch(/messages\.db was written by a newer NanoClaw \(it has 002-two\)\. Update NanoClaw/);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("a file that is no database is refused with what to do", () => {
    writeFileSync(path, "hello ".repeat(1000));
    expect(problem(() => openStore(path)).message).toMatch(/messages\.db is damaged \(.*restore a backup/);
  });

  test("a file with damaged pages is refused with what to do", () => {
    openStore(path)[Symbol.dispose]();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 4096 * 2, 4096 * 9);
    writeFileSync(path, bytes);
    expect(problem(() => openStore(path)).message).toMatch(/messages\.db is damaged \(/);
  });

  test("a folder that is not there is a clear error", () => {
    const { message } = problem(() => openStore(join(folder, "none", "x.db")));
    expect(message).toMatch(/cannot be used: the database file cannot be opened\. Check the disk/);
  });

  test("is written through at once: WAL, full synchronous, foreign keys", () => {
    using db = openDatabase(path);
    const pragma = (name: string) => Object.values(db.get(`PRAGMA ${name}`) ?? {})[0];
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")]).toEqual(["wal", 2, 1]);
  });

  test("a transaction is all or nothing, nested ones with it", () => {
    using db = openDatabase(path, [one]);
    const count = () => db.get("SELECT count(*) AS n FROM one")?.["n"];
    expect(() =>
      db.transaction(() => {
        db.run("INSERT INTO one VALUES (1)");
        db.transaction(() => db.run("INSERT INTO one VALUES (2)"));
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(count()).toBe(0);
    db.transaction(() => db.run("INSERT INTO one VALUES (3)"));
    expect(count()).toBe(1);
  });

  test("a lock of another process is an error that passes, after a short wait", () => {
    using db = openDatabase(path, [one]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    let reason: string | undefined;
    try {
      db.run("INSERT INTO one VALUES (1)");
    } catch (error) {
      reason = passingReason(error);
    }
    expect(reason).toBe("another process holds the database");
    other.exec("COMMIT");
    other.close();
    expect(db.run("INSERT INTO one VALUES (1)").changes).toBe(1);
  });

  test("a wrong value is no error that passes", () => {
    using db = openDatabase(path, [one]);
    try {
      db.run("INSERT INTO one VALUES ('text')");
      expect.unreachable();
    } catch (error) {
      expect(passingReason(error)).toBeUndefined();
    }
    expect(passingReason(null)).toBeUndefined();
    expect(passingReason(new Error("x"))).toBeUndefined();
  });
});
