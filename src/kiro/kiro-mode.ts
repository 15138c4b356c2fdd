/** How a group's turns get their credentials. */
export type KiroMode =
  /** In the turn's input; nothing of the person's home is seen. */
  | { kind: "api-key" }
  /** The person's own login, where it is: for main. */
  | { kind: "owner-login" }
  /** A copy of the login's rows for each run. */
  | { kind: "shared-login"; writeBack: boolean }
  /** The person's whole Kiro home, for every group. */
  | { kind: "shared-home" }
  /** `cure`: what the owner can do, as sentences. */
  | { kind: "none"; why: string; cure: string };

export interface KiroModeFacts {
  /** `KIRO_API_KEY` is set. */
  apiKey: boolean;
  /** `NANOCLAW_KIRO_SHARED_HOME`. */
  sharedHome: boolean;
  runtime: "docker" | "host";
  main: boolean;
  /** The owner lets this group use the login. */
  shareLogin: boolean;
  /** Everybody who can start a turn of the group was named by the owner. */
  sendersTrusted: boolean;
  /** The person is logged in on this machine. */
  loginSeen: boolean;
}

/** A key is the best way, the shared home is asked for by name; for the rest there is the person's login. */
export function kiroMode(facts: KiroModeFacts): KiroMode {
  const { apiKey, sharedHome, runtime, main, shareLogin, sendersTrusted, loginSeen } = facts;
  if (sharedHome && (apiKey || loginSeen)) return { kind: "shared-home" };
  if (apiKey) return { kind: "api-key" };
  if (!loginSeen) return loggedOut;
  if (main) return { kind: "owner-login" };
  if (runtime === "host") return needsContainer;
  return shareLogin ? { kind: "shared-login", writeBack: sendersTrusted } : notShared;
}

const loggedOut: KiroMode = {
  kind: "none",
  why: "Kiro is logged out on this machine",
  cure: "On the machine, run: kiro-cli login. Or set KIRO_API_KEY in .env and restart.",
};

const needsContainer: KiroMode = {
  kind: "none",
  why: "without containers only the main group can use the login",
  cure: "Set KIRO_API_KEY in .env, or NANOCLAW_AGENT_RUNTIME=docker, or NANOCLAW_KIRO_SHARED_HOME=true, and restart.",
};

const notShared: KiroMode = {
  kind: "none",
  why: "the login is not shared with this group",
  cure: "Set KIRO_API_KEY in .env and restart, or run: npm run nanoclaw -- groups set <folder> --share-login.",
};
