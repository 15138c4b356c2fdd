import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import {
  authOf,
  conversationsOf,
  fill,
  inDatabase,
  makeKiroDatabase,
  ODIC,
  PROFILE,
  REGISTRATION,
  registration,
  SOCIAL,
  temporary,
  token,
} from "../../test/kiro-database-kit.ts";
import { kiroFiles } from "./kiro-files.ts";
import { updateKiroLogin, type KiroRead } from "./kiro-database.ts";

function setup() {
  const root = temporary();
  const scratch = join(root, "scratch");
  mkdirSync(scratch);
  const person = join(root, "data.sqlite3");
  const files = kiroFiles({
    person,
    scratch,
    isLoginKey: (key) => [SOCIAL, ODIC, REGISTRATION].includes(key),
    isLoginState: (key) => key === PROFILE,
  });
  return { root, scratch, person, files, other: join(root, "other.sqlite3") };
}

const contentOf = (read: KiroRead) => {
  if (read.kind !== "content") throw new Error(JSON.stringify(read));
  return read.content;
};

describe("reading", () => {
  it("finds the login's rows, the profile, and nothing else", () => {
    const { person, files, scratch } = setup();
    makeKiroDatabase(person, {
      auth: { [ODIC]: token(10), [REGISTRATION]: registration, other: "x" },
      state: { [PROFILE]: '{"arn":"a"}', telemetryClientId: "t" },
      conversations: { one: "private" },
    });
    const { auth, state, conversations } = contentOf(files.readPerson());
    expect(Object.fromEntries(auth.map(({ key, value }) => [key, value]))).toEqual({
      [ODIC]: token(10),
      [REGISTRATION]: registration,
    });
    expect(state).toEqual([{ key: PROFILE, value: '{"arn":"a"}' }]);
    expect(conversations).toEqual([]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it("sees what stands only in the write-ahead log, while another process has the file open", () => {
    const { person, files } = setup();
    makeKiroDatabase(person);
    using open = new DatabaseSync(person);
    open.exec("PRAGMA journal_mode = WAL");
    fill(open, { auth: { [ODIC]: token(11) } });
    open.exec("BEGIN IMMEDIATE");
    expect(contentOf(files.readLogin()).auth).toEqual([{ key: ODIC, value: token(11) }]);
  });

  it("reads the person's file again when it changed, and only then", () => {
    const { person, files } = setup();
    expect(files.readLogin().kind).toBe("missing");
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    const first = files.readLogin();
    expect(files.readLogin()).toBe(first);
    inDatabase(person, (database) => fill(database, { auth: { [ODIC]: token(11) } }));
    expect(contentOf(files.readLogin()).auth).toEqual([{ key: ODIC, value: token(11) }]);
  });

  it("says that a file is not there", () => {
    expect(setup().files.readLogin()).toEqual({ kind: "missing" });
  });

  it("takes a database of before the tables were made for an empty one", () => {
    const { person, files } = setup();
    inDatabase(person, (database) => database.exec("CREATE TABLE history (id INTEGER)"));
    expect(contentOf(files.readLogin()).auth).toEqual([]);
  });

  it("notices by its stamp that the login changed, in the file or in its log", () => {
    const { person, files } = setup();
    const stamps = [files.stamp()];
    makeKiroDatabase(person);
    stamps.push(files.stamp());
    using open = new DatabaseSync(person);
    open.exec("PRAGMA journal_mode = WAL");
    fill(open, { auth: { [ODIC]: token(11) } });
    stamps.push(files.stamp());
    expect(new Set(stamps).size).toBe(3);
    expect(files.stamp()).toBe(stamps[2]);
  });
});

describe("a file that an agent wrote", () => {
  const login = { auth: { [ODIC]: token(10) } };

  it.each<[string, (path: string) => void]>([
    ["a link", (path) => symlinkSync(makeKiroDatabase(`${path}.real`, login), path)],
    ["a dead link", (path) => symlinkSync("/nowhere", path)],
    ["a hard link", (path) => linkSync(makeKiroDatabase(`${path}.real`, login), path)],
    ["a FIFO", (path) => execFileSync("mkfifo", [path])],
    ["a folder", (path) => mkdirSync(path)],
    ["a device", (path) => symlinkSync("/dev/zero", path)],
    ["garbage", (path) => writeFileSync(path, "x".repeat(10_000))],
    ["a giant", (path) => (makeKiroDatabase(path, login), truncateSync(path, 2 ** 40))],
    ["a log that is a link", (path) => (makeKiroDatabase(path, login), symlinkSync("/etc/passwd", `${path}-wal`))],
    ["a log that is a FIFO", (path) => (makeKiroDatabase(path, login), execFileSync("mkfifo", [`${path}-wal`]))],
    [
      "a giant log",
      (path) => (makeKiroDatabase(path, login), writeFileSync(`${path}-wal`, ""), truncateSync(`${path}-wal`, 2 ** 40)),
    ],
  ])("is refused when it is %s", (_, plant) => {
    const { files, other, scratch } = setup();
    plant(other);
    expect(files.readReturned(other).kind).toBe("refused");
    expect(readdirSync(scratch)).toEqual([]);
  });

  it.each([
    [
      "a view",
      "CREATE TABLE real (key, value); INSERT INTO real VALUES ('k', 'v'); CREATE VIEW auth_kv AS SELECT key, value FROM real",
    ],
    [
      "a view that never ends",
      "CREATE VIEW auth_kv AS WITH RECURSIVE n(key) AS (SELECT 1 UNION ALL SELECT key + 1 FROM n) SELECT key, key AS value FROM n",
    ],
    ["a virtual table", "CREATE VIRTUAL TABLE auth_kv USING fts5(key, value)"],
    [
      "computed columns",
      "CREATE TABLE auth_kv (key TEXT, value TEXT AS (hex(zeroblob(100000000))) VIRTUAL); INSERT INTO auth_kv (key) VALUES ('k')",
    ],
    [
      "stored computed columns",
      "CREATE TABLE auth_kv (key TEXT, value TEXT AS (key || 'x') STORED); INSERT INTO auth_kv (key) VALUES ('k')",
    ],
    ["a view by another case", "CREATE VIEW AUTH_KV AS SELECT 'a' AS key, 'b' AS value"],
    ["a table without the columns", "CREATE TABLE auth_kv (name TEXT, secret TEXT)"],
  ])("is refused when its auth_kv is %s", (_, sql) => {
    const { files, other } = setup();
    inDatabase(other, (database) => database.exec(sql));
    expect(files.readReturned(other)).toEqual({ kind: "refused", problem: "auth_kv is no plain table" });
  });

  it("is refused when its schema lies about auth_kv", () => {
    const { files, other } = setup();
    makeKiroDatabase(other, login);
    inDatabase(other, (database) => {
      database.exec("PRAGMA writable_schema = ON");
      database.exec(
        "UPDATE sqlite_master SET sql = 'CREATE VIEW auth_kv AS SELECT 1 AS key, 2 AS value' WHERE name = 'auth_kv'",
      );
    });
    expect(files.readReturned(other).kind).toBe("refused");
  });

  it("cannot have anything done by triggers, indexes, checks and defaults", () => {
    const { files, other } = setup();
    inDatabase(other, (database) =>
      database.exec(`
        CREATE TABLE auth_kv (key TEXT, value TEXT DEFAULT (randomblob(10)), CHECK (length(hex(zeroblob(10))) > 1));
        CREATE INDEX slow ON auth_kv (length(value));
        CREATE TRIGGER t AFTER INSERT ON auth_kv BEGIN DELETE FROM auth_kv; END;
        DROP TRIGGER t;
        INSERT INTO auth_kv VALUES ('${ODIC}', '${token(10)}');
        CREATE TRIGGER t2 AFTER UPDATE ON auth_kv BEGIN DELETE FROM auth_kv; END;
      `),
    );
    expect(contentOf(files.readReturned(other)).auth).toEqual([{ key: ODIC, value: token(10) }]);
  });

  it("has a key that is there twice say nothing", () => {
    const { files, other } = setup();
    inDatabase(other, (database) =>
      database.exec(
        `CREATE TABLE auth_kv (key, value); INSERT INTO auth_kv VALUES ('${ODIC}', 'a'), ('${ODIC}', 'b'), ('${SOCIAL}', 'c')`,
      ),
    );
    expect(contentOf(files.readReturned(other)).auth).toEqual([{ key: SOCIAL, value: "c" }]);
  });

  it("has huge and odd values passed over, not loaded", () => {
    const { files, other } = setup();
    makeKiroDatabase(other, {
      sql: `INSERT INTO auth_kv VALUES ('${ODIC}', hex(zeroblob(20000000))), (hex(zeroblob(5000000)), 'x'), ('${SOCIAL}', x'00ff'), ('${REGISTRATION}', NULL);
            INSERT INTO auth_kv VALUES (NULL, 'x')`,
    });
    expect(contentOf(files.readReturned(other)).auth).toEqual([]);
  });

  it("costs no more than a look at its first rows", () => {
    const { files, other } = setup();
    makeKiroDatabase(other, {
      sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) INSERT INTO auth_kv SELECT 'k' || i, 'v' FROM n;
            INSERT INTO auth_kv VALUES ('${ODIC}', 'late')`,
    });
    expect(contentOf(files.readReturned(other)).auth).toEqual([]);
  });

  it("never has its rollback journal played back: SQLite deletes a file that the journal names", () => {
    const { files, other } = setup();
    makeKiroDatabase(other, login);
    const victim = plantHotJournal(other);
    expect(contentOf(files.readReturned(other)).auth).toHaveLength(1);
    expect(existsSync(victim)).toBe(true);
    inDatabase(other, (database) => database.prepare("SELECT count(*) FROM auth_kv").get());
    expect(existsSync(victim)).toBe(false); // the journal was a good one
  });

  it("may have any bytes flipped, in file and log", () => {
    const { files, other } = setup();
    makeKiroDatabase(other, { ...login, conversations: { one: "a".repeat(20_000), two: "b" } });
    using open = new DatabaseSync(other);
    open.exec("PRAGMA journal_mode = WAL");
    fill(open, { auth: { [SOCIAL]: token(12) } });
    const target = `${other}.bad`;
    for (let seed = 1; seed <= 150; seed += 1) {
      copyFileSync(other, target);
      copyFileSync(`${other}-wal`, `${target}-wal`);
      flip(target, seed);
      if (seed % 2 === 0) flip(`${target}-wal`, seed);
      expect(["content", "refused"]).toContain(files.readReturned(target).kind);
    }
  });

  it("brings its newest conversations, up to their limit", () => {
    const { files, other } = setup();
    makeKiroDatabase(other, {
      conversations: { old: "o".repeat(9_000_000), middle: "m".repeat(9_000_000), new: "n" },
      sql: "INSERT INTO conversations VALUES ('/workspace/group', 'of before')",
    });
    const { conversations } = contentOf(files.readReturned(other));
    expect(conversations.map(({ id, value }) => [id, value.length])).toEqual([
      ["new", 1],
      ["middle", 9_000_000],
      [null, 9],
    ]);
  });
});

describe("building", () => {
  it("makes what a kiro-cli of the person's version would find, with the rows it is given", () => {
    const { person, files, other } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) }, state: { [PROFILE]: "p", telemetryClientId: "t" } });
    const content = contentOf(files.readPerson());
    const conversations = [
      { key: "/workspace/group", id: "c1", value: "hi", createdAt: 1, updatedAt: 2 },
      { key: "/workspace/group", id: null, value: "of before", createdAt: 0, updatedAt: 0 },
    ];
    files.build(other, { ...content, conversations });
    expect(authOf(other)).toEqual({ [ODIC]: token(10) });
    expect(conversationsOf(other)).toEqual(["hi"]);
    const look = (path: string) =>
      inDatabase(path, (database) => ({
        migrations: database.prepare("SELECT * FROM migrations").all(),
        state: database.prepare("SELECT key FROM state").all(),
        tables: ["auth_kv", "state", "migrations", "history", "conversations", "conversations_v2"].map((table) => [
          database.prepare(`PRAGMA table_xinfo(${table})`).all(),
          database
            .prepare(`PRAGMA index_list(${table})`)
            .all()
            .map(({ unique, origin }) => [unique, origin])
            .sort(),
        ]),
        index: database.prepare("PRAGMA index_xinfo(idx_conversations_v2_key_updated)").all(),
      }));
    const [made, own] = [look(other), look(person)];
    expect(made.tables).toEqual(own.tables);
    expect(made.index).toEqual(own.index);
    expect(made.migrations).toEqual(own.migrations);
    expect(made.state).toEqual([{ key: PROFILE }]);
  });

  it("executes nothing that the person's schema says", () => {
    const { root, person, files, other } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    const victim = join(root, "planted");
    inDatabase(person, (database) => {
      database.exec(`
        CREATE TABLE "evil""; ATTACH '${victim}' AS x; --" (a);
        CREATE TABLE evil2 ("b""); ATTACH '${victim}' AS x; --" TEXT);
        CREATE TABLE evil3 (a TEXT DEFAULT (hex(randomblob(3))), b "odd); ATTACH '${victim}' AS y; --");
        CREATE VIEW v AS SELECT 1;
        CREATE TRIGGER t AFTER INSERT ON auth_kv BEGIN DELETE FROM auth_kv; END;
      `);
    });
    files.build(other, contentOf(files.readPerson()));
    expect(authOf(other)).toEqual({ [ODIC]: token(10) });
    expect(existsSync(victim)).toBe(false);
    const kinds = inDatabase(other, (database) =>
      database.prepare("SELECT name FROM sqlite_master WHERE type IN ('view', 'trigger') OR name LIKE 'evil%'").all(),
    );
    expect(kinds).toEqual([]);
  });
});

describe("writing back", () => {
  const change = { key: ODIC, from: token(10), to: token(11) };

  it("replaces a value that still stands, while a kiro-cli has the file open", () => {
    const { person } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10), other: "x" } });
    using open = new DatabaseSync(person);
    open.exec("PRAGMA journal_mode = WAL");
    open.prepare("SELECT count(*) FROM auth_kv").get();
    expect(updateKiroLogin(person, [change])).toEqual({ kind: "done" });
    expect(authOf(person)).toEqual({ [ODIC]: token(11), other: "x" });
  });

  it("changes nothing at all when one value is another by now", () => {
    const { person } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10), [SOCIAL]: "newer" } });
    expect(updateKiroLogin(person, [change, { key: SOCIAL, from: "older", to: "x" }])).toEqual({ kind: "changed" });
    expect(authOf(person)[ODIC]).toBe(token(10));
  });

  it("waits for nobody for long", () => {
    const { person } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    using open = new DatabaseSync(person);
    open.exec("BEGIN EXCLUSIVE");
    expect(updateKiroLogin(person, [change])).toEqual({ kind: "busy" });
  });

  it.each<[string, string]>([
    ["a trigger", "CREATE TRIGGER t AFTER UPDATE ON AUTH_KV BEGIN DELETE FROM state; END"],
    [
      "a view",
      "ALTER TABLE auth_kv RENAME TO a; CREATE VIEW auth_kv AS SELECT * FROM a; CREATE TRIGGER t INSTEAD OF UPDATE ON auth_kv BEGIN DELETE FROM a; END",
    ],
  ])("leaves a file alone in which %s would act", (_, sql) => {
    const { person } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) }, sql });
    expect(updateKiroLogin(person, [change]).kind).toBe("refused");
    expect(authOf(person)[ODIC]).toBe(token(10));
  });

  it("leaves a file alone beside which a rollback journal lies, or something that is no file", () => {
    const { root, person } = setup();
    makeKiroDatabase(person, { auth: { [ODIC]: token(10) } });
    const victim = plantHotJournal(person);
    expect(updateKiroLogin(person, [change])).toEqual({ kind: "busy" });
    expect(existsSync(victim)).toBe(true);
    renameSync(`${person}-journal`, join(root, "j"));
    symlinkSync(victim, `${person}-wal`);
    expect(updateKiroLogin(person, [change]).kind).toBe("refused");
    expect(updateKiroLogin(join(root, "none"), [change]).kind).toBe("refused");
    expect(existsSync(join(root, "none"))).toBe(false);
  });
});

/** Beside a database; @returns the file that playing it back deletes (older versions delete any file at all). */
function plantHotJournal(path: string): string {
  const victim = `${path}-mj012345967`;
  writeFileSync(victim, `${path}-journal`);
  writeFileSync(`${path}-journal`, hotJournal(readFileSync(path), victim));
  return victim;
}

/** A journal that SQLite takes for a crash's, of one page as it is, naming a file of other journals. */
function hotJournal(database: Buffer, superJournal: string): Buffer {
  const page = 4096;
  const header = Buffer.alloc(512);
  Buffer.from("d9d505f920a163d7", "hex").copy(header);
  header.writeUInt32BE(1, 8); // records
  header.writeUInt32BE(7, 12); // nonce
  header.writeUInt32BE(database.length / page, 16);
  header.writeUInt32BE(512, 20);
  header.writeUInt32BE(page, 24);
  const first = database.subarray(0, page);
  let sum = 7;
  for (let at = page - 200; at > 0; at -= 200) sum = (sum + (first[at] ?? 0)) >>> 0;
  const record = Buffer.concat([number(1), first, number(sum)]);
  const name = Buffer.from(superJournal);
  const nameSum = name.reduce((total, byte) => total + byte, 0);
  const tail = Buffer.concat([
    number(0x40000000 / page + 1),
    name,
    number(name.length),
    number(nameSum),
    header.subarray(0, 8),
  ]);
  return Buffer.concat([header, record, tail]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Some bytes at places that a seed decides. */
function flip(path: string, seed: number): void {
  const bytes = readFileSync(path);
  let state = seed * 2654435761;
  for (let count = 0; count < 1 + (seed % 40); count += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const at = seed % 3 === 0 ? state % Math.min(200, bytes.length) : state % bytes.length;
    bytes[at] = (state >>> 8) & 0xff;
  }
  writeFileSync(path, bytes);
}
