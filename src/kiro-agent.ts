import { existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { MAIN } from "./domain/ids.ts";
import { deriveAgent, type DerivedAgent, type PersonsAgent } from "./kiro/agent-file.ts";
import { CONTAINER_HOME, linuxPlaces, type KiroPlaces } from "./kiro/kiro-places.ts";
import type { Owner } from "./kiro/shared-login-files.ts";
import { writeSteering } from "./kiro/steering.ts";
import { writeAgentFile, writeKiroSettings, type AgentFilePlace } from "./kiro/write-agent-file.ts";
import type { GroupPaths, Mount } from "./runtime/runtime.ts";
import type { Work } from "./turns/work.ts";

/** Where one turn's Kiro runs, and what it finds there. */
export interface AgentPlace {
  runtime: "docker" | "host";
  paths: GroupPaths;
  /** HOME of kiro-cli on the host runtime. */
  home: string;
  mounts: readonly Mount[];
  persons: KiroPlaces;
  /** Whom files are given to, where the host may do that. */
  owner: Owner | null;
  /** Programs in the image: names and full paths. */
  programs: ReadonlySet<string>;
  env: NodeJS.ProcessEnv;
  /** On this machine: our MCP server then starts in half the time. */
  compileCache: string;
}

const MCP_SERVER = fileURLToPath(new URL("../container/agent-runner/src/mcp/main.ts", import.meta.url));
const MCP_SERVER_INSIDE = "/app/mcp/main.mjs";

/** Right before each turn: the group's agent with this turn's identity, and our notes for it. */
export function writeAgent(work: Work, place: AgentPlace, person: PersonsAgent, assistantName: string): string[] {
  const { file, notes } = derived(work, place, person, assistantName);
  const target = agentFilePlace(place);
  writeAgentFile(target, file);
  writeKiroSettings(target);
  writeSteering({ group: place.paths.group, main: work.group.folder === MAIN, owner: place.owner });
  return notes;
}

function derived(work: Work, place: AgentPlace, person: PersonsAgent, assistantName: string): DerivedAgent {
  const isInside = place.runtime === "docker";
  const home = isInside ? CONTAINER_HOME : place.home;
  return deriveAgent({
    ...{
      person: { ...person, name: agentName(place, person) },
      assistantName,
      folder: work.group.folder,
      main: work.group.folder === MAIN,
    },
    mcp: work.group.settings.mcp ?? [],
    hasCommand: (command) => (isInside ? place.programs.has(command) : isHere(command, place.env)),
    visible: {
      all: !isInside,
      personsHome: place.persons.home,
      mounts: place.mounts,
      kiro: linuxPlaces(home).kiro,
    },
    server: {
      command: isInside ? "node" : process.execPath,
      args: [isInside ? MCP_SERVER_INSIDE : MCP_SERVER],
      env: {
        NANOCLAW_IPC_DIR: isInside ? "/workspace/ipc" : place.paths.ipc,
        NANOCLAW_GROUP_DIR: isInside ? "/workspace/group" : place.paths.group,
        NANOCLAW_GLOBAL_DIR: isInside ? "/workspace/global" : place.paths.global,
        NANOCLAW_EXTRA_DIR: isInside ? "/workspace/extra" : place.paths.extra,
        NANOCLAW_TURN: work.turn.id,
        NANOCLAW_ATTEMPT: String(work.attempt.n),
        NANOCLAW_CHAT_JID: work.chat.jid,
        NANOCLAW_IS_MAIN: String(work.group.folder === MAIN),
        ...(!isInside && { NODE_COMPILE_CACHE: place.compileCache }),
      },
    },
  });
}

const isInPersonsHome = ({ runtime, home, persons }: AgentPlace): boolean =>
  runtime === "host" && home === persons.home;

/** Beside the person's own agent of that name Kiro would warn of a conflict, and which one won would be unclear. */
export const agentName = (place: AgentPlace, { name }: PersonsAgent): string =>
  isInPersonsHome(place) ? `nanoclaw-${name}` : name;

/** In the person's own home nothing is written: the working folder's agents come first there. */
function agentFilePlace(place: AgentPlace): AgentFilePlace {
  if (isInPersonsHome(place)) return { base: place.paths.group, exclusive: false };
  return { base: place.paths.home, exclusive: true };
}

const isHere = (command: string, { PATH = "" }: NodeJS.ProcessEnv): boolean =>
  isAbsolute(command)
    ? existsSync(command)
    : PATH.split(delimiter).some((folder) => folder !== "" && existsSync(join(folder, command)));
