import type { AgentSettings } from "@nanoclaw/agent-runner/protocol";
import type { Mount } from "../runtime/runtime.ts";
import type { Work } from "./work.ts";

/** What an agent needs of this machine for one run; disposing it cleans up when the run is gone. */
export interface AgentNeeds extends AsyncDisposable {
  mounts: readonly Mount[];
  /** HOME on a runtime without mounts; null: the person's own. */
  home: string | null;
  /** What it is asked to be. */
  agent: AgentSettings;
  /** For the input; they exist nowhere else inside. */
  secrets: Record<string, string>;
  /** It must not stay between turns, whatever the mode. */
  oneShot: boolean;
  /** Right before the input is written. @throws when the agent could not work. */
  beforeInput(): Promise<void>;
}

export interface AgentSupply {
  /**
   * Before a run is launched; may wait for what another run holds.
   * @throws {LaunchError} when it cannot be had, with the class; or the signal's reason.
   */
  prepare(work: Work, stop: AbortSignal): Promise<AgentNeeds>;
  /** For a run that an earlier host began: what has to be held and cleaned up after it. Never throws. */
  takeUp(work: Work): Promise<AgentNeeds>;
}

/** The offline agent needs nothing. */
export const offlineNeeds = (assistantName: string): AgentNeeds => ({
  agent: { backend: "offline", assistantName },
  mounts: [],
  home: null,
  secrets: {},
  oneShot: false,
  beforeInput: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});
