import { describe, expect, it } from "vitest";
import { deriveAgent, type DeriveFacts } from "./agent-file.ts";

const server = { command: "node", args: ["/app/mcp/main.mjs"], env: { NANOCLAW_TURN: "t1" } };

function derive(config: unknown, changes: Partial<DeriveFacts> & { mcpJson?: unknown; promptFile?: string } = {}) {
  const { mcpJson, promptFile, ...facts } = changes;
  return deriveAgent({
    person: { name: "helper", config, promptFile, mcpJson },
    assistantName: "Andy",
    folder: "family",
    main: true,
    mcp: [],
    hasCommand: (command) => ["node", "npx"].includes(command),
    visible: { all: false, personsHome: "/home/ann", mounts: [], kiro: "/home/node/.kiro" },
    server,
    ...facts,
  });
}

/** Keys that a strict Kiro takes. */
const KNOWN =
  "name description prompt mcpServers tools allowedTools toolAliases toolsSettings resources includeMcpJson model".split(
    " ",
  );

describe("without an agent of the person's", () => {
  it("is a plain assistant with all tools and ours", () => {
    expect(derive(undefined)).toEqual({
      file: {
        name: "helper",
        description: "Written by NanoClaw for family before each turn; changes here are lost.",
        prompt: expect.stringMatching(/^You are Andy, /),
        mcpServers: { nanoclaw: { ...server, timeout: 120_000 } },
        tools: ["*", "@nanoclaw"],
        allowedTools: ["@nanoclaw"],
        toolAliases: {},
        toolsSettings: {},
        resources: ["file://.kiro/steering/**/*.md"],
        includeMcpJson: false,
      },
      notes: [],
    });
  });
});

describe("the person's agent", () => {
  it("keeps what it says, with ours added", () => {
    const { file, notes } = derive({
      $schema: "https://x",
      name: "other",
      description: "mine",
      prompt: "Be kind.",
      model: "claude-sonnet-4.5",
      tools: ["read", "@builtin"],
      allowedTools: ["read"],
      toolAliases: { read: "look" },
      toolsSettings: { write: { allowedPaths: ["/w/**"] } },
      resources: ["file://AGENTS.md", "skill://.kiro/skills/**/SKILL.md"],
      hooks: {},
      includeMcpJson: false,
      keyboardShortcut: "ctrl+a",
      welcomeMessage: "hi",
    });
    expect(notes).toEqual([]);
    expect(file).toMatchObject({
      name: "helper",
      prompt: "Be kind.",
      model: "claude-sonnet-4.5",
      tools: ["read", "@builtin", "@nanoclaw"],
      allowedTools: ["read", "@nanoclaw"],
      toolAliases: { read: "look" },
      toolsSettings: { write: { allowedPaths: ["/w/**"] } },
      resources: ["file://AGENTS.md", "skill://.kiro/skills/**/SKILL.md", "file://.kiro/steering/**/*.md"],
    });
  });

  it("never brings a key that Kiro does not know: the whole file would be lost", () => {
    const { file, notes } = derive({
      prompt: "x",
      useLegacyMcpJson: true,
      permissions: {},
      __proto__x: 1,
      constructor: 2,
    });
    expect(Object.keys(file).filter((key) => !KNOWN.includes(key))).toEqual([]);
    expect(notes).toHaveLength(4);
    expect(notes[0]).toContain('"useLegacyMcpJson" is not known');
  });

  it("loses only what has a wrong form", () => {
    const { file, notes } = derive({
      prompt: 5,
      tools: "read",
      allowedTools: ["a"],
      model: null,
      resources: {},
      mcpServers: [],
    });
    expect(file).toMatchObject({
      prompt: expect.stringMatching(/^You are Andy/),
      tools: ["*", "@nanoclaw"],
      allowedTools: ["a", "@nanoclaw"],
    });
    expect(file).not.toHaveProperty("model");
    expect(notes).toHaveLength(4);
  });

  it.each([[[]], ["text"], [null], [5]])("is left out when it is %j", (config) => {
    const { file, notes } = derive(config);
    expect(file.tools).toEqual(["*", "@nanoclaw"]);
    expect(notes).toEqual(["the agent file is no JSON object and is left out"]);
  });

  it("with no tools at all gets ours alone; without the key it gets all, as it was before 2.14", () => {
    expect(derive({ tools: [] }).file.tools).toEqual(["@nanoclaw"]);
    expect(derive({}).file.tools).toEqual(["*", "@nanoclaw"]);
  });

  it('has no "*" where Kiro does not allow it', () => {
    expect(derive({ allowedTools: ["*", "read"] }).file.allowedTools).toEqual(["read", "@nanoclaw"]);
  });

  it("has its hooks left out: they run commands of the person's machine", () => {
    const { file, notes } = derive({ hooks: { agentSpawn: [{ command: "curl evil" }] } });
    expect(file).not.toHaveProperty("hooks");
    expect(notes).toEqual([expect.stringMatching(/^hooks are left out/)]);
  });

  it("has a prompt that stands in a file inlined", () => {
    expect(derive({ prompt: "file://./p.md" }, { promptFile: "Be brief." }).file.prompt).toBe("Be brief.");
    expect(derive({ prompt: "file://./p.md" }).file.prompt).toMatch(/^You are Andy/);
  });
});

describe("the person's MCP servers", () => {
  const git = { command: "npx", args: ["git-mcp"], env: { TOKEN: "${GIT_TOKEN}" }, timeout: 1000 };
  const mail = { command: "node", args: ["mail.js"] };
  const config = {
    mcpServers: { git, mail },
    tools: ["read", "@git", "@mail/send"],
    allowedTools: ["@git/read_*"],
    toolAliases: { "@git/log": "log" },
  };
  const names = (derived: ReturnType<typeof derive>) => Object.keys(derived.file.mcpServers);

  it("go to main, with their values as they are written", () => {
    const derived = derive(config);
    expect(names(derived)).toEqual(["git", "mail", "nanoclaw"]);
    expect(derived.file.mcpServers["git"]).toEqual(git);
    expect(derived.notes).toEqual([expect.stringContaining("${GIT_TOKEN}")]);
  });

  it("go to another group only by name, and so do the tools that mean them", () => {
    const none = derive(config, { main: false });
    expect(names(none)).toEqual(["nanoclaw"]);
    expect(JSON.stringify(none.file)).not.toMatch(/GIT_TOKEN|mail\.js/);
    expect(none.file).toMatchObject({ tools: ["read", "@nanoclaw"], allowedTools: ["@nanoclaw"], toolAliases: {} });
    expect(none.notes).toEqual([]);
    const one = derive(config, { main: false, mcp: ["mail", "gone"] });
    expect(names(one)).toEqual(["mail", "nanoclaw"]);
    expect(one.file.tools).toEqual(["read", "@mail/send", "@nanoclaw"]);
    expect(one.notes).toEqual(['MCP server "gone" is set for this group, but your agent has none of that name']);
  });

  it("come from mcp.json, too, where Kiro would take them from there", () => {
    const mcpJson = {
      mcpServers: { mail: { command: "npx" }, web: { url: "https://example.com/mcp", headers: { A: "b" } } },
    };
    expect(names(derive(undefined, { mcpJson }))).toEqual(["mail", "web", "nanoclaw"]);
    expect(names(derive({ ...config, includeMcpJson: true }, { mcpJson }))).toEqual(["mail", "web", "git", "nanoclaw"]);
    expect(derive({ ...config, includeMcpJson: true }, { mcpJson }).file.mcpServers["mail"]).toEqual(mail);
    expect(names(derive(config, { mcpJson }))).toEqual(["git", "mail", "nanoclaw"]);
  });

  it.each<[string, string, unknown]>([
    ["its program is not where Kiro runs", "x", { command: "/Users/ann/bin/mcp" }],
    ["its name would break its tools' names", "my/server", { command: "node" }],
    ["its name has spaces", "my server", { command: "node" }],
    ["its name is endless", "x".repeat(41), { command: "node" }],
    ["it has no command", "x", { args: [] }],
    ["its command is empty", "x", { command: "" }],
    ["its environment has numbers", "x", { command: "node", env: { PORT: 1 } }],
    ["its address is none", "x", { url: "somewhere" }],
    ["it wants a browser", "x", { url: "https://x.example", oauth: { clientId: "1" } }],
    ["it is no object", "x", "node"],
    ["it is nothing", "x", null],
    ["it takes our name", "nanoclaw", { command: "node", args: ["evil.js"] }],
  ])("are left out, with a note, when %s", (_, name, value) => {
    const { file, notes } = derive({ mcpServers: { [name]: value } });
    expect(file.mcpServers).toEqual({ nanoclaw: { ...server, timeout: 120_000 } });
    expect(notes).toEqual([expect.stringContaining("left out")]);
  });

  it("lose keys that Kiro does not know, and those that are switched off go without a word", () => {
    const { file, notes } = derive({
      mcpServers: { a: { command: "node", extra: 1 }, b: { command: "node", disabled: true } },
    });
    expect(file.mcpServers).toMatchObject({ a: { command: "node" } });
    expect(file.mcpServers["a"]).not.toHaveProperty("extra");
    expect(file.mcpServers).not.toHaveProperty("b");
    expect(notes).toEqual(['MCP server "a": its key "extra" is not known and left out']);
  });
});

describe("the person's files", () => {
  const resources = [
    "file://notes.md",
    "file://~/.kiro/steering/style.md",
    "skill:///home/ann/.kiro/skills/**/SKILL.md",
    "file:///home/ann/secret.md",
    "file://../other/x.md",
    "file:///workspace/global/all.md",
    "https://example.com",
    { type: "knowledgeBase" },
  ];

  it("are kept where they are seen, under the name they have there", () => {
    const mounts = [
      { source: "/home/ann/.kiro/steering", target: "/home/node/.kiro/steering" },
      { source: "/home/ann/.kiro/skills", target: "/home/node/.kiro/skills" },
    ];
    const { file, notes } = derive(
      { resources },
      { visible: { all: false, personsHome: "/home/ann", mounts, kiro: "/home/node/.kiro" } },
    );
    expect(file.resources).toEqual([
      "file://notes.md",
      "file:///home/node/.kiro/steering/style.md",
      "skill:///home/node/.kiro/skills/**/SKILL.md",
      "file:///workspace/global/all.md",
      "file://.kiro/steering/**/*.md",
      "file:///home/node/.kiro/steering/**/*.md",
    ]);
    expect(notes).toHaveLength(4);
  });

  it("are left out, each with a note, where nothing of the person's is seen", () => {
    const { file, notes } = derive({ resources });
    expect(file.resources).toEqual([
      "file://notes.md",
      "file:///workspace/global/all.md",
      "file://.kiro/steering/**/*.md",
    ]);
    expect(notes).toHaveLength(6);
  });

  it("are all kept on the person's own machine, also when Kiro gets another home there", () => {
    const visible = { all: true, personsHome: "/home/ann", mounts: [], kiro: "/data/kiro/main/.kiro" };
    expect(derive({ resources: resources.slice(0, 5) }, { visible }).file.resources).toEqual([
      ...resources.slice(0, 5).map((path) => (typeof path === "string" ? path.replace("~", "/home/ann") : path)),
      "file://.kiro/steering/**/*.md",
      "file:///data/kiro/main/.kiro/steering/**/*.md",
    ]);
  });

  it("cannot be named so that they leave the folders that are seen", () => {
    const mounts = [{ source: "/home/ann/.kiro/steering", target: "/home/node/.kiro/steering" }];
    const visible = { all: false, personsHome: "/home/ann", mounts, kiro: "/home/node/.kiro" };
    const sneaky = ["file://~/.kiro/steering/../agents/x.json", "file:///workspace/../etc/passwd", "file://a/../../x"];
    expect(derive({ resources: sneaky }, { visible }).notes).toHaveLength(3);
  });
});
