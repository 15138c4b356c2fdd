import { DatabaseSync } from "node:sqlite";
import { chownSync, rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { chatClient } from "../../src/cli/chat-client.ts";
import { connectHost } from "../../src/cli/connection.ts";
import { loadConfig } from "../../src/config.ts";
import { homePaths } from "../../src/home.ts";
import { nanoclaw, run, type Command, type CommandOptions } from "./command.ts";
import { isRoot, onLinux, plainUser, processesOf } from "./processes.ts";
import { openSite, tempHome } from "./site.ts";
import { until } from "./until.ts";

/** A fresh home and the commands a person runs there. */
function place() {
  const home = tempHome();
  return {
    home,
    run: (args: string[], options?: CommandOptions) => run(home, args, options),
    start: async (options?: CommandOptions): Promise<Command> => {
      const host = nanoclaw(home, ["start"], options);
      await host.says("Next: ");
      return host;
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }),
  };
}

const other = plainUser();
const none = (home: string) => until(() => !onLinux || processesOf(home).length === 0);

describe.concurrent("a newcomer with a host that runs", { timeout: 60_000 }, () => {
  it("is told what runs, what does not, and what to do; then is answered, and reminded live", async () => {
    using at = place();
    await using host = await at.start({ env: { NANOCLAW_AGENT_RUNTIME: "host" } });
    expect(host.stdout()).toBe(
      [
        `NanoClaw runs (process ${host.child.pid}, time zone UTC).`,
        "  local chat  on: type here, or in another terminal: npm run nanoclaw -- chat",
        "  agent       offline: built in, no language model; it understands reminders (try: help)",
        "  turns run   as plain processes on this machine, without isolation",
        "  WhatsApp    not linked yet: npm run auth",
        `  state, logs ${at.home} (npm run nanoclaw -- logs -f)`,
        "Next: npm run nanoclaw -- setup  leads to WhatsApp, Kiro, containers and a service, step by step.",
        "",
      ].join("\n"),
    );
    const { exit, stdout } = await at.run(["chat", "remind me in 2 seconds to stretch"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^OK\. I will remind you to stretch today at .* \(UTC\)\.\n⏰ Reminder: stretch\n$/);
    expect((await at.run(["status"])).stdout).toContain(`(process ${host.child.pid})`);
    host.child.kill("SIGTERM");
    expect(await host.ended).toBe(0);
    expect(host.stdout().endsWith("\nStopping.\n")).toBe(true);
    expect(host.stderr()).toBe("");
    await none(at.home);
  });

  it("may pipe the message in, and gets one JSON object a line", async () => {
    using at = place();
    await using host = await at.start();
    const { exit, stdout } = await at.run(["chat", "--json"], { input: "what reminders\ndo I have?\n" });
    expect(exit).toBe(0);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual([
      {
        type: "reply",
        text: expect.any(String),
        seq: 1,
        id: expect.any(String),
        at: expect.any(Number),
        source: "answer",
        turn: expect.any(String),
        task: null,
      },
      { type: "done", state: "answered" },
    ]);
    expect(host.child.exitCode).toBeNull();
  });

  it("sees at the next chat, once, what came while nobody watched", async () => {
    using at = place();
    await using host = await at.start();
    const config = loadConfig({ env: { NANOCLAW_HOME: at.home }, defaultHome: at.home });
    const connection = await connectHost(config);
    if (!connection) throw new Error("no host runs");
    const { seq } = await chatClient(config, "main", connection).send("remind me in 1 second to look up");
    await until(async () => {
      const { newestReply, lastReply } = await chatClient(config, "main", connection).outcome(seq);
      return lastReply > 0 && newestReply > lastReply;
    });
    const next = await at.run(["chat", "help"]);
    expect(next.stdout).toMatch(/^OK\. I will remind you.*\n⏰ Reminder: look up\nI am the built-in/);
    expect((await at.run(["chat", "help"])).stdout).toMatch(/^I am the built-in/);
    expect(host.child.exitCode).toBeNull();
  });
});

describe.concurrent("a newcomer without a host", { timeout: 60_000 }, () => {
  it("is answered all the same, and the command stays until the reminder is out", async () => {
    using at = place();
    const { exit, stdout, stderr } = await at.run(["chat", "remind me in 2 seconds to stretch"]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^OK\. I will remind you to stretch .*\n⏰ Reminder: stretch\n$/);
    expect(stderr).toMatch(
      /^(\(waiting for the reminder at .*; Ctrl-C to leave: it stays and fires when a host runs: npm start\)\n)?$/,
    );
    await none(at.home);
  });

  it.skipIf(isRoot && other === undefined)(
    `may be a plain user${isRoot && other === undefined ? " (skipped: none can run the program here)" : ""}`,
    async () => {
      using at = place();
      if (other !== undefined) chownSync(at.home, other, other);
      const said = await at.run(["chat", "help"], other === undefined ? {} : { uid: other });
      expect(said).toMatchObject({ exit: 0, stderr: "", stdout: expect.stringContaining("offline assistant") });
    },
  );

  it("may leave with Ctrl-C while it waits; the reminder stays and comes with the next host", async () => {
    using at = place();
    {
      await using chat = nanoclaw(at.home, ["chat", "remind me in 6 seconds to stretch"]);
      await chat.says("waiting for the reminder");
      chat.child.kill("SIGINT");
      expect(await chat.ended).toBe(0);
    }
    await none(at.home);
    const { stdout } = await at.run(["tasks", "list"]);
    expect(stdout).toMatch(/task-\w+ +main +active .*stretch/);
    await using host = await at.start();
    await until(async () => (await at.run(["tasks", "list"])).stdout.startsWith("There are no tasks."));
    expect((await at.run(["chat", "help"])).stdout).toMatch(/^⏰ Reminder: stretch\nI am the built-in/);
    expect(host.child.exitCode).toBeNull();
  });

  it("is told what to do when something is asked of a host that is not there", async () => {
    using at = place();
    expect((await at.run(["status"])).stdout).toContain("Host: does not run. Start it with: npm start");
    expect((await at.run(["why"])).stderr).toBe(
      "The chat main is not registered. None is yet; the first start makes the main one: npm start\n",
    );
    expect((await at.run(["logs"])).stderr).toMatch(/^There is no log yet at .*; a host that runs writes it\.\n$/);
    expect((await at.run(["tasks", "list"])).stdout).toMatch(
      /^There are no tasks\. Make one: npm run nanoclaw -- chat/,
    );
    const { exit, stderr } = await at.run(["chat", "--group", "nobody", "hello"]);
    expect(exit).toBe(1);
    expect(stderr).toMatch(/^There is no group "nobody"\. There are: main\. Add one with: nanoclaw groups add/);
  });
});

describe.runIf(onLinux).concurrent("a host that is told to stop", { timeout: 60_000 }, () => {
  it("cuts a turn that never ends off after its budget, and answers it at the next start", async () => {
    await using site = await openSite({ scripted: true, settings: { NANOCLAW_STOP_BUDGET: "1000" } });
    site.behave("ticks-for-ever");
    const seq = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    await site.stop();
    expect(site.ledger("SELECT status FROM turns")).toEqual([{ status: "queued" }]);
    await site.untilNoneLeft();
    site.behave("answers");
    await site.start();
    expect(await site.answered(seq)).toEqual(["you said hello"]);
  });

  it("ends at once at the second signal; what was cut off is answered once by the next host", async () => {
    using at = place();
    const config = loadConfig({ env: { NANOCLAW_HOME: at.home, TZ: "UTC" }, defaultHome: at.home });
    {
      await using host = await at.start();
      const connection = await connectHost(config);
      if (!connection) throw new Error("no host runs");
      // A host that cannot write cannot end its turn, and so not itself.
      const database = new DatabaseSync(homePaths(config.home).database);
      database.exec("PRAGMA busy_timeout = 10000");
      try {
        await chatClient(config, "main", connection).send("help");
        database.exec("BEGIN IMMEDIATE");
        host.child.kill("SIGTERM");
        await host.says("Stopping.");
        await delay(500);
        expect(host.child.exitCode).toBeNull();
        host.child.kill("SIGTERM");
        expect(await host.ended).toBe(143);
      } finally {
        database.close();
      }
    }
    await using next = await at.start();
    const { stdout } = await at.run(["chat", "what reminders do I have?"]);
    expect(stdout.match(/I am the built-in/g)).toHaveLength(1);
    next.child.kill("SIGTERM");
    expect(await next.ended).toBe(0);
    await none(at.home);
  });
});
