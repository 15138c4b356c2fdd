import type { Config } from "./config.ts";
import type { TurnSettings } from "./turns/turn-work.ts";

/** What a run gets to end by itself once it is asked to. */
const LONGEST_GRACE_MS = 5_000;

/** What turns need to know of the host's settings. */
export function turnSettings({ settings, zone }: Config, kiroReady: boolean): TurnSettings {
  return {
    agent: settings.NANOCLAW_AGENT,
    kiroReady,
    zone,
    oneShot: settings.NANOCLAW_AGENT_ONE_SHOT,
    promptBudget: settings.NANOCLAW_PROMPT_BUDGET,
    timeout: settings.CONTAINER_TIMEOUT,
    silenceTimeout: settings.NANOCLAW_SILENCE_TIMEOUT,
    outputBytes: settings.CONTAINER_MAX_OUTPUT_SIZE,
    grace: Math.min(LONGEST_GRACE_MS, settings.NANOCLAW_STOP_BUDGET / 3),
    resources: {
      memory: settings.CONTAINER_MEMORY,
      cpus: settings.CONTAINER_CPUS,
      pids: settings.CONTAINER_PIDS,
      shm: settings.CONTAINER_SHM_SIZE,
      fileSize: settings.CONTAINER_FILE_SIZE,
      network: "bridge",
    },
  };
}
