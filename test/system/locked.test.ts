import { DatabaseSync } from "node:sqlite";
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { homePaths } from "../../src/home.ts";
import { run } from "./command.ts";
import { fastClock } from "./clocks.ts";
import { openSite, type Site } from "./site.ts";
import { until } from "./until.ts";

/** Another program that writes to the database, and does not let go. SQLite's locks hold within one process, too. */
function lock(site: Site): Disposable {
  const database = new DatabaseSync(homePaths(site.home).database);
  database.exec("PRAGMA busy_timeout = 10000; BEGIN IMMEDIATE");
  return { [Symbol.dispose]: () => database.close() };
}

const LOCKED_MS = 2_000;

describe.concurrent("a database that another program holds for a while", { timeout: 60_000 }, () => {
  it("makes a message wait until it is free, then it is taken once and answered", async () => {
    await using site = await openSite({ scripted: true });
    let isTaken = false;
    let sending: Promise<number>;
    {
      using _ = lock(site);
      sending = site.say("hello").finally(() => (isTaken = true));
      sending.catch(() => {}); // awaited below
      await delay(LOCKED_MS);
      expect(isTaken).toBe(false);
    }
    expect(await site.answered(await sending)).toEqual(["you said hello"]);
    expect(site.ledger("SELECT 1 FROM messages WHERE from_assistant = 0")).toHaveLength(1);
  });

  it("lets a person follow the chat and ask what is going on meanwhile", async () => {
    await using site = await openSite({ scripted: true });
    const seq = await site.say("hello");
    await site.answered(seq);
    using _ = lock(site);
    const shown = site.watch();
    await until(() => shown.length === 1);
    expect(await site.outcome(seq)).toMatchObject({ state: "answered" });
    expect(await run(site.home, ["status"])).toMatchObject({ exit: 0, stdout: expect.stringContaining("Host: runs") });
  });

  it("does not lose an answer that comes while it is held", async () => {
    await using site = await openSite({ scripted: true });
    const shown = site.watch();
    site.behave("answers-late");
    const seq = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    {
      using _ = lock(site);
      writeFileSync(site.path("groups", "main", "go"), "");
      await delay(LOCKED_MS);
      expect(site.ledger("SELECT status FROM turns")).toEqual([{ status: "running" }]);
    }
    expect(await site.answered(seq)).toEqual(["you said hello"]);
    await until(() => shown.length === 1);
    expect(site.ledger("SELECT attempts, status FROM turns")).toEqual([{ attempts: 1, status: "answered" }]);
  });

  it("makes a message that waited too long come back with the reason, not stored", async () => {
    await using site = await openSite({ scripted: true, clock: fastClock(20) });
    {
      using _ = lock(site);
      const { exit, stdout, stderr } = await run(site.home, ["chat", "hello"]);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: "" });
      expect(stderr).toMatch(/^This was not taken: .*database.*\. Nothing was stored; try again\.\n$/);
      expect(site.ledger("SELECT 1 FROM messages")).toEqual([]);
    }
    expect(await site.answered(await site.say("again"))).toEqual(["you said again"]);
  });

  it("does not keep the host from stopping, and the turn goes on with the next one", async () => {
    await using site = await openSite({ scripted: true, clock: fastClock(20) });
    site.behave("answers-late");
    const seq = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    {
      using _ = lock(site);
      writeFileSync(site.path("groups", "main", "go"), "");
      await site.stop();
      expect(site.ledger("SELECT status FROM turns")).toEqual([{ status: "running" }]);
    }
    await site.start();
    expect(await site.answered(seq)).toEqual(["you said hello"]);
  });
});
