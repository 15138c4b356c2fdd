import { execFileSync } from "node:child_process";
import {
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeBackup } from "../../src/backup/make-backup.ts";
import { restoreBackup } from "../../src/backup/restore-backup.ts";
import { chooseTarget } from "../../src/backup/target.ts";
import { homePaths } from "../../src/home.ts";
import { lockHome } from "../../src/store/home-lock.ts";
import { openStore } from "../../src/store/store.ts";
import { openWhatsAppState } from "../../src/store/whatsapp-state.ts";
import { backupKit } from "./backup-kit.ts";
import { mounted, mountProblem } from "./mounts.ts";
import { isRoot } from "./processes.ts";
import { until } from "./until.ts";

const kit = backupKit();

/** A home as a host leaves it, without a host: ledger, link, one group. */
function makeState(home: string): void {
  mkdirSync(join(home, "groups", "main"), { recursive: true });
  mkdirSync(join(home, "store", "auth"), { recursive: true });
  openStore(homePaths(home).database)[Symbol.dispose]();
  const opened = openWhatsAppState(homePaths(home).auth, "test");
  if ("state" in opened) opened.state[Symbol.dispose]();
}

async function source(): Promise<{ home: string; file: string }> {
  const home = kit.folder();
  makeState(home);
  writeFileSync(join(home, "groups", "main", "notes"), "of the backup");
  const file = join(kit.folder(), "b.tar.gz");
  expect(await kit.backup(home, file)).toMatchObject({ exit: 0 });
  return { home, file };
}

const OLD = "before-restore-x";

/** As a kill between the renames leaves a home: what was there before lies aside, nothing new came yet. */
async function cutOff(file: string): Promise<string> {
  const home = kit.folder();
  expect((await kit.restore(home, file)).exit).toBe(0);
  const parts = ["store/messages.db", "store/auth", "groups"];
  for (const part of parts) {
    const extracted = join(home, ".nanoclaw-restoring", "home", part);
    mkdirSync(dirname(extracted), { recursive: true });
    renameSync(join(home, part), extracted);
    mkdirSync(dirname(join(home, OLD, part)), { recursive: true });
  }
  writeFileSync(join(home, OLD, "store", "messages.db"), "what somebody had");
  mkdirSync(join(home, OLD, "store", "auth"));
  writeFileSync(join(home, OLD, "store", "auth", "state.db"), "the link somebody had");
  const plan = { file, version: "0", created: "now", aside: OLD, passedOver: 0, parts };
  writeFileSync(join(home, ".nanoclaw-restoring", "ready.json"), JSON.stringify(plan));
  return home;
}

describe("a restore that was cut off", { timeout: 60_000 }, () => {
  it("puts what was made anew meanwhile beside what it had put aside, and goes on", async () => {
    const { file } = await source();
    const home = await cutOff(file);
    mkdirSync(join(home, "store", "auth"));
    writeFileSync(join(home, "store", "auth", "state.db"), "linked meanwhile");
    for (const suffix of ["", "-wal"]) writeFileSync(join(home, "store", `messages.db${suffix}`), `new${suffix}`);
    expect(await kit.restore(home, file)).toMatchObject({ exit: 0 });
    const aside = (path: string) => readFileSync(join(home, OLD, "store", path), "utf8");
    expect([aside("messages.db"), aside("auth/state.db")]).toEqual(["what somebody had", "the link somebody had"]);
    expect([aside("messages.db-2"), aside("messages.db-2-wal")]).toEqual(["new", "new-wal"]);
    expect(aside("auth-2/state.db")).toBe("linked meanwhile");
    expect(existsSync(join(home, OLD, "store", "messages.db-wal"))).toBe(false);
    expect(readFileSync(join(home, "groups", "main", "notes"), "utf8")).toBe("of the backup");
  });

  it("keeps auth from linking and backup from archiving a mix", async () => {
    const { file } = await source();
    const home = await cutOff(file);
    const before = readdirSync(home, { recursive: true }).sort();
    const refused = { exit: 1, stderr: expect.stringMatching(/A restore of .* was cut off/) };
    expect(await kit.backup(home)).toMatchObject(refused);
    await using auth = kit.start(home, "auth");
    expect(await auth.ended).toBe(1);
    expect(auth.stderr()).toMatch(/A restore of .* was cut off/);
    expect(readdirSync(home, { recursive: true }).sort()).toEqual(before);
  });
});

describe("a restore", { timeout: 60_000 }, () => {
  it("holds the link from its first to its last step", async () => {
    const { file, home: root } = await source();
    const home = homePaths(root);
    const held: boolean[] = [];
    const ageLimit = () => (held.push("heldBy" in lockHome(home.auth, "auth")), 0);
    const allowlist = join(kit.folder(), "none.json");
    const signal = new AbortController().signal;
    await restoreBackup({ file, home, allowlist, replace: true, ageLimit, now: Date.now(), signal });
    expect(held).toEqual([true]);
    const after = lockHome(home.auth, "auth");
    expect("lock" in after).toBe(true);
    if ("lock" in after) after.lock[Symbol.dispose]();
  });

  it.skipIf(!isRoot)(
    "and a backup to the home's own folder are refused to root where another user's host works",
    async () => {
      const { file, home } = await source();
      chownSync(join(home, "store"), 65_534, 65_534);
      const before = readdirSync(home, { recursive: true }).sort();
      const refused = { exit: 1, stderr: expect.stringMatching(/another user's .*without sudo/) };
      expect(await kit.restore(home, file, "--replace")).toMatchObject(refused);
      expect(await kit.backup(home)).toMatchObject(refused);
      expect(readdirSync(home, { recursive: true }).sort()).toEqual(before);
    },
  );

  it.skipIf(mountProblem() !== undefined).each([
    ["another disk", ["-t", "tmpfs", "tmpfs"]],
    ["a folder of the same disk", ["--bind"]],
  ])("onto a home with %s mounted in it changes nothing", async (_name, how) => {
    const { file } = await source();
    const home = kit.folder();
    const groups = join(home, "groups");
    mkdirSync(groups);
    execFileSync("mount", [...how, ...(how.includes("--bind") ? [kit.folder()] : []), groups]);
    try {
      const refused = await kit.restore(home, file, "--replace");
      expect(refused).toMatchObject({ exit: 1, stderr: expect.stringMatching(/groups lies on another disk/) });
      expect(readdirSync(home).sort()).toEqual(["groups", "store"]);
    } finally {
      execFileSync("umount", [groups]);
    }
  });
});

describe("a backup", { timeout: 60_000 }, () => {
  it("during which a restore replaced the ledger is none", async () => {
    const { home } = await source();
    const noise = join(home, "groups", "main", "noise");
    execFileSync("dd", ["if=/dev/urandom", `of=${noise}`, "bs=1M", "count=16"], { stdio: "ignore" });
    const [folder, now] = [kit.folder(), Date.now()];
    const making = makeBackup({
      ...{ home: homePaths(home), now, withLogs: false, allowlist: join(folder, "none.json") },
      target: chooseTarget({ home: { root: home }, given: folder, force: false, now }),
      facts: { version: "0", zone: "UTC", hostRunning: false },
      signal: new AbortController().signal,
    });
    const refused = expect(making).rejects.toThrow(/replaced meanwhile; no backup was made/);
    await until(() => readdirSync(folder).some((name) => existsSync(join(folder, name, "archive"))));
    const ledger = join(home, "store", "messages.db");
    copyFileSync(ledger, `${ledger}.new`);
    renameSync(`${ledger}.new`, ledger);
    await refused;
    expect(readdirSync(folder)).toEqual([]);
  });

  it.skipIf(mountProblem() !== undefined)(
    "without room for files that swell in an archive is made without them, and tells",
    async () => {
      const { home } = await source();
      const inside = (name: string) => join(home, "groups", "main", name);
      execFileSync("dd", ["if=/dev/urandom", `of=${inside("a")}`, "bs=1M", "count=2"], { stdio: "ignore" });
      for (let n = 0; n < 8; n += 1) linkSync(inside("a"), inside(`b${n}`));
      writeFileSync(inside("holes"), "");
      truncateSync(inside("holes"), 200 * 2 ** 20);
      using disk = mounted("-t", "tmpfs", "-o", "size=12m", "tmpfs");
      const file = join(disk.path, "b.tar.gz");
      const made = await kit.backup(home, file, "--json");
      expect(made).toMatchObject({ exit: 1, stderr: expect.stringMatching(/not complete/) });
      const { leftOut } = JSON.parse(made.stdout) as { leftOut: { path: string; missed: boolean }[] };
      const paths = ["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "holes"].map((name) => `groups/main/${name}`);
      expect(leftOut.map(({ path, missed }) => ({ path, missed }))).toEqual(
        paths.map((path) => ({ path, missed: true })),
      );
      expect((await kit.backup(home, "--verify", file)).exit).toBe(0);
      rmSync(inside("holes"));
      const roomy = await kit.backup(home, join(kit.folder(), "b.tar.gz"), "--json");
      expect(roomy.exit).toBe(0);
    },
  );
});
