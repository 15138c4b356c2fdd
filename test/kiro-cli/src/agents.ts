import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { hasBug, kiroHome, kiroSetting, leave, type Cli, type Engine } from "./cli.ts";
import { asObject, asStrings, asText, parseObject, type Json } from "./json.ts";

export interface Agent {
  name: string;
  config: Json;
  prompt: string;
  servers: Json;
  /** Names of the files it was told by: `!!system!!` shows them. */
  steering: string[];
  skills: string[];
  resources: string[];
}

/** docs/kiro-facts.md 7: an unknown key loses the whole file. */
const KEYS = new Set(
  (
    "$schema name description prompt mcpServers tools toolAliases allowedTools toolsSettings resources hooks " +
    "includeMcpJson useLegacyMcpJson model keyboardShortcut welcomeMessage"
  ).split(" "),
);
const DEFAULT_NAME = "kiro_default";

interface AgentFile {
  name: string;
  path: string;
  config: Json;
  problem?: string;
}

export function readAgentFile(path: string): AgentFile {
  const config = parseObject(readFileSync(path, "utf8"));
  const name = asText(config?.["name"]) || basename(path, ".json");
  if (config === undefined) return { name, path, config: {}, problem: `Json supplied at ${path} is invalid` };
  const problem = problemIn(config, path);
  return problem === undefined ? { name, path, config } : { name, path, config, problem };
}

function problemIn(config: Json, path: string): string | undefined {
  const unknown = Object.keys(config).find((key) => !KEYS.has(key));
  if (unknown !== undefined) return `Agent config ${path} is malformed: unknown field \`${unknown}\``;
  const bad = Object.entries(asObject(config["mcpServers"])).find(([, server]) => {
    const { command, url } = asObject(server);
    return typeof command !== "string" && typeof url !== "string";
  });
  return bad && `Agent config ${path} is malformed at /mcpServers/${bad[0]}: missing field \`command\``;
}

/** The workspace's first. */
export function agentFiles(cli: Cli): AgentFile[] {
  return [join(cli.cwd, ".kiro"), kiroHome(cli)].flatMap((root) => {
    const folder = join(root, "agents");
    const names = existsSync(folder) ? readdirSync(folder).sort() : [];
    return names.filter((name) => name.endsWith(".json")).map((name) => readAgentFile(join(folder, name)));
  });
}

export function findAgent(cli: Cli, engine: Engine, asked: string | undefined, resumed: boolean): Agent {
  const files = agentFiles(cli);
  const good = files.filter(({ problem }) => problem === undefined);
  for (const { problem } of files) if (problem !== undefined) cli.err(`WARNING: ${problem}\n`);
  for (const name of new Set(good.map(({ name }) => name))) {
    const twice = good.filter((file) => file.name === name).length > 1;
    if (twice) cli.err(`WARNING: Agent conflict for ${name}. Using workspace version.\n`);
  }
  const wanted = asked ?? (asText(kiroSetting(cli, "chat.defaultAgent")) || DEFAULT_NAME);
  const found = good.find(({ name }) => name === wanted);
  if (found !== undefined) return upToDate(cli, engine, agentOf(cli, found));
  if (wanted !== DEFAULT_NAME) missing(cli, engine, wanted, { asked: asked !== undefined, resumed, files });
  return agentOf(cli, { name: DEFAULT_NAME, path: "", config: { tools: ["*"], includeMcpJson: true } });
}

function upToDate(cli: Cli, engine: Engine, agent: Agent): Agent {
  if (engine === "v3" && hasBug(cli, engine, "agent-needs-upgrade")) {
    leave(cli, 1, `agent ${agent.name} needs upgrading for this agent engine`); // #11005
  }
  return agent;
}

/** docs/kiro-facts.md 4: 4 for one that is not there, 1 for one that cannot be used; before 2.27.1 the default agent runs. */
function missing(
  cli: Cli,
  engine: Engine,
  name: string,
  { asked, resumed, files }: { asked: boolean; resumed: boolean; files: AgentFile[] },
): void {
  const checked = asked || (engine === "v3" && !resumed);
  if (checked && !hasBug(cli, engine, "unknown-agent-silent")) {
    const spoilt = files.find((file) => file.name === name);
    if (spoilt) leave(cli, 1, `agent "${name}" could not be loaded: ${spoilt.problem}`);
    leave(cli, 4, `agent "${name}" not found`);
  }
  if (engine === "v1") cli.err(`Error: no agent with name ${name} found. Falling back to user specified default\n`);
  else cli.err(`[warn] agent "${name}" not found, using "${DEFAULT_NAME}"\n`);
}

function agentOf(cli: Cli, { name, path, config }: AgentFile): Agent {
  const inherits =
    name === DEFAULT_NAME ||
    (cli.since("2.7.0") && kiroSetting(cli, "chat.disableInheritingDefaultResources") !== true);
  const { steering, skills } = inherits ? inherited(cli) : { steering: [], skills: [] };
  const listed = asStrings(config["resources"]).flatMap((each) => filesOf(cli, each));
  return {
    ...{ name, config, prompt: promptOf(cli, asText(config["prompt"]), path), servers: serversOf(cli, config) },
    ...{ steering, skills, resources: listed },
  };
}

function promptOf(cli: Cli, prompt: string, path: string): string {
  if (!prompt.startsWith("file://")) return prompt;
  const file = resolve(dirname(path), prompt.slice("file://".length));
  if (!existsSync(file)) leave(cli, 1, `Failed to read the agent's prompt: ${file}`);
  return readFileSync(file, "utf8");
}

function serversOf(cli: Cli, config: Json): Json {
  const own = asObject(config["mcpServers"]);
  if (config["includeMcpJson"] !== true) return own;
  const files = [kiroHome(cli), join(cli.cwd, ".kiro")].map((root) => join(root, "settings", "mcp.json"));
  const read = (file: string) => asObject((parseObject(readFileSync(file, "utf8")) ?? {})["mcpServers"]);
  return Object.assign({}, ...files.filter((file) => existsSync(file)).map(read), own) as Json;
}

/** `file://` and `skill://`, globs among them, from the working directory. */
function filesOf(cli: Cli, resource: string): string[] {
  const pattern = resource.replace(/^(file|skill):\/\//, "").replace(/^~(?=\/)/, cli.home);
  return globSync(pattern, { cwd: cli.cwd }).map((file) => resolve(cli.cwd, file));
}

function inherited(cli: Cli): { steering: string[]; skills: string[] } {
  const roots = [join(cli.cwd, ".kiro"), kiroHome(cli)];
  const steering = roots.flatMap((root) => globSync("steering/*.md", { cwd: root }).map((file) => join(root, file)));
  const always = steering.filter((file) => {
    const inclusion = /^---\n[\s\S]*?^inclusion:\s*(\w+)[\s\S]*?^---$/m.exec(readFileSync(file, "utf8"))?.[1];
    return inclusion === undefined || inclusion === "always";
  });
  const own = ["AGENTS.md"].map((name) => join(cli.cwd, name)).filter((file) => existsSync(file));
  const skills = roots.flatMap((root) => globSync("skills/*/SKILL.md", { cwd: root }));
  return { steering: [...always, ...own], skills: skills.map((file) => basename(dirname(file))) };
}

export interface Tool {
  server?: string;
  name: string;
}

const BUILT_IN = [
  ["read", "fs_read"],
  ["write", "fs_write"],
  ["shell", "execute_bash"],
];

/** `*` stands for all among `tools`, for nothing among `allowedTools`. */
export function matches(patterns: readonly string[], tool: Tool, star: boolean): boolean {
  const names = tool.server === undefined ? (BUILT_IN.find((same) => same.includes(tool.name)) ?? [tool.name]) : [];
  const whole = tool.server === undefined ? ["@builtin"] : [`@${tool.server}`, `@${tool.server}/${tool.name}`];
  return patterns.some((pattern) => {
    if (pattern === "*") return star;
    const source = pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    return [...names, ...whole].some((name) => new RegExp(`^${source}$`).test(name));
  });
}

export function toolsOf(cli: Cli, agent: Agent): string[] {
  if (agent.config["tools"] === undefined) return cli.since("2.14.0") ? [] : ["*"]; // #10426
  return asStrings(agent.config["tools"]);
}
