import type { Config } from "./config.ts";
import { chooseAgent, type AgentName } from "./domain/agent-choice.ts";
import { isLocal } from "./domain/ids.ts";
import type { PersonsKiro } from "./kiro-supply.ts";
import { loginState } from "./kiro/login-state.ts";
import type { Store } from "./store/store.ts";
import type { Turn } from "./store/turns.ts";

export interface Agents {
  /** A key is set, or the person was once seen to be logged in. */
  readonly kiroReady: boolean;
  /** What answers the local chat. */
  readonly local: AgentName;
  of(turn: Turn): AgentName | "none";
}

/** Which agent answers whom, as far as it is decided at a start. */
export function createAgents({ settings }: Config, person: PersonsKiro, store: Store): Agents {
  const kiroReady = settings.KIRO_API_KEY !== undefined || wasLoggedIn(person, store);
  const configured = settings.NANOCLAW_AGENT;
  const local = chooseAgent({ group: undefined, configured, kiroReady, localChat: true });
  return {
    kiroReady,
    local: local === "none" ? "offline" : local,
    of: (turn) => {
      const group = store.groups.find(turn.folder)?.settings.agent;
      return chooseAgent({ group, configured, kiroReady, localChat: isLocal(turn.chat) });
    },
  };
}

/** Somebody who was logged in once means Kiro, and not the offline agent, also while logged out. */
function wasLoggedIn({ files }: PersonsKiro, store: Store): boolean {
  if (loginState(files.readLogin).kind === "logged-in") store.settings.set("kiro-login-seen", "true");
  return store.settings.get("kiro-login-seen") === "true";
}
