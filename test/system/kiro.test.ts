import { once } from "node:events";
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { crashSite } from "./crash-site.ts";
import {
  addGroup,
  API_KEY,
  askKiro,
  heldByKiro,
  logOf,
  newPerson,
  openKiroSite,
  restart,
  sessionOf,
  tellKiro,
  withKey,
} from "./kiro-site.ts";
import { onLinux } from "./processes.ts";
import { until } from "./until.ts";

/** The last of each kind: V1 alone, V2 to be named, events, ids that work, today's, the newest. */
const versions = ["2.5.0", "2.10.0", "2.19.2", "2.21.1", "2.29.0", "3.0.0"];
const ways = [...versions.map((version) => [version, "API key"]), ["2.5.0", "login"], ["2.29.0", "login"]];

describe.concurrent("a conversation with Kiro without containers", { timeout: 60_000 }, () => {
  it.each(ways)("goes on over turns, a restart and a turn that failed (%s, %s)", async (version, way) => {
    using person = newPerson({ version });
    await person.login();
    await using site = await openKiroSite(person, way === "login" ? {} : withKey);
    expect(await askKiro(site, "!!remember the walrus!!")).toBe("I will remember: the walrus");
    const id = sessionOf(site);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await restart(site);
    person.simulate({ fail: "rate-limit" });
    await heldByKiro(site, "!!say too soon!!");
    expect(sessionOf(site)).toBe(id);
    person.simulate({});
    expect(await askKiro(site, "!!recall!!")).toContain("the walrus");
    expect(sessionOf(site)).toBe(id);
  });

  it.each([
    ["2.5.0", "API key"],
    ["2.5.0", "login"],
    ["2.29.0", "login"],
  ])("has an answer without narration, with all that was written in it (%s, %s)", async (version, way) => {
    using person = newPerson({ version });
    await person.login();
    await using site = await openKiroSite(person, way === "login" ? {} : withKey);
    const code = "```ts\\nconst a = 1;\\n```\\n\\n> quoted";
    const answer = await askKiro(site, `!!narrate Let me look.!!!!shell echo hi!!!!say ${code}!!`);
    expect(answer).toBe(code.replaceAll("\\n", "\n"));
  });

  it.each([
    ["homes of their own", withKey],
    ["one shared home", { settings: { NANOCLAW_KIRO_SHARED_HOME: "true" } }],
  ])("reaches the host's tools, each group as itself, also when two run at once in %s", async (_homes, options) => {
    using person = newPerson();
    await person.login();
    await using site = await openKiroSite(person, options);
    const groups = ["main", "family"];
    await addGroup(site, "family");
    // Both agents are there before either calls a tool.
    const script = (group: string) =>
      `!!sleep 500!!!!tool nanoclaw send_message {"text":"news for ${group}"}!!!!say done!!`;
    expect(await Promise.all(groups.map((group) => askKiro(site, script(group), group)))).toEqual([
      "news for main\ndone",
      "news for family\ndone",
    ]);
  });
});

describe.concurrent("kiro-cli and what it starts", { timeout: 60_000 }, () => {
  it.each([
    ["which are deaf", "!!deaf!!!!shell touch begun!!!!sleep 60000!!"],
    ["which wait for a command of theirs", "!!deaf!!!!shell touch begun; sleep 60!!"],
  ])("are gone when a person stops the turn, %s", async (_what, script) => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    const seq = await tellKiro(site, script);
    await until(() => existsSync(site.path("groups", "main", "begun")));
    await site.ask("POST", "/control/groups/main/stop");
    expect(await site.answered(seq)).toEqual(["Stopped, as you asked."]);
    if (onLinux) await site.untilNoneLeft();
    expect(sessionOf(site)).toBeUndefined();
    expect(await askKiro(site, "!!say here!!")).toBe("here");
  });

  it("are ended when nothing is heard of them, and the chat is told", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    await site.ask("PATCH", "/control/groups/main", { settings: { silenceTimeout: 3_000 } });
    expect(await askKiro(site, "!!fail hang!!")).toContain("no sign of life");
    if (onLinux) await site.untilNoneLeft();
    await site.ask("PATCH", "/control/groups/main", { settings: { silenceTimeout: null } });
    expect(await askKiro(site, "!!say here!!")).toBe("here");
  });

  it("may have no tools with an API key, and the log says so", async () => {
    using person = newPerson({ bugs: { "mcp-off-with-key": true } });
    await using site = await openKiroSite(person, withKey);
    const answer = await askKiro(site, '!!tool nanoclaw send_message {"text":"x"}!!');
    expect(answer).toBe("I have no tool @nanoclaw/send_message.");
    expect(logOf(site)).toContain("MCP functionality disabled");
  });

  it.runIf(onLinux).each([
    ["an API key", { KIRO_API_KEY: API_KEY }],
    ["a login", {}],
  ])("go on while their host is killed, and answer its successor once, with %s", async (_how, settings) => {
    using person = newPerson();
    await person.login();
    await using site = crashSite({
      ...{ NANOCLAW_AGENT: "kiro", NANOCLAW_AGENT_RUNTIME: "host" },
      ...{ NANOCLAW_FREE_DISK: "1", ...person.env, ...settings },
    });
    site.watch("main");
    const host = await site.start();
    await site.say("main", "first", "!!anew!!!!shell touch begun!!!!sleep 3000!!!!remember the walrus!!");
    await until(() => existsSync(`${site.home}/groups/main/begun`));
    host.kill("SIGKILL");
    await once(host, "exit");
    await site.start();
    await until(() => site.shown("main").length === 1);
    await site.say("main", "second", "!!anew!!!!recall!!");
    await until(() => site.shown("main").length === 2);
    expect(site.shown("main").map(({ text }) => text)).toEqual([
      "I will remember: the walrus",
      expect.stringContaining("remember the walrus"),
    ]);
  });
});
