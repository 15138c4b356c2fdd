export type AgentName = "kiro" | "offline";

export interface AgentFacts {
  /** The group's own setting. */
  group: AgentName | undefined;
  /** `NANOCLAW_AGENT`. */
  configured: AgentName | undefined;
  /** An API key is set, or a login was seen. */
  kiroReady: boolean;
  localChat: boolean;
}

/**
 * Which agent answers a chat. With nothing set the offline agent answers local chats only: a
 * person on WhatsApp must not mistake it for their assistant.
 */
export function chooseAgent({ group, configured, kiroReady, localChat }: AgentFacts): AgentName | "none" {
  const named = group ?? configured ?? (kiroReady ? "kiro" : undefined);
  return named ?? (localChat ? "offline" : "none");
}
