import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  linkSync,
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
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { fill as fillKiro, makeKiroDatabase } from "../kiro-database-kit.ts";
import { backupKit, rowsOf, treeOf, type Ended } from "./backup-kit.ts";
import { run, type Command } from "./command.ts";
import { fill, mounted, mountProblem } from "./mounts.ts";
import { isRoot } from "./processes.ts";
import { openSite, type Site } from "./site.ts";
import { until } from "./until.ts";

const kit = backupKit();
const STATE = ["groups", "data/inbox", "data/outbox", "data/kiro"];

/** A home with all that one may have. */
async function furnish(site: Site): Promise<void> {
  await site.ask("POST", "/control/groups", { name: "Plans", folder: "plans" });
  await site.answered(await site.say("remind me in 3 days to call Ann"));
  const inside = (...parts: string[]) => site.path("groups", "plans", ...parts);
  writeFileSync(inside("notes\nwith a %41 line"), "words");
  writeFileSync(inside("-rf"), "dash");
  writeFileSync(inside("naïve 🐨"), "é");
  const deep = inside("x".repeat(200), "y".repeat(200));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "z".repeat(200)), Buffer.alloc(3_000_001, 7), { mode: 0o640 });
  writeFileSync(inside("script.sh"), "#!/bin/sh\n", { mode: 0o755 });
  linkSync(inside("script.sh"), inside("second name"));
  symlinkSync("/etc/passwd", inside("passwd"));
  symlinkSync("../../..", inside("up"));
  symlinkSync("/nowhere/at all", inside("dead"));
  execFileSync("mkfifo", [inside("pipe")]);
  writeFileSync(site.path("data", "inbox", "main", "2026-11-22-photo.jpg"), Buffer.alloc(100_000, 3));
  mkdirSync(site.path("data", "outbox", "main"), { recursive: true, mode: 0o700 });
  writeFileSync(site.path("data", "outbox", "main", "3EB0AA"), "to be sent", { mode: 0o600 });
  writeFileSync(site.path(".env"), "ASSISTANT_NAME=Bob\nKIRO_API_KEY=ksk_secret\n", { mode: 0o644 });
  makeKiroDatabase(kiroDatabase(site.home), { conversations: { one: '{"first":1}' } });
  const allowlist = join(kit.person, ".config", "nanoclaw", "mount-allowlist.json");
  mkdirSync(dirname(allowlist), { recursive: true });
  writeFileSync(allowlist, '{"allowedRoots":[]}');
}

const kiroDatabase = (home: string) =>
  join(home, "data", "kiro", "plans", ".local", "share", "kiro-cli", "data.sqlite3");

const ended = async (command: Command): Promise<Ended> => {
  await using _ = command;
  return { exit: await command.ended, stdout: command.stdout(), stderr: command.stderr() };
};

const conversations = (database: string): unknown[] => {
  using db = new DatabaseSync(database, { readOnly: true });
  return db
    .prepare("SELECT conversation_id FROM conversations_v2 ORDER BY 1")
    .all()
    .map((row) => row["conversation_id"]);
};

describe("a drill", { timeout: 120_000 }, () => {
  it("brings a stopped home back in an empty folder: every row, byte and right", async () => {
    await using site = await openSite();
    await furnish(site);
    await site.stop();
    rmSync(site.path("groups", "plans", "pipe"));
    const made = await ended(kit.start(site.home, "backup", "--json"));
    expect(made.exit).toBe(0);
    expect(made.stderr).toMatch(/reads and writes as your WhatsApp account/);
    const said = JSON.parse(made.stdout) as { file: string; hostRunning: boolean; leftOut: unknown[] };
    expect(said).toMatchObject({ hostRunning: false, leftOut: [], complete: true });
    expect(statSync(said.file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(said.file)).mode & 0o777).toBe(0o700);
    expect((await kit.restore("unused", "--check", said.file)).stdout).toMatch(/is whole/);

    rmSync(join(kit.person, ".config"), { recursive: true });
    const home = kit.folder();
    const restored = await ended(kit.start(home, "restore", said.file));
    expect({ exit: restored.exit, stderr: restored.stderr }).toEqual({ exit: 0, stderr: "" });
    expect(rowsOf(join(home, "store", "messages.db"))).toEqual(rowsOf(site.path("store", "messages.db")));
    for (const tree of STATE) expect(treeOf(join(home, tree)), tree).toEqual(treeOf(site.path(tree)));
    expect(readFileSync(join(home, ".env"), "utf8")).toMatch(/ksk_secret/);
    expect(statSync(join(home, ".env")).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, "store", "messages.db")).mode & 0o777).toBe(0o600);
    const allowlist = join(kit.person, ".config", "nanoclaw", "mount-allowlist.json");
    expect(readFileSync(allowlist, "utf8")).toBe('{"allowedRoots":[]}');
    expect(readdirSync(home).filter((name) => /restor/.test(name))).toEqual([]);

    await using again = await openSite({ home, settings: { NANOCLAW_AGENT: "offline" } });
    expect(await again.answered(await again.say("list my reminders"))).toEqual([expect.stringMatching(/call Ann/)]);
  });

  it("of a home at work loses nothing that was said before it, and answers nothing twice", async () => {
    await using site = await openSite({ scripted: true });
    await furnishScripted(site);
    using kiro = new DatabaseSync(makeKiroDatabase(kiroDatabase(site.home)));
    kiro.exec("PRAGMA journal_mode = WAL");
    fillKiro(kiro, { conversations: { "in the log": "{}" } });
    const before = await site.say("said before it began");
    let stopped = false;
    const talk = (async () => {
      for (let n = 0; !stopped; n += 1) {
        await site.say(`word ${n}`, n % 2 === 0 ? "main" : "plans");
        writeFileSync(site.path("groups", "plans", "busy"), "x".repeat(n * 1000));
      }
    })();
    const file = join(kit.folder(), "while.tar.gz");
    const made = await ended(kit.start(site.home, "backup", file));
    stopped = true;
    await talk;
    expect(made).toMatchObject({ exit: 0, stdout: expect.stringContaining("while the host runs") });
    await site.stop();

    const home = kit.folder();
    expect((await kit.restore(home, file)).exit).toBe(0);
    expect(conversations(kiroDatabase(home))).toEqual(["in the log"]);
    await using again = await openSite({ home, scripted: true });
    const waiting = `SELECT 1 FROM messages m JOIN registered_chats c ON c.jid = m.chat_jid
      WHERE m.seq > c.answered_seq AND m.decision = 'wakes'`;
    await until(
      () => again.ledger(`${waiting} UNION SELECT 1 FROM turns WHERE status IN ('queued', 'running')`).length === 0,
    );
    const kept = again.ledger("SELECT seq, content FROM messages WHERE from_assistant = 0 ORDER BY seq");
    expect(kept.slice(0, before).map(({ seq }) => seq)).toContain(before);
    const original = site.ledger("SELECT seq, content FROM messages WHERE from_assistant = 0 ORDER BY seq");
    expect(kept).toEqual(original.slice(0, kept.length));
    const overlaps = again.ledger(`SELECT a.id FROM turns a JOIN turns b ON a.chat_jid = b.chat_jid AND a.id < b.id
      AND a.status = 'answered' AND b.status = 'answered' AND a.from_seq <= b.to_seq AND b.from_seq <= a.to_seq`);
    expect(overlaps).toEqual([]);
  });

  it("takes along, or makes anew, whatever a host keeps in its home", async () => {
    await using site = await openSite();
    await site.answered(await site.say("hello"));
    const made = [
      "data/compile-cache",
      "data/extra",
      "data/install-id",
      "data/ipc-errors",
      "data/kiro-probe.json",
      "ipc",
    ];
    const known = [...STATE, ...made, "data/kiro-login", "logs", "store"];
    const found = readdirSync(site.home).flatMap((name) =>
      name === "data" ? readdirSync(site.path("data")).map((below) => `data/${below}`) : [name],
    );
    expect(found.filter((path) => !known.includes(path))).toEqual([]);
  });
});

async function furnishScripted(site: Site): Promise<void> {
  await site.ask("POST", "/control/groups", { name: "Plans", folder: "plans" });
  await site.answered(await site.say("hello"));
}

describe("a backup", { timeout: 60_000 }, () => {
  it("of nothing, over another file, in a place that is not there or that agents read, says what helps", async () => {
    const empty = kit.folder();
    expect(await kit.backup(empty)).toMatchObject({ exit: 1, stderr: expect.stringMatching(/nothing to back up/) });
    await using site = await openSite();
    const taken = join(empty, "taken");
    writeFileSync(taken, "precious");
    expect(await kit.backup(site.home, taken)).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/there already.*--force/),
    });
    expect(readFileSync(taken, "utf8")).toBe("precious");
    expect((await kit.backup(site.home, taken, "--force")).exit).toBe(0);
    expect((await kit.backup(site.home, "--verify", taken)).exit).toBe(0);
    expect((await kit.backup(site.home, join(empty, "none", "x"))).stderr).toMatch(/none is not there/);
    expect((await kit.backup(site.home, site.path("groups", "main"))).stderr).toMatch(/inside what is backed up/);
    expect(await kit.backup(site.home, "--verify")).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/Which file/),
    });
    expect(readdirSync(empty)).toEqual(["taken"]);
  });

  it("tells of what cannot be in it, and keeps the rest", async () => {
    await using site = await openSite();
    execFileSync("mkfifo", [site.path("groups", "main", "pipe")]);
    const file = join(kit.folder(), "b.tar.gz");
    const some = await kit.backup(site.home, file, "--json");
    expect(some.exit).toBe(0);
    expect(JSON.parse(some.stdout)).toMatchObject({
      leftOut: [{ path: "groups/main/pipe", why: "it is a socket, pipe or device", missed: false }],
    });
    writeFileSync(Buffer.from(`${site.path("groups", "main")}/\xff`, "latin1"), "");
    const rest = await kit.backup(site.home, file, "--force");
    expect(rest).toMatchObject({ exit: 1, stderr: expect.stringMatching(/not complete/) });
    expect(rest.stdout).toMatch(/Not in it: groups\/main\/.*no text/);
    expect((await kit.backup(site.home, "--verify", file)).exit).toBe(0);
  });

  it("follows what a person put in the place of a state folder, and tells of links that hide something", async () => {
    await using site = await openSite();
    const [elsewhere, file] = [join(kit.folder(), "groups"), join(kit.folder(), "b.tar.gz")];
    await site.stop();
    renameSync(site.path("groups"), elsewhere);
    symlinkSync(elsewhere, site.path("groups"));
    writeFileSync(join(elsewhere, "main", "notes"), "on another disk");
    symlinkSync(kit.folder(), join(elsewhere, "moved"));
    symlinkSync("/etc", site.path("data", "inbox", "link"));
    const made = await kit.backup(site.home, file);
    expect(made.exit).toBe(1);
    expect(made.stdout).toMatch(/Not in it: groups\/moved: it is a link to/);
    expect(made.stdout).toMatch(/Not in it: data\/inbox\/link: it is a link to \/etc/);
    const home = kit.folder();
    expect((await kit.restore(home, file)).exit).toBe(0);
    expect(readFileSync(join(home, "groups", "main", "notes"), "utf8")).toBe("on another disk");
    expect(existsSync(join(home, "data", "inbox", "link"))).toBe(false);
  });

  it("that is broken off leaves nothing; one that is killed leaves what the next one removes", async () => {
    await using site = await openSite();
    // Noise, so that packing it takes a while.
    const noise = site.path("groups", "main", "noise");
    execFileSync("dd", ["if=/dev/urandom", `of=${noise}`, "bs=1M", "count=16"], { stdio: "ignore" });
    const folder = kit.folder();
    const begun = () => readdirSync(folder).some((name) => existsSync(join(folder, name, "archive")));
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      await using command = kit.start(site.home, "backup", join(folder, "b.tar.gz"));
      await until(begun);
      command.child.kill(signal);
      expect(await command.ended).toBe(signal === "SIGINT" ? 1 : "SIGKILL");
      if (signal === "SIGINT") expect(command.stderr()).toMatch(/no backup was made/);
      expect(readdirSync(folder)).toHaveLength(signal === "SIGINT" ? 0 : 1);
    }
    rmSync(noise);
    const next = await kit.backup(site.home, join(folder, "b.tar.gz"));
    expect(next.stdout).toMatch(/Removed what a backup that was cut off had left/);
    expect(readdirSync(folder)).toEqual(["b.tar.gz"]);
  });

  it("twice at once gives two files, or one and a refusal", async () => {
    await using site = await openSite();
    const folder = kit.folder();
    const file = join(folder, "same.tar.gz");
    const both = [1, 2].map(() => ended(kit.start(site.home, "backup", file)));
    const exits = (await Promise.all(both)).map(({ exit }) => exit);
    expect(exits).toContain(0);
    expect(readdirSync(folder)).toEqual(["same.tar.gz"]);
    expect((await kit.backup(site.home, "--verify", file)).exit).toBe(0);
  });

  it.skipIf(!isRoot)("of a home that this user may not read is refused in one sentence", async () => {
    await using site = await openSite();
    const refused = await run(site.home, ["backup", "/tmp/nanoclaw-never.tar.gz"], { uid: 65_534, env: { HOME: "/" } });
    expect(refused.exit).toBe(1);
    expect(refused.stderr.trim().split("\n")).toHaveLength(1);
    expect(existsSync("/tmp/nanoclaw-never.tar.gz")).toBe(false);
  });
});

describe("a restore", { timeout: 60_000 }, () => {
  const source = async (): Promise<{ file: string; site: Site }> => {
    const site = await openSite();
    await site.answered(await site.say("hello"));
    writeFileSync(site.path("groups", "main", "notes"), "of the backup");
    const file = join(kit.folder(), "b.tar.gz");
    expect((await kit.backup(site.home, file)).exit).toBe(0);
    return { file, site };
  };

  it("beside a running host, or over what somebody would miss, changes nothing; --replace puts that aside", async () => {
    const { file, site } = await source();
    await using _ = site;
    expect((await kit.restore(site.home, file, "--replace")).stderr).toMatch(/is in use .*nothing was changed/);
    await site.answered(await site.say("said later"));
    writeFileSync(site.path("groups", "main", "notes"), "later");
    writeFileSync(site.path(".env"), "ASSISTANT_NAME=Later\n");
    await site.stop();
    const before = rowsOf(site.path("store", "messages.db"));
    expect((await kit.restore(site.home, file)).stderr).toMatch(/already.*add --replace/);
    expect(rowsOf(site.path("store", "messages.db"))).toEqual(before);
    const replaced = await kit.restore(site.home, file, "--replace", "--json");
    expect(replaced.exit).toBe(0);
    const { aside } = JSON.parse(replaced.stdout) as { aside: string };
    expect(rowsOf(join(aside, "store", "messages.db"))).toEqual(before);
    expect(readFileSync(join(aside, "groups", "main", "notes"), "utf8")).toBe("later");
    expect(readFileSync(site.path("groups", "main", "notes"), "utf8")).toBe("of the backup");
    expect(readFileSync(site.path(".env"), "utf8")).toMatch(/Later/); // the backup has none
    await site.start();
    expect(site.ledger("SELECT content FROM messages WHERE from_assistant = 0")).toEqual([{ content: "hello" }]);
  });

  it("of a file that is cut off, changed or none names what is wrong and changes nothing", async () => {
    const { file, site } = await source();
    await using _ = site;
    const home = kit.folder();
    const [cut, changed, none] = ["cut", "changed", "none"].map((name) =>
      join(home, "..", `${name}-${process.pid}.gz`),
    );
    copyFileSync(file, cut ?? "");
    truncateSync(cut ?? "", 3000);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    writeFileSync(changed ?? "", bytes);
    writeFileSync(none ?? "", "no archive");
    for (const [given, why] of [
      [cut, /cut off/],
      [changed, /damaged/],
      [none, /no .tar.gz/],
      ["/nowhere", /not there/],
    ] as const) {
      for (const args of [[], ["--check"]]) {
        const refused = await kit.restore(home, given ?? "", ...args);
        expect(refused).toMatchObject({ exit: 1, stdout: "", stderr: expect.stringMatching(why) });
        expect(refused.stderr.trim().split("\n")).toHaveLength(1);
      }
    }
    expect(Object.keys(treeOf(home)).filter((path) => !/^store(\/host.lock)?$/.test(path))).toEqual([]);
    for (const path of [cut, changed, none]) rmSync(path ?? "");
  });

  it("that was killed goes on with the same command from wherever it was, and no host starts before", async () => {
    const { file, site } = await source();
    await using _ = site;
    const home = kit.folder();
    expect((await kit.restore(home, file)).exit).toBe(0);
    const whole = () => ({ ...treeOf(join(home, "groups")), rows: rowsOf(join(home, "store", "messages.db")) });
    const expected = whole();
    const parts = [
      "store/messages.db",
      "store/auth",
      "groups",
      "data/inbox",
      "data/outbox",
      "data/kiro",
      "data/kiro-login",
    ].filter((part) => existsSync(join(home, part)));
    for (let moved = 0; moved <= parts.length; moved += 1) {
      const folder = join(home, ".nanoclaw-restoring");
      for (const part of parts.slice(moved)) {
        mkdirSync(dirname(join(folder, "home", part)), { recursive: true });
        renameSync(join(home, part), join(folder, "home", part));
      }
      mkdirSync(folder, { recursive: true });
      const plan = { file, version: "0", created: "now", aside: "before-restore-x", passedOver: 0, parts };
      writeFileSync(join(folder, "ready.json"), JSON.stringify(plan));
      if (moved === 1) {
        const status = kit.start(home, "status");
        expect(await status.ended).toBe(1);
        expect(status.stderr()).toMatch(/restore of .* was cut off/);
        expect((await kit.restore(home, "/another")).stderr).toContain(`npm run nanoclaw -- restore ${file}`);
      }
      expect((await kit.restore(home, file)).exit, `after ${moved}`).toBe(0);
      expect(whole()).toEqual(expected);
    }
    expect(existsSync(join(home, ".nanoclaw-restoring"))).toBe(false);
  });

  it("that was killed while it unpacked begins anew", async () => {
    const { file, site } = await source();
    await using _ = site;
    execFileSync("dd", ["if=/dev/urandom", `of=${site.path("groups", "main", "noise")}`, "bs=1M", "count=16"], {
      stdio: "ignore",
    });
    expect((await kit.backup(site.home, file, "--force")).exit).toBe(0);
    const home = kit.folder();
    await using command = kit.start(home, "restore", file);
    await until(() => existsSync(join(home, ".nanoclaw-restoring", "home", "groups")));
    command.child.kill("SIGKILL");
    expect(await command.ended).toBe("SIGKILL");
    expect(existsSync(join(home, "groups"))).toBe(false);
    expect((await kit.restore(home, file)).exit).toBe(0);
    expect(treeOf(join(home, "groups"))).toEqual(treeOf(site.path("groups")));
    expect(existsSync(join(home, ".nanoclaw-restoring"))).toBe(false);
  });

  it("twice in the same second puts both states aside", async () => {
    const { file, site } = await source();
    await using _ = site;
    await site.stop();
    for (let n = 0; n < 3; n += 1) expect((await kit.restore(site.home, file, "--replace")).exit).toBe(0);
    expect(readdirSync(site.home).filter((name) => name.startsWith("before-restore-"))).toHaveLength(3);
  });

  it.each([
    ["answers what waited in it", "", "wakes"],
    ["takes what waited in it for context when it is too old by now", "NANOCLAW_MESSAGE_AGE_LIMIT=1\n", "context"],
  ])("of a backup %s", async (_name, settings, decision) => {
    const { file, site } = await source();
    await using _ = site;
    await site.stop();
    {
      using ledger = new DatabaseSync(site.path("store", "messages.db"));
      ledger.exec(
        "UPDATE registered_chats SET answered_seq = 0; DELETE FROM outbox; DELETE FROM attempts; DELETE FROM turns",
      );
    }
    writeFileSync(site.path(".env"), settings);
    expect((await kit.backup(site.home, file, "--force")).exit).toBe(0);
    const home = kit.folder();
    const restored = await kit.restore(home, file);
    expect(restored.stdout.includes("too old for one by now; they are context: 1.")).toBe(decision === "context");
    await using again = await openSite({ home });
    expect(again.ledger("SELECT decision FROM messages WHERE content = 'hello'")).toEqual([{ decision }]);
    const turns = () => again.ledger("SELECT status FROM turns");
    if (decision === "context") expect(turns()).toEqual([]);
    else await until(() => turns().some(({ status }) => status === "answered"));
  });

  it("keeps a list of folders for groups that was written here", async () => {
    const { file, site } = await source();
    await using _ = site;
    const allowlist = join(kit.person, ".config", "nanoclaw", "mount-allowlist.json");
    mkdirSync(dirname(allowlist), { recursive: true });
    writeFileSync(allowlist, "of the backup");
    expect((await kit.backup(site.home, file, "--force")).exit).toBe(0);
    writeFileSync(allowlist, "written here");
    expect((await kit.restore(kit.folder(), file)).stdout).toMatch(/was kept/);
    expect(readFileSync(allowlist, "utf8")).toBe("written here");
  });
});

const problem = mountProblem();
describe.skipIf(problem !== undefined)("on a full disk", { timeout: 60_000 }, () => {
  const smallDisk = (size: string) => mounted("-t", "tmpfs", "-o", `size=${size}`, "tmpfs");

  it("a backup is refused before it begins, or leaves nothing when the room goes meanwhile", async () => {
    await using site = await openSite();
    writeFileSync(site.path("groups", "main", "large"), Buffer.alloc(4 * 2 ** 20, 1));
    using disk = smallDisk("4m");
    const early = await kit.backup(site.home, join(disk.path, "b.tar.gz"));
    expect(early).toMatchObject({ exit: 1, stderr: expect.stringMatching(/not be enough room.*MiB are free/) });
    expect(readdirSync(disk.path)).toEqual([]);
    using _ = fill(disk.path);
    const full = await kit.backup(site.home, join(disk.path, "b.tar.gz"));
    expect(full.exit).toBe(1);
    expect(readdirSync(disk.path)).toEqual(["filler"]);
  });

  it("a restore to folders on several disks is refused, since it could not be done in one go", async () => {
    await using site = await openSite();
    const file = join(kit.folder(), "b.tar.gz");
    expect((await kit.backup(site.home, file)).exit).toBe(0);
    using disk = smallDisk("2m");
    const home = kit.folder();
    symlinkSync(disk.path, join(home, "data"));
    const refused = await kit.restore(home, file);
    expect(refused).toMatchObject({ exit: 1, stderr: expect.stringMatching(/another disk/) });
    expect(readdirSync(home).sort()).toEqual(["data", "store"]);
  });

  it("a restore is refused and changes nothing", async () => {
    await using site = await openSite();
    writeFileSync(site.path("groups", "main", "large"), Buffer.alloc(4 * 2 ** 20, 1));
    const file = join(kit.folder(), "b.tar.gz");
    expect((await kit.backup(site.home, file)).exit).toBe(0);
    using disk = smallDisk("2m");
    const refused = await kit.restore(disk.path, file);
    expect(refused).toMatchObject({ exit: 1, stderr: expect.stringMatching(/enough room/) });
    expect(readdirSync(disk.path)).toEqual(["store"]);
  });
});
