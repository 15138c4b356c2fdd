import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import type { AgentFile } from "./agent-file.ts";
import { writeAgentFile, writeKiroSettings } from "./write-agent-file.ts";

const agent = (prompt: string, name = "helper") => ({ name, prompt }) as AgentFile;

function setup() {
  const base = temporary();
  const agents = join(base, ".kiro", "agents");
  return {
    base,
    agents,
    path: join(agents, "helper.json"),
    write: (file: AgentFile, exclusive = true) => writeAgentFile({ base, exclusive }, file),
  };
}

describe("the agent's file", () => {
  it("is written whole, named like the agent, for the user inside to read", () => {
    const { agents, path, write } = setup();
    const mask = process.umask(0o077);
    try {
      expect(write(agent("a".repeat(300_000)))).toBe("written");
    } finally {
      process.umask(mask);
    }
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(agent("a".repeat(300_000)));
    expect(statSync(path).mode & 0o777).toBe(0o644);
    expect(readdirSync(agents)).toEqual(["helper.json"]);
  });

  it("is left alone when it is the same", () => {
    const { path, write } = setup();
    write(agent("one"));
    utimesSync(path, 1, 1);
    expect(write(agent("one"))).toBe("same");
    expect(statSync(path).mtimeMs).toBe(1000);
    expect(write(agent("two"))).toBe("written");
  });

  it("leaves no agent of another name, with what it once was given, in a folder of ours", () => {
    const { agents, write } = setup();
    write(agent("token", "old"));
    write(agent("x"));
    expect(readdirSync(agents)).toEqual(["helper.json"]);
  });

  it("leaves the person's other agents in a folder of theirs", () => {
    const { agents, write } = setup();
    mkdirSync(agents, { recursive: true });
    writeFileSync(join(agents, "theirs.json"), "{}");
    write(agent("x"), false);
    expect(readdirSync(agents).sort()).toEqual(["helper.json", "theirs.json"]);
  });

  it("replaces a link in its place, and touches nothing behind it", () => {
    const { base, agents, path, write } = setup();
    mkdirSync(agents, { recursive: true });
    const victim = join(base, "victim");
    writeFileSync(victim, "mine");
    symlinkSync(victim, path);
    expect(write(agent("x"))).toBe("written");
    expect(readFileSync(victim, "utf8")).toBe("mine");
    expect(statSync(path).isFile()).toBe(true);
  });

  it.each([[".kiro"], [".kiro/agents"]])("is not written through a link in place of %s", (name) => {
    const { base, write } = setup();
    const elsewhere = temporary();
    if (name !== ".kiro") mkdirSync(join(base, ".kiro"));
    symlinkSync(elsewhere, join(base, name));
    expect(() => write(agent("x"))).toThrow(`${join(base, name)} is no folder`);
    expect(readdirSync(elsewhere)).toEqual([]);
  });
});

describe("Kiro's settings", () => {
  const settings = (base: string) => join(base, ".kiro", "settings", "cli.json");

  it("are ours in a home of ours, whatever was there", () => {
    const { base } = setup();
    expect(writeKiroSettings({ base, exclusive: true })).toBe("written");
    expect(writeKiroSettings({ base, exclusive: true })).toBe("same");
    writeFileSync(settings(base), "{}");
    expect(writeKiroSettings({ base, exclusive: true })).toBe("written");
    expect(JSON.parse(readFileSync(settings(base), "utf8"))).toMatchObject({ "chat.disableMarkdownRendering": true });
  });

  it("stay the person's where they have some", () => {
    const { base } = setup();
    mkdirSync(join(base, ".kiro", "settings"), { recursive: true });
    writeFileSync(settings(base), "{}");
    expect(writeKiroSettings({ base, exclusive: false })).toBe("same");
    expect(readFileSync(settings(base), "utf8")).toBe("{}");
  });
});
