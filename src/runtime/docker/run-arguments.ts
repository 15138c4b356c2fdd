import type { LaunchSpec, Mount } from "../runtime.ts";

export interface ContainerFacts {
  /** Value of the install label: this home on this machine. */
  install: string;
  image: string;
  /** `uid:gid` inside. */
  user: string;
  /** Name of the installation's own bridge; a group with network `none` gets none. */
  network: string;
}

export const INSTALL_LABEL = "com.nanoclaw.install";
export const GROUP_LABEL = "com.nanoclaw.group";
export const TURN_LABEL = "com.nanoclaw.turn";

/** Bytes of the writable `/tmp`. */
const TMP_BYTES = 256 * 1024 * 1024;

/** Without the attempt: the name is the turn's lock. At most 63 characters by the length of its parts. */
export const containerName = ({ folder, turn }: Pick<LaunchSpec, "folder" | "turn">): string =>
  `nanoclaw-${folder}-${turn}`;

/** The whole `docker run`, pinned by a test with a literal copy. */
export function runArguments(spec: LaunchSpec, facts: ContainerFacts, mounts: readonly Mount[]): string[] {
  const { limits } = spec;
  return [
    "run",
    "--rm",
    "--interactive",
    // Ctrl-C and a service manager's stop reach the client's terminal group; the turn is not theirs to end.
    "--sig-proxy=false",
    "--pull=never",
    `--name=${containerName(spec)}`,
    `--label=${INSTALL_LABEL}=${facts.install}`,
    `--label=${GROUP_LABEL}=${spec.folder}`,
    `--label=${TURN_LABEL}=${spec.turn}`,
    `--user=${facts.user}`,
    "--init",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--read-only",
    `--tmpfs=/tmp:rw,nosuid,nodev,size=${TMP_BYTES}`,
    // The engine's own log would keep a copy of people's words, without limit.
    "--log-driver=none",
    `--memory=${limits.memory}`,
    `--memory-swap=${limits.memory}`,
    `--cpus=${limits.cpus}`,
    `--pids-limit=${limits.pids}`,
    `--shm-size=${limits.shm}`,
    `--ulimit=fsize=${limits.fileSize}`,
    `--network=${limits.network === "none" ? "none" : facts.network}`,
    "--workdir=/workspace/group",
    ...Object.entries(containerEnvironment(spec)).map(([name, value]) => `--env=${name}=${value}`),
    ...mounts.map((mount) => `--mount=${mountOption(mount)}`),
    facts.image,
  ];
}

/** Names and values as the seed has them; secrets come in the input only. */
function containerEnvironment(spec: LaunchSpec): Record<string, string> {
  return {
    HOME: "/home/node",
    NANOCLAW_REAL_HOME: "/home/node",
    NANOCLAW_GROUP_DIR: "/workspace/group",
    NANOCLAW_IPC_DIR: "/workspace/ipc",
    NANOCLAW_GLOBAL_DIR: "/workspace/global",
    NANOCLAW_EXTRA_DIR: "/workspace/extra",
    NANOCLAW_AGENT_ONE_SHOT: String(spec.oneShot),
    NANOCLAW_IN_DOCKER: "1",
    TZ: spec.zone,
  };
}

/** The option is a line of CSV: a comma or quote in a path needs quoting. */
function mountOption({ source, target, readonly }: Mount): string {
  const fields = ["type=bind", `source=${source}`, `target=${target}`, ...(readonly ? ["readonly"] : [])];
  return fields.map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",");
}
