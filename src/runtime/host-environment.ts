import type { LaunchSpec } from "./runtime.ts";

/** What the runner sees of the host's environment: what programs need to run, nothing of ours. */
const passedOn = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TMPDIR",
  "XDG_DATA_HOME",
  "XDG_RUNTIME_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
] as const;

/** Pinned by a test: what an agent can see of the host is decided here. */
export function hostEnvironment(env: NodeJS.ProcessEnv, spec: LaunchSpec): Record<string, string> {
  const kept = passedOn.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return {
    ...Object.fromEntries(kept),
    TZ: spec.zone,
    NANOCLAW_REAL_HOME: spec.agentHome ?? env["HOME"] ?? "",
    NANOCLAW_GROUP_DIR: spec.paths.group,
    NANOCLAW_IPC_DIR: spec.paths.ipc,
    NANOCLAW_GLOBAL_DIR: spec.paths.global,
    NANOCLAW_EXTRA_DIR: spec.paths.extra,
    NANOCLAW_AGENT_ONE_SHOT: String(spec.oneShot),
  };
}
