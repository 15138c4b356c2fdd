import { lstatSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inDatabase, ODIC } from "../kiro-database-kit.ts";
import { jumpingClock } from "../system/clocks.ts";
import { addGroup, askKiro, databaseOf, noticesIn, restart, tellKiro } from "../system/kiro-site.ts";
import type { Site } from "../system/site.ts";
import { until } from "../system/until.ts";
import { snapshot } from "./escape/snapshot.ts";
import { describeContainers } from "./engine.ts";
import { loggedIn, loginRows, openKiro, tokensOf, type KiroContainers } from "./kiro-kit.ts";

/** What stands in a database, as SQL would tell it. */
function dump(path: string): object {
  return inDatabase(path, (database) => {
    const schema = database.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY name").all();
    const tables = schema.filter(({ type }) => type === "table").map(({ name }) => String(name));
    return { schema, rows: tables.map((name) => [name, database.prepare(`SELECT * FROM "${name}"`).all()]) };
  });
}

/** Runs as the agent: a program with the group's copy of the login at hand. */
const attack = (site: Site, group: string, code: string): Promise<string> => {
  const program = `import fs from "node:fs"; import { DatabaseSync } from "node:sqlite";
    const path = process.env.HOME + "/.local/share/kiro-cli/data.sqlite3";
    const open = () => new DatabaseSync(path, { timeout: 5000 });
    const gone = () => { for (const end of ["", "-wal", "-shm", "-journal"]) fs.rmSync(path + end, { force: true, recursive: true }); };
    ${code}
    console.log("planted");`;
  const encoded = Buffer.from(program).toString("base64");
  return askKiro(site, `!!shell echo ${encoded} | base64 -d >/tmp/attack.mjs && node /tmp/attack.mjs!!`, group);
};

const PLANTED = "Done: shell: planted";
const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();

/** Sets fields of the token that was lent. */
const changed = (fields: object): string =>
  `const db = open();
   const { value } = db.prepare("SELECT value FROM auth_kv WHERE key = ?").get(${JSON.stringify(ODIC)});
   const token = JSON.stringify({ ...JSON.parse(value), ...${JSON.stringify(fields)} });
   db.prepare("UPDATE auth_kv SET value = ? WHERE key = ?").run(token, ${JSON.stringify(ODIC)});`;
const later = { access_token: "a".repeat(40), refresh_token: "r".repeat(40), expires_at: day(1) };

await describeContainers("a group's copy of the login", (engine) => {
  let opened: KiroContainers;
  let outside = "";
  beforeAll(async () => {
    opened = await openKiro(engine, loggedIn);
    await addGroup(opened.site, "eve", { shareLogin: true });
    outside = mkdtempSync(join(tmpdir(), "nanoclaw-outside-"));
    writeFileSync(join(outside, "victim"), "as it was");
  }, 60_000);
  afterAll(async () => {
    await opened[Symbol.asyncDispose]();
    rmSync(outside, { recursive: true });
  });

  /** Each run is the proof that the one before has done no harm to the next. */
  const tryAll = async (attacks: Record<string, string>) => {
    const { site, person } = opened;
    const before = [dump(databaseOf(person.home)), snapshot(outside)];
    for (const [name, code] of Object.entries(attacks)) {
      expect(await attack(site, "eve", code), name).toBe(PLANTED);
      await opened.untilNone();
      expect([dump(databaseOf(person.home)), snapshot(outside)], name).toEqual(before);
    }
    expect(await askKiro(site, "!!say here!!", "eve")).toBe("here");
    expect(await askKiro(site, "!!say here!!")).toBe("here");
  };

  test("E50 rows of another login, of another account, without an end, or without a token's form do not come back", () =>
    tryAll({
      "a login of the attacker's": `open().prepare("INSERT INTO auth_kv VALUES (?, ?)").run("kirocli:social:token", ${JSON.stringify(JSON.stringify(later))});`,
      "another account": changed({ ...later, start_url: "https://evil.awsapps.com/start" }),
      "another region": changed({ ...later, region: "eu-west-1" }),
      "one more field": changed({ ...later, profile_arn: "arn:evil" }),
      "never ends": changed({ ...later, expires_at: day(400) }),
      "ends earlier": changed({ ...later, expires_at: day(-1) }),
      "a time that is none": changed({ ...later, expires_at: "tomorrow" }),
      "a token that is an object": changed({ ...later, access_token: { toString: "x" } }),
      "a token with a line feed": changed({ ...later, access_token: `${"a".repeat(40)}\nb` }),
      "a profile, a setting, a conversation": `const db = open();
        db.exec("INSERT OR REPLACE INTO state VALUES ('api.codewhisperer.profile', '{\\"arn\\":\\"evil\\"}'), ('x', 'y')");
        db.exec("INSERT INTO conversations_v2 VALUES ('/workspace/group', 'evil', '{}', 1, 9999999999999)");`,
      "ten thousand rows": `const db = open(); db.exec("BEGIN");
        for (let n = 0; n < 10000; n++) db.prepare("INSERT INTO auth_kv VALUES (?, ?)").run("kirocli:evil" + n + ":token", "x".repeat(1000));
        db.exec("COMMIT");`,
    }));

  test("E51 a table that is none does nothing at the host", () => {
    const table = "ALTER TABLE auth_kv RENAME TO kept;";
    const refreshed = JSON.stringify(JSON.stringify(later));
    return tryAll({
      "a trigger": `${changed(later)}
        db.exec("CREATE TRIGGER t AFTER UPDATE ON auth_kv BEGIN INSERT OR REPLACE INTO auth_kv VALUES ('evil', 'evil'); END");
        db.exec("UPDATE auth_kv SET value = 'null'");`,
      "a view": `open().exec("${table} CREATE VIEW auth_kv AS SELECT key, '" + ${refreshed} + "' AS value FROM kept");`,
      "a view without an end": `open().exec("${table} CREATE VIEW auth_kv AS WITH RECURSIVE r(key, value) AS (SELECT 'k', 'v' UNION ALL SELECT key, value FROM r) SELECT * FROM r");`,
      "a virtual table": `open().exec("${table} CREATE VIRTUAL TABLE auth_kv USING fts5(key, value)");`,
      "a computed column": `open().exec("${table} CREATE TABLE auth_kv (key TEXT PRIMARY KEY, value TEXT AS (zeroblob(1000000000)))");`,
      "a schema that was written by hand": `const db = new DatabaseSync(path, { timeout: 5000, defensive: false });
        db.exec("PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = 'CREATE TABLE auth_kv (key, value, evil)', rootpage = 1 WHERE name = 'auth_kv'");`,
    });
  });

  test("E52 what stands in the database's place, or beside it, leads nowhere", () => {
    const victim = JSON.stringify(join(outside, "victim"));
    const person = JSON.stringify(databaseOf(opened.person.home));
    return tryAll({
      garbage: `gone(); fs.writeFileSync(path, "x".repeat(50000));`,
      nothing: "gone();",
      "half of it": `fs.truncateSync(path, 5000);`,
      "a giant": `fs.truncateSync(path, 300 * 2 ** 20);`,
      "a link to the person's own": `gone(); fs.symlinkSync(${person}, path);`,
      "links beside it": `for (const end of ["-wal", "-shm", "-journal"]) { fs.rmSync(path + end, { force: true }); fs.symlinkSync(${victim}, path + end); }`,
      "a second name": `fs.linkSync(path, path + "-2");`,
      "a FIFO": `gone(); process.getBuiltinModule("node:child_process").execFileSync("mkfifo", [path, path + "-wal"]);`,
      "a folder with a link in it": `gone(); fs.mkdirSync(path); fs.symlinkSync(${JSON.stringify(outside)}, path + "/x");`,
      "a journal that names a file of the host's": `const name = Buffer.from(${victim}); const number = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n); return b; };
        const magic = Buffer.from("d9d505f920a163d7", "hex"); const sum = name.reduce((all, byte) => all + byte, 0);
        const head = Buffer.concat([magic, number(0), number(1), number(1), number(512), number(4096)], 512);
        fs.writeFileSync(path + "-journal", Buffer.concat([head, number(1), name, number(name.length), number(sum), magic]));`,
    });
  });

  test("E53 a refreshed token comes back, but not from a group that everyone can write to", async () => {
    const { site, person } = opened;
    const before = dump(databaseOf(person.home));
    await site.ask("POST", "/control/groups", {
      name: "eve",
      folder: "eve",
      jid: "1-2@g.us",
      join: true,
      senders: "everyone",
    });
    expect(await attack(site, "eve", changed(later))).toBe(PLANTED);
    await opened.untilNone();
    expect(await askKiro(site, "!!say here!!", "eve")).toBe("here");
    expect(dump(databaseOf(person.home))).toEqual(before);
    await addGroup(site, "friends", { shareLogin: true });
    expect(await attack(site, "friends", changed(later))).toBe(PLANTED);
    await until(() => loginRows(person)[ODIC]?.["access_token"] === later.access_token);
  });

  test("E54 the login is taken out of what the group says, and the owner is told", async () => {
    const { site, person } = opened;
    const [access = "", refresh = ""] = tokensOf(person);
    const before = noticesIn(site).length;
    const said = await attack(
      site,
      "friends",
      `const { value } = open().prepare("SELECT value FROM auth_kv WHERE key = ?").get(${JSON.stringify(ODIC)});
       console.log(value, Buffer.from(JSON.parse(value).refresh_token).toString("base64"));`,
    );
    expect(said).toContain("[removed");
    for (const token of [access, refresh, Buffer.from(refresh).toString("base64")]) expect(said).not.toContain(token);
    expect(noticesIn(site).slice(before)).toEqual([expect.stringContaining('the agent of the group "friends"')]);
  });
});

await describeContainers("folders of Kiro's that an agent would replace", (engine) => {
  const folders = [
    ".kiro",
    ".kiro/agents",
    ".kiro/settings",
    ".kiro/hooks",
    ".local",
    ".local/share",
    ".local/share/kiro-cli",
  ];

  test("E55 stay where they are, and agents, settings and hooks as they are, in main with the person's login, too", async () => {
    await using opened = await openKiro(engine, {
      prepare: async (person) => {
        await person.login();
        person.write(".kiro/agents/agent_config.json", '{"name":"mine","prompt":"Be brief."}');
        person.write(".kiro/steering/manners.md", "Be kind.");
      },
    });
    const { site, person } = opened;
    expect(await askKiro(site, "!!say here!!")).toBe("here");
    const own = (name: string) => site.path("data", "kiro", "main", name);
    const fixed = () => snapshot(person.path(".kiro"), own(".kiro/settings"), own(".kiro/hooks"));
    const before = fixed();
    const tries = folders.flatMap((name) => [
      `mv ${name} away && echo replaced`,
      `rm -rf ${name}`,
      `ln -sfT /etc ${name} && echo replaced`,
    ]);
    const writes =
      "echo x >.kiro/agents/mine.json; mkdir .kiro/hooks/x; touch .kiro/settings/cli.json .kiro/steering/x";
    // What lies in the person's data folder main may spoil, and is put back: here the folders are meant.
    const [keep, restore] = ["cp -a .local/share/kiro-cli /tmp/kept", "cp -a /tmp/kept/. .local/share/kiro-cli/"];
    const tried = await askKiro(site, `!!shell cd; ${keep}; ${[...tries, writes, restore].join("; ")}!!`);
    expect(tried).not.toContain("replaced");
    for (const name of folders) expect(lstatSync(own(name)).isDirectory(), name).toBe(true);
    expect(fixed()).toEqual(before);
    expect(await askKiro(site, "!!system!!")).toMatch(/^agent: mine\n/);
  });

  test("E56 in places where something of the person's is mounted later, stop main alone, with a message that names them", async () => {
    const clock = jumpingClock();
    await using opened = await openKiro(engine, { ...loggedIn, clock, settings: { NANOCLAW_KIRO_AWS: "true" } });
    const { site, person } = opened;
    await addGroup(site, "family", { shareLogin: true });
    const links = [".kiro/steering", ".aws"];
    const plant = links.map((name) => `ln -s /workspace/global ~/${name}`).join("; ");
    expect(await askKiro(site, `!!shell ${plant}; echo planted!!`)).toBe(PLANTED);
    person.write(".kiro/steering/manners.md", "Be kind.");
    person.write(".aws/config", "[default]");
    const seq = await tellKiro(site, "!!shell cat ~/.kiro/steering/manners.md ~/.aws/config!!");
    for (const name of links) {
      const path = site.path("data", "kiro", "main", name);
      await until(() => failuresIn(site).some((detail) => detail.includes(`${path} is no folder; remove it`)));
      expect(await askKiro(site, "!!say here!!", "family")).toBe("here");
      rmSync(path);
      clock.jump(60_000);
    }
    expect(await site.answered(seq)).toEqual(["Done: shell: Be kind.[default]"]);
  });
});

await describeContainers("the person's own login, spoilt by main's agent", (engine) => {
  const data = "$HOME/.local/share/kiro-cli";

  test.each([
    ["a FIFO", `mkfifo ${data}/data.sqlite3`, "it is no regular file"],
    ["a link", `ln -s /etc/hostname ${data}/data.sqlite3`, "it is a link"],
  ])("E57 as %s neither stops the host nor leads it anywhere", async (_, plant, problem) => {
    const clock = jumpingClock();
    await using opened = await openKiro(engine, { ...loggedIn, clock });
    const { site, person } = opened;
    await addGroup(site, "family", { shareLogin: true });
    expect(await askKiro(site, `!!shell rm ${data}/*; ${plant}; echo planted!!`)).toBe(PLANTED);
    const seq = await tellKiro(site, "!!say here again!!", "family");
    await until(() => noticesIn(site, "family").length > 0);
    expect(noticesIn(site, "family")).toEqual([expect.stringContaining(`Kiro's login cannot be used now: ${problem}`)]);
    await restart(site);
    rmSync(databaseOf(person.home));
    await person.login();
    clock.jump(61_000);
    expect((await site.answered(seq)).at(-1)).toBe("here again");
    expect(await askKiro(site, "!!say here!!")).toBe("here");
  });
});

const failuresIn = (site: Site): string[] =>
  site.ledger("SELECT failure_detail AS detail FROM attempts").map(({ detail }) => String(detail));
