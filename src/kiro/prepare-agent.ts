import { deriveAgent, type DerivedAgent } from "./agent-file.ts";
import type { KiroMode } from "./kiro-mode.ts";
import type { KiroMount } from "./kiro-mounts.ts";
import { CONTAINER_HOME, linuxPlaces, type KiroPlaces } from "./kiro-places.ts";
import { readPersonsAgent } from "./read-agent.ts";
import { writeAgentFile, type AgentFilePlace } from "./write-agent-file.ts";

export interface AgentOptions {
  /** The person's own. */
  places: KiroPlaces;
  /** `KIRO_AGENT_NAME`. */
  wanted: string | undefined;
  assistantName: string;
  group: { folder: string; main: boolean; mcp: readonly string[] };
  mode: KiroMode;
  runtime: "docker" | "host";
  /** What a container sees besides the group's home (`kiroMounts`). */
  mounts: readonly KiroMount[];
  /** The group's home on the host. */
  groupHome: string;
  /** `groups/<folder>` on the host. */
  groupFolder: string;
  hasCommand(command: string): boolean;
  /** How our MCP server is started where Kiro runs. */
  server: { command: string; args: string[] };
  /** Whose tool calls these will be; a turn has one of its own, so that two never mix. */
  identity: { ipc: string; turn: string; attempt: number; chat: string };
}

/** What the group's agent would be, written nowhere: for doctor. */
export function planAgent(options: AgentOptions): DerivedAgent {
  const { places, wanted, assistantName, group, hasCommand, server, identity } = options;
  const { agent, notes } = readPersonsAgent(places, wanted);
  const derived = deriveAgent({
    ...{ person: agent, assistantName, hasCommand },
    ...group,
    visible: visibleFor(options),
    server: { ...server, env: identityEnvironment(identity) },
  });
  return { ...derived, notes: [...notes, ...derived.notes] };
}

/**
 * Writes the agent's file for one turn, right before its input.
 * @returns the name that Kiro is to be asked for, and what was left out.
 * @throws when a folder on the way is none.
 */
export function prepareAgent(options: AgentOptions): { name: string; notes: string[] } {
  const { file, notes } = planAgent(options);
  writeAgentFile(agentPlace(options), file);
  return { name: file.name, notes };
}

/** The person's own `~/.kiro/agents` is never written: where Kiro gets their home, the working folder has the file. */
function agentPlace({ mode, runtime, groupHome, groupFolder }: AgentOptions): AgentFilePlace {
  return runtime === "host" && seesPersonsHome(mode)
    ? { base: groupFolder, exclusive: false }
    : { base: groupHome, exclusive: true };
}

function visibleFor({ places, mode, runtime, mounts, groupHome }: AgentOptions) {
  const all = runtime === "host";
  const home = all ? (seesPersonsHome(mode) ? places : linuxPlaces(groupHome)) : linuxPlaces(CONTAINER_HOME);
  return { all, personsHome: places.home, mounts, kiro: home.kiro };
}

const seesPersonsHome = (mode: KiroMode): boolean => mode.kind === "owner-login" || mode.kind === "shared-home";

const identityEnvironment = ({ ipc, turn, attempt, chat }: AgentOptions["identity"]): Record<string, string> => ({
  NANOCLAW_IPC_DIR: ipc,
  NANOCLAW_TURN: turn,
  NANOCLAW_ATTEMPT: String(attempt),
  NANOCLAW_CHAT_JID: chat,
});

/** Programs of the plain image, by name or by path. */
const IMAGE_PROGRAMS =
  /^(?:(?:\/usr\/local\/bin|\/usr\/bin|\/bin)\/)?(?:node|npx|npm|corepack|sh|bash|env|perl|kiro-cli)$/;

/** Whether the image as we build it has a program; an owner's own image may have more. */
export const plainImageHas = (command: string): boolean => IMAGE_PROGRAMS.test(command);
