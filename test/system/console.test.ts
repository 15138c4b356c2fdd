import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ask, connectHost } from "../../src/cli/connection.ts";
import { loadConfig } from "../../src/config.ts";
import { onLinux, processesOf } from "./processes.ts";
import { openSite, tempHome, type Site } from "./site.ts";
import { until } from "./until.ts";

/** What the console said in a chat, in order. */
const said = (site: Site, chat = "local:main") =>
  site
    .ledger("SELECT content FROM outbox WHERE chat_jid = ? AND source = 'notice' ORDER BY seq", chat)
    .map(({ content }) => String(content));
const turns = (site: Site) => site.ledger("SELECT status, stop_reason AS stop FROM turns ORDER BY created_at, rowid");
const running = (site: Site) => site.ledger("SELECT 1 FROM turns WHERE status = 'running'").length;

describe.runIf(onLinux).concurrent("the chat as a console", { timeout: 60_000 }, () => {
  it("ends a turn whose agent hangs, and what was asked behind it, with one sentence", async () => {
    await using site = await openSite({ scripted: true });
    site.behave("never-answers");
    const first = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    const second = await site.say("and more");
    await site.say(" /STOP ");
    expect(said(site)).toEqual([expect.stringMatching(/^Stopped: what ran for \d+ s\.$/)]);
    await until(() => running(site) === 0);
    expect(turns(site)).toEqual([{ status: "cancelled", stop: "stopped and told" }]);
    for (const seq of [first, second]) expect((await site.outcome(seq)).lines.at(-1)).toMatch(/^Stopped /);
    site.behave("answers");
    expect(await site.answered(await site.say("again"))).toEqual(["you said again"]);
    expect(said(site)).toHaveLength(1);
    await site.untilNoneLeft();
  });

  it("answers while every place is taken, and tells who has it and who waits", async () => {
    await using site = await openSite({ scripted: true, settings: { MAX_CONCURRENT_CONTAINERS: "1" } });
    await site.ask("POST", "/control/groups", { name: "Family", folder: "family" });
    site.behave("never-answers", "family");
    await site.say("hold it", "family");
    await until(() => running(site) === 1);
    await site.say("I wait");
    const seq = await site.say("/status");
    const [status = ""] = said(site);
    expect(status).toMatch(/^\*\*Andy\*\* runs since \d\d:\d\d \(UTC\)\.\n/);
    expect(status).toMatch(/Running: 1\n- Family: an answer, for \d+ s\nWaiting: 1\n- for a free place/);
    expect(await site.outcome(seq)).toMatchObject({
      state: "answered",
      lines: [expect.any(String), "Decision: answered by the host itself, without the agent: it was a command."],
    });
    // In its own chat the group hears of itself alone.
    await site.say("/status", "family");
    expect(said(site, "local:family")[0]).toMatch(/Running: 1\n- an answer, for \d+ s\nNothing waits\./);
    await site.say("/stop", "family");
    await site.say("/stop");
    await until(() => running(site) === 0);
    expect(said(site).at(-1)).toBe("Stopped: what waited (1).");
  });

  it("ends what waits to be tried again", async () => {
    await using site = await openSite({ scripted: true });
    site.behave("fails logged-out");
    await site.say("hello");
    await until(() => turns(site)[0]?.["status"] === "queued");
    await site.say("/status");
    expect(said(site).at(-1)).toMatch(/Waiting: 1\n- tried again .*\(logged-out: as the test wished\)/);
    await site.say("/stop");
    expect(turns(site)).toEqual([{ status: "cancelled", stop: "stopped and told" }]);
    expect(said(site).at(-1)).toBe("Stopped: what waited (1).");
    await site.say("/stop");
    expect(said(site).at(-1)).toBe("Nothing runs or waits here.");
  });

  it("leaves to the agent what is no command, and a text that only contains one", async () => {
    await using site = await openSite({ scripted: true });
    for (const text of ["/weather", "what does /status do?", "/status please"]) {
      expect(await site.answered(await site.say(text))).toEqual([`you said ${text}`]);
    }
    expect(said(site)).toEqual([]);
  });

  it("tells of tasks, groups, the newest message and itself, and begins a new conversation", async () => {
    await using site = await openSite();
    const asked = async (command: string) => {
      await site.say(command);
      return said(site).at(-1) ?? "";
    };
    expect(await asked("/why")).toBe("Nobody has written here yet.");
    await site.answered(await site.say("remind me in 2 hours to stretch"));
    expect(await asked("/tasks")).toMatch(/^Scheduled \(UTC\):\n- .*stretch.*\(`task-\w+`\)$/);
    expect(await asked("/why")).toMatch(/^> remind me in 2 hours to stretch\n\nReceived .*\nDecision: .*\nAnswered /);
    expect(await asked("@Andy /groups")).toBe("Groups: 1\n- `main` Main: local:main");
    expect(await asked("/new")).toMatch(/^The next message begins a new conversation/);
    const help = await asked("/help");
    for (const name of ["/help", "/status", "/stop", "/new", "/tasks", "/why", "/groups"]) expect(help).toContain(name);
    expect(site.ledger("SELECT DISTINCT decision FROM messages WHERE reason = 'command'")).toEqual([
      { decision: "ignored" },
    ]);
  });
});

describe.runIf(onLinux)("a host that is killed between a command and what it does", { timeout: 60_000 }, () => {
  it("ends the turn when it is back, and has answered once, however often the command comes", async () => {
    const home = tempHome();
    const config = loadConfig({ env: { NANOCLAW_HOME: home, TZ: "UTC" }, defaultHome: home });
    const program = fileURLToPath(new URL("fixtures/host.ts", import.meta.url));
    const host = spawn(process.execPath, [program, home, "never-answers", "after-command"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(host, "exit");
    const stop = { id: "the-stop", text: "/stop" };
    try {
      await once(host.stdout, "data");
      const connection = await connectHost(config);
      if (!connection) throw new Error("no host runs");
      const { seq } = await ask<{ seq: number }>(connection, "POST", "/chat/main/messages", { id: "1", text: "hello" });
      const lines = () => ask<{ state: string }>(connection, "GET", `/control/messages/${seq}`);
      await until(async () => (await lines()).state === "running");
      await ask(connection, "POST", "/chat/main/messages", stop).catch(() => {});
      expect(await ended).toEqual([null, "SIGKILL"]);
      await using site = await openSite({ home, scripted: true });
      await until(() => running(site) === 0);
      const again = await site.ask<{ duplicate: boolean }>("POST", "/chat/main/messages", stop);
      expect(again.duplicate).toBe(true);
      expect(turns(site)).toEqual([{ status: "cancelled", stop: "stopped and told" }]);
      expect(said(site)).toEqual([expect.stringMatching(/^Stopped: what ran for/)]);
      await until(() => processesOf(home).length === 0);
    } finally {
      host.kill("SIGKILL");
      await ended;
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});
