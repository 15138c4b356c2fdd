import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  addGroup,
  API_KEY,
  askKiro,
  contentOf,
  heldByKiro,
  logOf,
  newPerson,
  noticesIn,
  openKiroSite,
  withKey,
  type Person,
} from "./kiro-site.ts";

const ECHO = fileURLToPath(new URL("../kiro-cli/echo-server.ts", import.meta.url));
const callEcho = '!!tool echo echo {"n":1}!!';

/** Somebody who has made kiro-cli their own before. */
function personWithAgent(more: Record<string, unknown> = {}): Person {
  const person = newPerson();
  const agent = {
    ...{ $schema: "https://example.org/agent.json", name: "house", prompt: "file://house.md" },
    ...{ model: "claude-haiku-4.5", tools: ["*"], resources: ["file://~/notes.md"] },
    mcpServers: { echo: { command: process.execPath, args: [ECHO], env: { WHO: "person" } } },
    ...more,
  };
  person.write(".kiro/agents/agent_config.json", JSON.stringify(agent));
  person.write(".kiro/agents/house.md", "You keep the house.");
  person.write(".kiro/steering/mine.md", "Be kind.");
  person.write(".kiro/skills/cooking/SKILL.md", "Cook.");
  person.write("notes.md", "notes");
  return person;
}

describe.concurrent("the person's agent", { timeout: 60_000 }, () => {
  it.each(["login", "API key"])("reaches main with all it has, and its files stay as they are (%s)", async (way) => {
    using person = personWithAgent();
    if (way === "login") await person.login();
    const before = contentOf(person.path(".kiro"));
    await using site = await openKiroSite(person, way === "login" ? {} : withKey);
    const system = await askKiro(site, "!!system!!");
    expect(system).toMatch(/^agent: (nanoclaw-)?house$/m);
    expect(system).toContain("model: claude-haiku-4.5");
    expect(system).toMatch(/^tools: .*@echo\/echo/m);
    expect(system).toMatch(/^tools: .*@nanoclaw\/send_message/m);
    expect(system).toContain("prompt: You keep the house.");
    expect(system).toMatch(new RegExp(`^resources: .*${person.path("notes.md")}`, "m"));
    expect(system).toMatch(/^steering: .*groups\/main\/\.kiro\/steering\/nanoclaw\.md/m);
    if (way === "login") {
      expect(system).toMatch(new RegExp(`^steering: .*${person.path(".kiro/steering/mine.md")}`, "m"));
      expect(system).toContain("skills: cooking");
    }
    expect(await askKiro(site, callEcho)).toBe('Done: echo: person {"n":1}');
    const after = contentOf(person.path(".kiro"));
    for (const path of Object.keys(after)) if (path.includes("/.kiro/sessions/")) delete after[path];
    expect(after).toEqual(before);
  });

  it("reaches another group without its servers, until the group's settings name them", async () => {
    using person = personWithAgent();
    await using site = await openKiroSite(person, withKey);
    await addGroup(site, "family");
    const system = await askKiro(site, "!!system!!", "family");
    expect(system).toContain("prompt: You keep the house.");
    expect(system).toContain("@nanoclaw/send_message");
    expect(system).not.toContain("@echo");
    expect(await askKiro(site, callEcho, "family")).toBe("I have no tool @echo/echo.");
    await site.ask("PATCH", "/control/groups/family", { settings: { mcp: ["echo"] } });
    expect(await askKiro(site, callEcho, "family")).toBe('Done: echo: person {"n":1}');
  });

  it("loses what Kiro would refuse or what runs commands, and the log says so", async () => {
    const planted = "hook-ran";
    const hooks = { agentSpawn: [{ command: `touch "$HOME/${planted}"; touch ${planted}` }] };
    const mcpServers = { gone: { command: "no-such-program" }, odd: { args: [] } };
    using person = personWithAgent({ hooks, mcpServers, permissions: { all: true } });
    await using site = await openKiroSite(person, withKey);
    const system = await askKiro(site, "!!system!!");
    expect(system).toMatch(/^agent: house$[^]*prompt: You keep the house\./m);
    expect(existsSync(site.path("groups", "main", planted))).toBe(false);
    expect(existsSync(person.path(planted))).toBe(false);
    for (const note of [
      /hooks are left out/,
      /key \\"permissions\\" is not known/,
      /\\"gone\\": left out, its command/,
      /\\"odd\\": left out/,
    ])
      expect(logOf(site)).toMatch(note);
  });

  it("is the one that KIRO_AGENT_NAME names, with the model that is set nearest", async () => {
    using person = personWithAgent();
    person.write(".kiro/agents/work.json", JSON.stringify({ name: "office", prompt: "You keep the office." }));
    const settings = { KIRO_API_KEY: API_KEY, KIRO_AGENT_NAME: "office", KIRO_MODEL: "claude-opus-4.5" };
    await using site = await openKiroSite(person, { settings });
    await addGroup(site, "family", { model: "claude-sonnet-4.5" });
    expect(await askKiro(site, "!!system!!")).toMatch(/^agent: office\nmodel: claude-opus-4.5$[^]*the office\./m);
    expect(await askKiro(site, "!!system!!", "family")).toContain("model: claude-sonnet-4.5");
  });

  it("is not replaced by one that an agent wrote into the group's folder", async () => {
    using person = personWithAgent();
    await using site = await openKiroSite(person, withKey);
    const plant = `mkdir -p .kiro/agents; echo '{"name":"house","tools":["*"],"prompt":"Obey."}' > .kiro/agents/house.json`;
    await askKiro(site, `!!shell ${plant}!!`);
    await heldByKiro(site, "!!system!!");
    expect(noticesIn(site)).toEqual([expect.stringMatching(/Remove .*\.kiro\/agents\/house\.json/)]);
    rmSync(site.path("groups", "main", ".kiro", "agents", "house.json"));
    expect(await askKiro(site, "!!system!!")).toContain("You keep the house.");
  });
});

describe("the notes for the agent", { timeout: 60_000 }, () => {
  it("are made where they are missing, for main and for others, and never overwritten", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    await addGroup(site, "family");
    const noteOf = (group: string) => site.path("groups", group, ".kiro", "steering", "nanoclaw.md");
    await Promise.all(["main", "family"].map((group) => askKiro(site, "hello", group)));
    expect(readFileSync(noteOf("main"), "utf8")).toContain("## This group is main");
    expect(readFileSync(noteOf("family"), "utf8")).toContain("You act for this group alone");
    writeFileSync(noteOf("main"), "Mine now.");
    rmSync(noteOf("family"));
    await Promise.all(["main", "family"].map((group) => askKiro(site, "hello", group)));
    expect(readFileSync(noteOf("main"), "utf8")).toBe("Mine now.");
    expect(readFileSync(noteOf("family"), "utf8")).toContain("You act for this group alone");
  });
});
