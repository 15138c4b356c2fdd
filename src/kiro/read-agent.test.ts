import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporary } from "../../test/kiro-database-kit.ts";
import { readPersonsAgent } from "./read-agent.ts";

function setup(files: Record<string, unknown> = {}) {
  const home = temporary();
  const kiro = join(home, ".kiro");
  mkdirSync(join(kiro, "agents"), { recursive: true });
  mkdirSync(join(kiro, "settings"));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(kiro, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return { home, kiro, read: (wanted?: string) => readPersonsAgent({ home, kiro }, wanted) };
}

describe("which agent is meant", () => {
  it("is the one of agent_config.json, by the name in it or else its file's", () => {
    expect(setup({ "agents/agent_config.json": { name: "mine" } }).read().agent).toMatchObject({
      name: "mine",
      config: { name: "mine" },
    });
    expect(setup({ "agents/agent_config.json": {} }).read().agent.name).toBe("agent_config");
    expect(setup({ "agents/agent_config.json": { name: 5 } }).read().agent.name).toBe("agent_config");
  });

  it("is a plain one of our naming when there is none, or no Kiro at all", () => {
    expect(setup().read()).toEqual({
      agent: { name: "kiro-assistant", config: undefined, promptFile: undefined, mcpJson: undefined },
      notes: [],
    });
    expect(readPersonsAgent({ home: "/nowhere", kiro: "/nowhere/.kiro" }, undefined).agent.name).toBe("kiro-assistant");
  });

  it("is the one that is asked for, by its file's name or by the name in it", () => {
    const { read } = setup({
      "agents/agent_config.json": { name: "mine" },
      "agents/work.json": { prompt: "w" },
      "agents/a.json": { name: "other", prompt: "o" },
      "agents/broken.json": "{",
    });
    expect(read("work").agent).toMatchObject({ name: "work", config: { prompt: "w" } });
    expect(read("other").agent).toMatchObject({ name: "other", config: { prompt: "o" } });
    expect(read("none")).toMatchObject({
      agent: { name: "none", config: undefined },
      notes: [expect.stringContaining('no agent "none"')],
    });
    expect(read("../settings/x").agent.config).toBeUndefined();
  });

  it("has a name that can be a file's", () => {
    const { read } = setup({ "agents/agent_config.json": { name: "My Agent/2 — best!" } });
    expect(read()).toMatchObject({
      agent: { name: "My-Agent-2-best" },
      notes: [expect.stringContaining("My-Agent-2-best")],
    });
    expect(setup().read("../..").agent.name).toBe("kiro-assistant");
    expect(setup().read("--help").agent.name).toBe("help");
    expect(setup().read("x".repeat(100)).agent.name).toHaveLength(64);
  });
});

describe("what it refers to", () => {
  it("is read along: a prompt beside the agent file, in the home, or anywhere; and mcp.json", () => {
    const { home, read } = setup({
      "agents/prompt.md": "Beside.",
      "agents/agent_config.json": { prompt: "file://./prompt.md" },
      "settings/mcp.json": { mcpServers: {} },
    });
    writeFileSync(join(home, "p.md"), "\u{FEFF}At home.");
    expect(read().agent).toMatchObject({ promptFile: "Beside.", mcpJson: { mcpServers: {} } });
    for (const prompt of ["file://~/p.md", `file://${home}/p.md`]) {
      writeFileSync(join(home, ".kiro/agents/agent_config.json"), JSON.stringify({ prompt }));
      expect(read().agent.promptFile).toBe("At home.");
    }
  });

  it("is told when it cannot be read", () => {
    const { read } = setup({ "agents/agent_config.json": { prompt: "file://none.md" }, "settings/mcp.json": "{" });
    expect(read().notes).toEqual([expect.stringContaining("none.md"), expect.stringContaining("mcp.json is no JSON")]);
  });
});

describe("reading", () => {
  it("takes a file by the person's link, and writes nothing", () => {
    const { home, kiro, read } = setup({ "agents/real.md": "x" });
    writeFileSync(join(home, "elsewhere.json"), '{"name":"linked"}');
    symlinkSync(join(home, "elsewhere.json"), join(kiro, "agents", "agent_config.json"));
    expect(read().agent.name).toBe("linked");
    expect(readdirSync(join(kiro, "agents")).sort()).toEqual(["agent_config.json", "real.md"]);
  });

  it("does not wait for a FIFO, nor read a folder, a device or a giant", () => {
    const plants: ((path: string) => void)[] = [
      (path) => execFileSync("mkfifo", [path]),
      (path) => mkdirSync(path),
      (path) => symlinkSync("/dev/zero", path),
      (path) => (writeFileSync(path, ""), truncateSync(path, 2 ** 33)),
    ];
    for (const plant of plants) {
      const { kiro, read } = setup();
      plant(join(kiro, "agents", "agent_config.json"));
      expect(read()).toMatchObject({
        agent: { name: "kiro-assistant", config: undefined },
        notes: [expect.any(String)],
      });
    }
  });
});
