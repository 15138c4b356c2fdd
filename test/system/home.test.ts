import { mkdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { homePaths } from "../../src/home.ts";
import { fastClock } from "./clocks.ts";
import { nanoclaw, run } from "./command.ts";
import { ext4, fill, mounted, mountProblem, type Mount } from "./mounts.ts";
import { openSite, tempHome } from "./site.ts";
import { until } from "./until.ts";

const problem = mountProblem();
const mountable = (name: string) => (problem === undefined ? name : `${name} (skipped: ${problem})`);
const smallDisk = (): Mount => mounted("-t", "tmpfs", "-o", "size=16m", "tmpfs");
const refusal =
  /^The (folder|database|lock file) .* can(not| not) be (made|used): .*Check the disk and who may write there\.\n$/;

describe.skipIf(problem !== undefined).concurrent(mountable("a home on a full disk"), { timeout: 60_000 }, () => {
  it.each(["start", "chat"])("is refused in one line by %s, and served when there is room", async (command) => {
    using disk = smallDisk();
    const args = command === "chat" ? ["chat", "hello"] : [command];
    {
      using _ = fill(disk.path);
      const { exit, stdout, stderr } = await run(disk.path, args);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
      expect(stderr).toMatch(/no space left|full/i);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect(stderr).toMatch(refusal);
    }
    expect(await run(disk.path, ["chat", "hello"])).toMatchObject({ exit: 0, stderr: "" });
  });

  it("that fills up later makes a message come back with the reason, and takes the next one", async () => {
    using disk = smallDisk();
    await using site = await openSite({ home: disk.path, scripted: true, clock: fastClock(20) });
    expect(await site.answered(await site.say("before"))).toEqual(["you said before"]);
    {
      using _ = fill(disk.path);
      const { exit, stdout, stderr } = await run(disk.path, ["chat", "x".repeat(100_000)]);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
      expect(stderr).toMatch(/^This was not taken: .*disk.*full.*\. Nothing was stored; try again\.\n$/);
    }
    expect(await site.answered(await site.say("after"))).toEqual(["you said after"]);
    expect(site.ledger("SELECT content FROM messages WHERE from_assistant = 0")).toEqual([
      { content: "before" },
      { content: "after" },
    ]);
    // What was logged after there was room again is there, too.
    await until(() => readFileSync(site.path("logs", "nanoclaw.log"), "utf8").trimEnd().endsWith('Message sent"}'));
  });

  it("that fills up during a turn keeps the answer until there is room", async () => {
    using disk = smallDisk();
    // Not watched: a run must not be ended for the disk before it answers.
    const settings = { NANOCLAW_FREE_DISK: "0" };
    await using site = await openSite({ home: disk.path, scripted: true, clock: fastClock(20), settings });
    const shown = site.watch();
    site.behave("answers-late");
    const seq = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    {
      using _ = fill(disk.path);
      mkdirSync(site.path("groups", "main", "go")); // tmpfs has room for a name, not for bytes
      await delay(1_500);
      expect(shown).toEqual([]);
    }
    expect(await site.answered(seq)).toEqual(["you said hello"]);
    await until(() => shown.length === 1);
    expect(site.ledger("SELECT attempts, status FROM turns")).toEqual([{ attempts: 1, status: "answered" }]);
  });
});

describe.skipIf(problem !== undefined).concurrent(mountable("a home on a read-only disk"), { timeout: 60_000 }, () => {
  it.each(["start", "chat"])("is refused in one line by %s, and served when it can be written", async (command) => {
    using disk = smallDisk();
    const args = command === "chat" ? ["chat", "hello"] : [command];
    await run(disk.path, ["chat", "hello"]);
    disk.remount("ro");
    const { exit, stdout, stderr } = await run(disk.path, args);
    expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
    expect(stderr).toMatch(/read-?only/i);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).toMatch(refusal);
    disk.remount("rw");
    expect(await run(disk.path, ["chat", "hello"])).toMatchObject({ exit: 0, stderr: "" });
  });

  it("is refused in one line when it is new", async () => {
    using disk = smallDisk();
    disk.remount("ro");
    const { exit, stderr } = await run(join(disk.path, "home"), ["start"]);
    expect(exit).toBe(2);
    expect(stderr).toMatch(/^NANOCLAW_HOME=.*: the folder cannot be used \(.*read-only.*\)\.\n$/);
  });

  it("that becomes so later refuses messages, keeps the host alive, and loses nothing it had taken", async () => {
    using disk = ext4();
    const options = { home: disk.path, scripted: true, settings: { NANOCLAW_STOP_BUDGET: "1000" } };
    {
      await using site = await openSite({ ...options, clock: fastClock(20) });
      expect(await site.answered(await site.say("before"))).toEqual(["you said before"]);
      disk.remount("abort");
      const { exit, stdout, stderr } = await run(disk.path, ["chat", "hello"]);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
      expect(stderr).toMatch(/This was not taken: .*\. Nothing was stored; try again\.\n$/);
      expect(await run(disk.path, ["status"])).toMatchObject({
        exit: 0,
        stdout: expect.stringContaining("Host: runs"),
      });
    }
    disk.again();
    await using site = await openSite(options);
    expect(await site.answered(await site.say("after"))).toEqual(["you said after"]);
    expect(site.ledger("SELECT content FROM messages WHERE from_assistant = 0")).toEqual([
      { content: "before" },
      { content: "after" },
    ]);
  });
});

describe("a home whose path is too long for a socket", { timeout: 60_000 }, () => {
  it("is served all the same", async () => {
    const home = tempHome();
    await using site = await openSite({ home: join(home, "a".repeat(120)), scripted: true });
    try {
      expect(await run(site.home, ["chat", "hello"])).toMatchObject({ exit: 0, stdout: "you said hello\n" });
    } finally {
      await site.stop();
      rmSync(home, { recursive: true, force: true });
      rmSync(dirname(homePaths(site.home).socket), { recursive: true, force: true });
    }
  });
});

describe.concurrent("the same home by two paths", { timeout: 60_000 }, () => {
  it("is one home when one of them is a link", async () => {
    await using site = await openSite({ scripted: true });
    const link = `${site.home}-link`;
    symlinkSync(site.home, link);
    try {
      await expectOneHome(site, link);
    } finally {
      rmSync(link);
    }
  });

  it.skipIf(problem !== undefined)(mountable("is one home when one of them is a bind mount"), async () => {
    await using site = await openSite({ scripted: true });
    using bind = mounted("--bind", site.home);
    await expectOneHome(site, bind.path);
  });
});

/** A second host waits and says for whom; a chat uses the one that runs. */
async function expectOneHome(site: Awaited<ReturnType<typeof openSite>>, other: string): Promise<void> {
  await using second = nanoclaw(other, ["start"]);
  await second.says("Waiting until it is free");
  expect(second.stderr()).toMatch(/^The home .* is in use by system test \(process \d+, since .*\)\. Stop that one/);
  expect(second.stderr()).toContain(`process ${process.pid},`);
  const { exit, stdout } = await run(other, ["chat", "hello"]);
  expect({ exit, stdout }).toEqual({ exit: 0, stdout: "you said hello\n" });
  expect(second.stdout()).toBe("");
  await site.stop();
  await second.says("NanoClaw runs");
  second.child.kill("SIGTERM");
  expect(await second.ended).toBe(0);
}
