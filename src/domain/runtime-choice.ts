import type { AgentName } from "./agent-choice.ts";

export interface RuntimeFacts {
  /** `NANOCLAW_AGENT_RUNTIME`. */
  configured: "docker" | "host" | undefined;
  agent: AgentName;
  /** At start the engine answered and its image was of our version. */
  engineReady: boolean;
}

/**
 * Where an agent's turns run. Containers, unless somebody said otherwise; the offline agent runs no
 * commands, so with nothing said it does not wait for an engine that is not there.
 */
export function chooseRuntime({ configured, agent, engineReady }: RuntimeFacts): "docker" | "host" {
  if (configured !== undefined) return configured;
  return agent === "offline" && !engineReady ? "host" : "docker";
}
