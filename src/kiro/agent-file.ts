import { z } from "zod";
import { placeResources, type Visible } from "./agent-resources.ts";
import { chooseServers, OUR_SERVER, type McpServer, type OfferedServers } from "./agent-servers.ts";

/** What Kiro reads. It is strict: one key too many, and it runs its default agent instead. */
export interface AgentFile {
  name: string;
  description: string;
  prompt: string;
  mcpServers: Record<string, McpServer>;
  tools: string[];
  allowedTools: string[];
  toolAliases: Record<string, string>;
  toolsSettings: Record<string, unknown>;
  resources: string[];
  includeMcpJson: false;
  model?: string;
}

/** The person's own agent, as it was read: nothing of it is believed yet. */
export interface PersonsAgent {
  name: string;
  /** Content of the agent file; undefined when there is none. */
  config: unknown;
  /** The text behind a prompt that names a file. */
  promptFile: string | undefined;
  /** Content of `settings/mcp.json`. */
  mcpJson: unknown;
}

export interface DeriveFacts {
  person: PersonsAgent;
  assistantName: string;
  folder: string;
  main: boolean;
  /** The person's servers that the group's settings name. */
  mcp: readonly string[];
  /** Whether a program is there where Kiro will run. */
  hasCommand(command: string): boolean;
  visible: Visible;
  /** Our own MCP server, with the turn's identity. */
  server: { command: string; args: string[]; env: Record<string, string> };
}

export interface DerivedAgent {
  file: AgentFile;
  /** What of the person's agent is left out, and why; for log and doctor. */
  notes: string[];
}

const strings = z.array(z.string());
const keys = {
  description: z.string(),
  prompt: z.string(),
  model: z.string().min(1).nullable(),
  tools: strings,
  allowedTools: strings,
  toolAliases: z.record(z.string(), z.string()),
  toolsSettings: z.record(z.string(), z.unknown()),
  resources: z.array(z.unknown()),
  mcpServers: z.record(z.string(), z.unknown()),
  includeMcpJson: z.boolean(),
} as const;
/** They matter to people at a terminal, or not to us. */
const WITHOUT_USE = ["$schema", "name", "keyboardShortcut", "welcomeMessage"];
/** A tool call waits up to a minute for the host. */
const SERVER_TIMEOUT_MS = 120_000;

type Known = { [Key in keyof typeof keys]?: z.infer<(typeof keys)[Key]> };

/** The person's agent as this group may have it, with our tools. */
export function deriveAgent(facts: DeriveFacts): DerivedAgent {
  const notes: string[] = [];
  const known = readKnown(facts.person.config, notes);
  const { servers, missing } = chooseServers(offeredServers(facts, known), facts, notes);
  const isThere = (tool: string) => !missing.includes(/^@([^/]+)/.exec(tool)?.[1] ?? "");
  const ours = { ...facts.server, timeout: SERVER_TIMEOUT_MS };
  const file: AgentFile = {
    name: facts.person.name,
    description: `Written by NanoClaw for ${facts.folder} before each turn; changes here are lost.`,
    prompt: promptOf(facts, known),
    mcpServers: { ...servers, [OUR_SERVER]: ours },
    // Since 2.14 no `tools` means none at all; before, and in people's minds, it means all.
    tools: withOurs((known.tools ?? ["*"]).filter(isThere)),
    // There "*" would lose the whole file; every tool is trusted on the command line anyway.
    allowedTools: withOurs((known.allowedTools ?? []).filter((tool) => tool !== "*" && isThere(tool))),
    toolAliases: Object.fromEntries(Object.entries(known.toolAliases ?? {}).filter(([tool]) => isThere(tool))),
    toolsSettings: known.toolsSettings ?? {},
    resources: placeResources(known.resources ?? [], facts.visible, notes),
    includeMcpJson: false,
    ...(typeof known.model === "string" && { model: known.model }),
  };
  return { file, notes };
}

const withOurs = (tools: string[]): string[] => [...new Set([...tools, `@${OUR_SERVER}`])];

/** Key by key: what one of them has wrong costs only that one. */
function readKnown(config: unknown, notes: string[]): Known {
  if (config === undefined) return {};
  const whole = z.record(z.string(), z.unknown()).safeParse(config);
  if (!whole.success) {
    notes.push("the agent file is no JSON object and is left out");
    return {};
  }
  const known = Object.entries(whole.data).flatMap(([key, value]) => {
    if (WITHOUT_USE.includes(key)) return [];
    if (key === "hooks")
      return isEmpty(value) ? [] : note(notes, "hooks are left out: they run commands of your machine");
    const schema = Object.hasOwn(keys, key) ? keys[key as keyof typeof keys] : undefined;
    if (!schema) return note(notes, `the key ${show(key)} is not known and left out`);
    const parsed = schema.safeParse(value);
    return parsed.success
      ? [[key, parsed.data] as const]
      : note(notes, `${key} has another form than Kiro's and is left out`);
  });
  return Object.fromEntries(known);
}

/** The servers of `mcp.json` belong to an agent that includes them, and to the one Kiro has without a file. */
function offeredServers({ person }: DeriveFacts, known: Known): OfferedServers {
  const includes = person.config === undefined || known.includeMcpJson === true;
  const global = z.object({ mcpServers: keys.mcpServers }).safeParse(includes ? person.mcpJson : undefined).data;
  return { ...global?.mcpServers, ...known.mcpServers };
}

function promptOf({ person, assistantName }: DeriveFacts, { prompt }: Known): string {
  const own = prompt?.startsWith("file://") ? person.promptFile : prompt;
  if (own !== undefined && own.trim() !== "") return own;
  return `You are ${assistantName}, a personal assistant that people talk to in a chat. The steering file nanoclaw.md tells how this place works.`;
}

export function note(notes: string[], text: string): never[] {
  notes.push(text);
  return [];
}

export const show = (text: string): string => JSON.stringify(text.slice(0, 80));

const isEmpty = (value: unknown): boolean =>
  value === null || (typeof value === "object" && Object.keys(value).length === 0);
