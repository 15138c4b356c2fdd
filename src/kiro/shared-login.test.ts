import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
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
  temporary,
  token,
} from "../../test/kiro-database-kit.ts";
import { folderOf } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import type { Log } from "../domain/log.ts";
import { silentLog } from "../domain/log.ts";
import { kiroFiles, type KiroFiles } from "../store/kiro-files.ts";
import { isLoginKey, isLoginState } from "./login-rows.ts";
import { createSharedLogin } from "./shared-login.ts";
import { makeSharedLoginFolders, sharedLoginPaths } from "./shared-login-files.ts";

const family = folderOf("family");
const trusted = { writeBack: true };
const data = {
  auth: { [ODIC]: token(10), [REGISTRATION]: registration, "other:secret": "mine" },
  state: { [PROFILE]: '{"arn":"arn:a"}', telemetryClientId: "t" },
  conversations: { private: "the owner's own words" },
};

/** A home with a login in it, and somebody to lend it; `changes` replaces parts of the store. */
function setup(changes: Partial<KiroFiles> = {}) {
  const root = temporary();
  const person = makeKiroDatabase(join(root, "persons", "data.sqlite3"), data);
  const paths = sharedLoginPaths(join(root, "kiro-login"));
  const said: { data: object; event: string }[] = [];
  const note = (data: object, event: string) => void said.push({ data, event });
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const clock = manualClock(Date.UTC(2026, 10, 22, 10, 30));
  const store = { ...kiroFiles({ person, scratch: paths.scratch, isLoginKey, isLoginState }), ...changes };
  /** As after each start. */
  const start = () => {
    makeSharedLoginFolders(paths);
    return createSharedLogin({ paths, store, owner: null, clock, log });
  };
  return { person, paths, said, clock, start, shared: start(), copy: paths.database(family), root };
}

/** What a kiro-cli does that refreshes its token. */
const refresh = (path: string, value = token(11)) =>
  inDatabase(path, (database) => fill(database, { auth: { [ODIC]: value } }));

describe("lending", () => {
  it("gives the login's rows and the profile, and no word of the person's", async () => {
    const { shared, copy } = setup();
    expect(await shared.lend(family, trusted)).toEqual({ kind: "lent" });
    expect(authOf(copy)).toEqual({ [ODIC]: token(10), [REGISTRATION]: registration });
    expect(inDatabase(copy, (database) => database.prepare("SELECT * FROM state").all())).toEqual([
      { key: PROFILE, value: '{"arn":"arn:a"}' },
    ]);
    expect(conversationsOf(copy)).toEqual([]);
    expect(readFileSync(copy).includes("the owner's own words")).toBe(false);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
  });

  it("keeps no value of the login where the host notes what was lent", async () => {
    const { shared, paths } = setup();
    await shared.lend(family, trusted);
    expect(readFileSync(paths.record(family), "utf8")).not.toMatch(/access-|refresh-|secret-/);
    expect(readdirSync(paths.scratch)).toEqual([]);
  });

  it("lends nothing of a login that is not there", async () => {
    const { shared, person, copy } = setup();
    inDatabase(person, (database) => database.exec(`UPDATE auth_kv SET value = 'null' WHERE key = '${ODIC}'`));
    expect(await shared.lend(family, trusted)).toEqual({ kind: "logged-out" });
    rmSync(person);
    expect(await shared.lend(family, trusted)).toEqual({ kind: "logged-out" });
    mkdirSync(person);
    expect(await shared.lend(family, trusted)).toMatchObject({ kind: "unusable" });
    expect(existsSync(copy)).toBe(false);
    expect(shared.lentTo()).toEqual([]);
  });

  it("leaves the group its conversations, from one run to the next", async () => {
    const { shared, copy } = setup();
    for (const run of [1, 2, 3]) {
      await shared.lend(family, trusted);
      inDatabase(copy, (database) =>
        fill(database, {
          sql: `INSERT INTO conversations_v2 VALUES ('/workspace/group', 'c${run}', 'run ${run}', ${run}, ${run})`,
        }),
      );
      await shared.takeBack(family, trusted);
    }
    expect(conversationsOf(copy)).toEqual(["run 1", "run 2", "run 3"]);
  });

  it("begins without them when the group has broken its database", async () => {
    const { shared, copy } = setup();
    await shared.lend(family, trusted);
    await shared.takeBack(family, trusted);
    writeFileSync(copy, "x".repeat(5000));
    expect(await shared.lend(family, trusted)).toEqual({ kind: "lent" });
    expect(authOf(copy)[ODIC]).toBe(token(10));
  });

  it.each<[string, (path: string, victim: string) => void]>([
    ["a link", (path, victim) => symlinkSync(victim, path)],
    ["a hard link", (path, victim) => linkSync(victim, path)],
    ["a FIFO", (path) => execFileSync("mkfifo", [path])],
    ["a folder", (path, victim) => (mkdirSync(path), symlinkSync(victim, join(path, "x")))],
  ])("replaces %s in the database's place, and beside it, and touches nothing behind it", async (_, plant) => {
    const { shared, copy, paths, root } = setup();
    const victim = makeKiroDatabase(join(root, "victim"), { auth: { [ODIC]: "untouched" } });
    mkdirSync(paths.folder(family));
    for (const suffix of ["", "-wal", "-shm", "-journal"]) plant(`${copy}${suffix}`, victim);
    expect(await shared.lend(family, trusted)).toEqual({ kind: "lent" });
    expect(lstatSync(copy).isFile()).toBe(true);
    expect(authOf(copy)[ODIC]).toBe(token(10));
    expect(existsSync(`${copy}-wal`)).toBe(false);
    expect(authOf(victim)).toEqual({ [ODIC]: "untouched" });
  });

  it("does not put a login behind a link that took the folder's place", async () => {
    const { shared, paths, root } = setup();
    mkdirSync(join(root, "elsewhere"));
    symlinkSync(join(root, "elsewhere"), paths.folder(family));
    await expect(shared.lend(family, trusted)).rejects.toThrow();
    expect(readdirSync(join(root, "elsewhere"))).toEqual([]);
  });
});

describe("taking back", () => {
  it("takes over a refreshed token and removes the copy", async () => {
    const { shared, person, copy, said } = setup();
    await shared.lend(family, trusted);
    refresh(copy);
    await shared.takeBack(family, trusted);
    expect(authOf(person)).toEqual({ ...data.auth, [ODIC]: token(11) });
    expect(conversationsOf(person)).toEqual(["the owner's own words"]);
    expect(existsSync(copy)).toBe(false);
    expect(shared.lentTo()).toEqual([]);
    expect(said).toEqual([{ data: { group: family, rows: [ODIC] }, event: "Kiro's login was refreshed" }]);
  });

  it("takes over what stands only in the write-ahead log of a run that was killed", async () => {
    const { shared, person, copy } = setup();
    await shared.lend(family, trusted);
    const open = new DatabaseSync(copy);
    open.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    fill(open, { auth: { [ODIC]: token(11) } });
    await shared.takeBack(family, trusted);
    expect(authOf(person)[ODIC]).toBe(token(11));
    open.close();
  });

  it("leaves no token in the group's folder, and keeps its conversations", async () => {
    const { shared, copy, paths } = setup();
    await shared.lend(family, trusted);
    inDatabase(copy, (database) => fill(database, { conversations: { c1: "ours" } }));
    await shared.takeBack(family, trusted);
    expect(authOf(copy)).toEqual({});
    expect(conversationsOf(copy)).toEqual(["ours"]);
    for (const name of readdirSync(paths.folder(family))) {
      expect(readFileSync(join(paths.folder(family), name)).toString("latin1")).not.toMatch(/access-|refresh-|secret-/);
    }
  });

  it("takes nothing over from a group with untrusted senders, then or now", async () => {
    for (const [then, now] of [
      [false, true],
      [true, false],
    ] as const) {
      const { shared, person, copy } = setup();
      await shared.lend(family, { writeBack: then });
      refresh(copy);
      await shared.takeBack(family, { writeBack: now });
      expect(authOf(person)[ODIC]).toBe(token(10));
      expect(shared.lentTo()).toEqual([]);
    }
  });

  it("does nothing when nothing is lent", async () => {
    const { shared, person, copy, paths } = setup();
    mkdirSync(paths.folder(family));
    makeKiroDatabase(copy, { auth: { [ODIC]: token(11) } });
    await shared.takeBack(family, trusted);
    expect(authOf(person)[ODIC]).toBe(token(10));
  });

  it("leaves the person's own login alone when it changed meanwhile", async () => {
    const { shared, person, copy } = setup();
    await shared.lend(family, trusted);
    refresh(copy, token(11));
    refresh(person, token(12));
    await shared.takeBack(family, trusted);
    expect(authOf(person)[ODIC]).toBe(token(12));
  });

  it("does not log the person in again who logged out meanwhile", async () => {
    const { shared, person, copy } = setup();
    await shared.lend(family, trusted);
    refresh(copy);
    inDatabase(person, (database) => database.exec("DELETE FROM auth_kv"));
    await shared.takeBack(family, trusted);
    expect(authOf(person)).toEqual({});
  });

  it.each<[string, (copy: string, root: string) => void]>([
    [
      "rows that were not lent",
      (copy) =>
        inDatabase(copy, (database) =>
          fill(database, { auth: { "kirocli:social:token": token(11), "other:secret": "x", evil: "x" } }),
        ),
    ],
    ["another account", (copy) => refresh(copy, token(11, { start_url: "https://evil.example" }))],
    ["an earlier end", (copy) => refresh(copy, token(9))],
    ["no end at all", (copy) => refresh(copy, token(11, { expires_at: "9999-01-01T00:00:00Z" }))],
    [
      "another device",
      (copy) =>
        inDatabase(copy, (database) =>
          fill(database, { auth: { [REGISTRATION]: registration.replace("client-1", "evil") } }),
        ),
    ],
    ["garbage", (copy) => writeFileSync(copy, Buffer.alloc(50_000, 7))],
    ["nothing", (copy) => rmSync(copy)],
    ["a giant", (copy) => truncateSync(copy, 2 ** 40)],
    [
      "a huge value",
      (copy) =>
        inDatabase(copy, (database) =>
          database.exec(`UPDATE auth_kv SET value = hex(zeroblob(50000000)) WHERE key = '${ODIC}'`),
        ),
    ],
    [
      "bytes for text",
      (copy) =>
        inDatabase(copy, (database) =>
          database.prepare("UPDATE auth_kv SET value = ? WHERE key = ?").run(Buffer.from(token(11)), ODIC),
        ),
    ],
    [
      "a row that is there twice",
      (copy) =>
        inDatabase(copy, (database) => {
          database.exec(
            "CREATE TABLE two AS SELECT * FROM auth_kv; DROP TABLE auth_kv; ALTER TABLE two RENAME TO auth_kv",
          );
          database.prepare("INSERT INTO auth_kv VALUES (?, ?)").run(ODIC, token(11));
        }),
    ],
    [
      "a view",
      (copy) =>
        inDatabase(copy, (database) =>
          database.exec(`DROP TABLE auth_kv; CREATE VIEW auth_kv AS SELECT '${ODIC}' AS key, '${token(11)}' AS value`),
        ),
    ],
    [
      "computed columns",
      (copy) =>
        inDatabase(copy, (database) =>
          database.exec(
            `DROP TABLE auth_kv; CREATE TABLE auth_kv (key TEXT, value TEXT AS ('${token(11)}') STORED); INSERT INTO auth_kv (key) VALUES ('${ODIC}')`,
          ),
        ),
    ],
    [
      "a link to a refreshed login",
      (copy, root) => (
        rmSync(copy),
        symlinkSync(makeKiroDatabase(join(root, "evil"), { auth: { [ODIC]: token(11) } }), copy)
      ),
    ],
    [
      "a hard link to one",
      (copy, root) => (
        rmSync(copy),
        linkSync(makeKiroDatabase(join(root, "evil"), { auth: { [ODIC]: token(11) } }), copy)
      ),
    ],
    ["a FIFO", (copy) => (rmSync(copy), execFileSync("mkfifo", [copy]))],
    ["a FIFO for a log", (copy) => execFileSync("mkfifo", [`${copy}-wal`])],
    ["a folder", (copy) => (rmSync(copy), mkdirSync(copy))],
    [
      "a link to the person's own",
      (copy, root) => (rmSync(copy), symlinkSync(join(root, "persons", "data.sqlite3"), copy)),
    ],
  ])("takes nothing over when what came back is %s", async (_, plant) => {
    const { shared, person, copy, root, paths } = setup();
    await shared.lend(family, trusted);
    plant(copy, root);
    await shared.takeBack(family, trusted);
    expect(authOf(person)).toEqual(data.auth);
    expect(conversationsOf(person)).toHaveLength(1);
    expect(shared.lentTo()).toEqual([]);
    expect(readdirSync(paths.scratch)).toEqual([]);
    expect(await shared.lend(family, trusted)).toEqual({ kind: "lent" });
  });

  it("takes over an honest refresh beside planted rows, triggers and tables", async () => {
    const { shared, person, copy } = setup();
    await shared.lend(family, trusted);
    refresh(copy);
    inDatabase(copy, (database) =>
      database.exec(`
        INSERT INTO auth_kv VALUES ('evil', 'x');
        CREATE TRIGGER t AFTER DELETE ON auth_kv BEGIN INSERT INTO auth_kv VALUES ('again', 'x'); END;
        CREATE TABLE trap (a CHECK (length(hex(zeroblob(100))) > 0));
      `),
    );
    await shared.takeBack(family, trusted);
    expect(authOf(person)).toEqual({ ...data.auth, [ODIC]: token(11) });
  });

  it("writes nothing of the login into the log", async () => {
    const { shared, copy, said } = setup();
    await shared.lend(family, trusted);
    refresh(copy, token(11, { region: "elsewhere" }));
    await shared.takeBack(family, trusted);
    expect(said).toHaveLength(1);
    expect(JSON.stringify(said)).not.toMatch(/access-|refresh-/);
  });
});

describe("a person's kiro-cli that is busy", () => {
  it("is waited for", async () => {
    let isBusy = 3;
    const root = setup();
    const own = kiroFiles({ person: root.person, scratch: root.paths.scratch, isLoginKey, isLoginState });
    const { clock, paths, copy } = root;
    const shared = createSharedLogin({
      ...{ paths, owner: null, clock, log: silentLog },
      store: { ...own, update: (changes) => (isBusy-- > 0 ? { kind: "busy" } : own.update(changes)) },
    });
    await shared.lend(family, trusted);
    refresh(copy);
    const taken = shared.takeBack(family, trusted);
    for (let step = 0; step < 3; step += 1) await clock.advance(250);
    await taken;
    expect(authOf(root.person)[ODIC]).toBe(token(11));
  });

  it("has the copy kept when it never ends: the token in it may be the only good one", async () => {
    const { paths, clock, person, copy, start } = setup();
    const own = kiroFiles({ person, scratch: paths.scratch, isLoginKey, isLoginState });
    const stuck = createSharedLogin({
      ...{ paths, owner: null, clock, log: silentLog },
      store: { ...own, update: () => ({ kind: "busy" }) },
    });
    await stuck.lend(family, trusted);
    refresh(copy);
    const taken = stuck.takeBack(family, trusted);
    for (let step = 0; step < 40; step += 1) await clock.advance(250);
    await taken;
    expect(stuck.lentTo()).toEqual([family]);
    expect(authOf(copy)[ODIC]).toBe(token(11));
    // Whoever is next has it settled first.
    const other = folderOf("work");
    expect(await start().lend(other, trusted)).toEqual({ kind: "lent" });
    expect(authOf(person)[ODIC]).toBe(token(11));
    expect(authOf(paths.database(other))[ODIC]).toBe(token(11));
    expect(existsSync(copy)).toBe(false);
  });
});

describe("a host that was killed", () => {
  it("between the copy and its return, has the refreshed token taken over at the next start", async () => {
    const { shared, start, copy, person } = setup();
    await shared.lend(family, trusted);
    refresh(copy);
    const next = start();
    expect(next.lentTo()).toEqual([family]);
    await next.takeBack(family, trusted);
    expect(authOf(person)[ODIC]).toBe(token(11));
    expect(existsSync(copy)).toBe(false);
  });

  it("before the copy was in place, leaves nothing behind", async () => {
    const { shared, start, paths } = setup();
    await shared.lend(family, trusted);
    rmSync(paths.database(family));
    writeFileSync(join(paths.scratch, "half"), "x");
    const next = start();
    await next.takeBack(family, trusted);
    expect(next.lentTo()).toEqual([]);
    expect(readdirSync(paths.scratch)).toEqual([]);
  });

  it("after the token was taken over, has the copy removed all the same", async () => {
    const { shared, start, paths, copy, person } = setup();
    await shared.lend(family, trusted);
    refresh(copy);
    const record = readFileSync(paths.record(family));
    const kept = readFileSync(copy);
    await shared.takeBack(family, trusted);
    writeFileSync(paths.record(family), record);
    writeFileSync(copy, kept);
    await start().takeBack(family, trusted);
    expect(authOf(person)[ODIC]).toBe(token(11));
    expect(existsSync(copy)).toBe(false);
  });

  it("with a note that another version wrote, has the copy removed and nothing taken over", async () => {
    const { shared, start, paths, copy, person } = setup();
    await shared.lend(family, trusted);
    refresh(copy);
    writeFileSync(paths.record(family), '{"version":2}');
    await start().takeBack(family, trusted);
    expect(authOf(person)[ODIC]).toBe(token(10));
    expect(existsSync(copy)).toBe(false);
  });

  it("does not leave a login in the group's folder when the person's own file is gone", async () => {
    const { shared, copy, person } = setup();
    await shared.lend(family, trusted);
    inDatabase(copy, (database) => fill(database, { conversations: { c1: "ours" } }));
    renameSync(person, `${person}.away`);
    await shared.takeBack(family, trusted);
    expect(existsSync(copy)).toBe(false);
  });
});
