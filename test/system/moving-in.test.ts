import { execFile } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { FAMILY, OWN, type ForkHome, type ForkHomeOptions } from "../fork-home/fork-home.ts";
import { forkHomes, takeOver } from "../fork-home/move.ts";
import { run } from "./command.ts";
import { fill, mounted, mountProblem } from "./mounts.ts";
import { tempHome } from "./site.ts";

const homes = forkHomes();
afterAll(() => homes[Symbol.dispose]());

/** With two groups, a task, and something that nobody answered. */
function fork(options: ForkHomeOptions = {}): ForkHome {
  const old = homes.make(options);
  old.group("main", { jid: OWN, requires_trigger: 0 });
  old.group("Our Family", { jid: FAMILY });
  old.message("m1", { content: "@Andy the walrus is called Bruno" });
  old.message("m2", { content: "@Andy and?" });
  old.state("last_agent_timestamp", JSON.stringify({ [FAMILY]: "2026-01-22T17:00:01.000Z" }));
  old.task("daily", { group_folder: "main", chat_jid: OWN });
  return old;
}

/** Nothing of the machine's person is looked at. */
const cli = (home: string, ...args: string[]) =>
  run(home, args, { env: { HOME: home, NANOCLAW_AGENT: "offline", NANOCLAW_AGENT_RUNTIME: "host" } });

function rows(path: string, sql: string) {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    return db.prepare(sql).all();
  } finally {
    db.close();
  }
}

const isOurs = (root: string): boolean =>
  rows(join(root, "store", "messages.db"), "SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").length === 1;
const leftIn = (root: string, pattern: RegExp): string[] =>
  readdirSync(join(root, "store")).filter((name) => pattern.test(name));

describe("a home of the old system", { timeout: 60_000 }, () => {
  it("is taken over by the first command, whichever it is; the next ones find it done", async () => {
    const old = fork();
    old[Symbol.dispose]();
    const { exit, stdout, stderr } = await cli(old.root, "why", "our-family");
    expect([exit, stderr]).toEqual([0, expect.stringContaining("Moved in from the old system: 2 groups, 2 messages")]);
    expect(stdout).toContain("too old");
    const told = await cli(old.root, "chat", "search for walrus");
    expect(told.stdout).toContain("Bruno");
    expect(told.stdout).toContain("Moved in from the old system");
    expect(told.stderr).not.toContain("Moved in");
  });

  it("is not started while the old program runs: what to stop is said, and nothing is changed", async () => {
    using old = fork();
    const before = readFileSync(old.path("store", "messages.db"));
    const { exit, stderr } = await cli(old.root, "start");
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^The old system still runs \(process \d+ has .*systemctl --user stop nanoclaw/);
    expect(readFileSync(old.path("store", "messages.db")).equals(before)).toBe(true);
  });

  it.each(["backed-up", "built", "copied", "renamed"])(
    "killed when %s, is the old one or ours, whole",
    async (point) => {
      const old = fork({ wal: true });
      old[Symbol.dispose]();
      const script = fileURLToPath(new URL("../fork-home/killed.ts", import.meta.url));
      const death = await promisify(execFile)(process.execPath, [script, old.root, point]).catch(
        (error: unknown) => error,
      );
      expect(death).toMatchObject({ signal: "SIGKILL" });
      expect(isOurs(old.root)).toBe(point === "renamed");
      using taken = await takeOver(old.root);
      expect(taken.moved).toBe(point !== "renamed");
      expect(taken.store.groups.list().map(({ folder }) => folder)).toEqual(["main", "our-family"]);
      expect(taken.store.messages.newestSeq()).toBe(2);
      expect(taken.store.tasks.all()).toHaveLength(1);
      expect(readFileSync(old.path("groups/our-family/notes.md"), "utf8")).toBe("notes of Our Family\n");
      expect(leftIn(old.root, /moving-in|part$/)).toEqual([]);
      const backups = leftIn(old.root, /^before/);
      expect(backups).toHaveLength(1);
      for (const name of backups) {
        expect(rows(old.path("store", name, "messages.db"), "SELECT id FROM messages")).toHaveLength(2);
      }
    },
  );

  const problem = mountProblem();
  const why = problem === undefined ? "" : ` (skipped: ${problem})`;
  it.skipIf(problem !== undefined)(`stays as it is on a full disk${why}`, async () => {
    const old = fork();
    old[Symbol.dispose]();
    using disk = mounted("-t", "tmpfs", "-o", "size=1m", "tmpfs");
    cpSync(old.root, disk.path, { recursive: true });
    {
      using _full = fill(disk.path);
      await expect(takeOver(disk.path)).rejects.toThrow(/disk/);
      expect(isOurs(disk.path)).toBe(false);
    }
    expect(rows(join(disk.path, "store", "messages.db"), "SELECT id FROM messages")).toHaveLength(2);
    expect(leftIn(disk.path, /moving-in|before/)).toEqual([]);
  });
});

describe("nanoclaw move-in", { timeout: 60_000 }, () => {
  it("tells beforehand, does it, and says which settings that came along keep everything from starting", async () => {
    const old = fork();
    old.write(".env", "NANOCLAW_FLAVOUR=mint\n");
    old[Symbol.dispose]();
    const home = homes.keep(tempHome());
    const preview = await cli(home, "move-in", old.root, "--dry-run", "--json");
    expect((JSON.parse(preview.stdout) as { report: string }).report).toContain("Our Family");
    const { exit, stdout, stderr } = await cli(home, "move-in", old.root);
    expect([exit, stdout]).toEqual([0, expect.stringContaining("Moved in from the old system: 2 groups, 2 messages")]);
    expect(stderr).toMatch(/Everything came along.*NANOCLAW_FLAVOUR/s);
  });

  it("takes over its own home when that one is named", async () => {
    const old = fork();
    old[Symbol.dispose]();
    const { exit, stdout } = await cli(old.root, "move-in", old.root, "--json");
    expect(exit).toBe(0);
    expect(readFileSync((JSON.parse(stdout) as { report: string }).report, "utf8")).toContain("Our Family");
  });

  it("says what is wrong with a folder, and where there is nothing", async () => {
    const home = homes.keep(tempHome());
    const wrong = await cli(home, "move-in", join(home, "nowhere"));
    expect([wrong.exit, wrong.stderr]).toEqual([2, expect.stringContaining("is no folder that can be read")]);
    const none = await cli(home, "move-in");
    expect([none.exit, none.stderr]).toEqual([1, expect.stringContaining("There is no old system in")]);
  });
});
