import { readFileSync } from "node:fs";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { lookAtContainers, type ContainerState } from "../containers.ts";
import type { LedgerStatus } from "../control/status.ts";
import { homePaths } from "../home.ts";
import type { ChannelState } from "../main.ts";
import type { ServiceStatus } from "../service/service.ts";
import { versionsHere, type Versions } from "../versions.ts";
import { ask, connect } from "./connection.ts";
import { openService } from "./open-service.ts";
import type { Terminal } from "./terminal.ts";

export interface HostFacts extends LedgerStatus {
  running: boolean;
  pid: number;
  startedAt: number;
  runtime: string;
  agent: string;
  channels: ChannelState[];
  /** Of the host as it runs; of this command when none runs. */
  versions: Versions;
}

export type ServiceFacts = Omit<ServiceStatus, "kind"> & { kind: ServiceStatus["kind"] | "unknown" };

export interface StatusFacts extends HostFacts {
  /** Chats that were registered for another WhatsApp account; nothing is answered there. */
  heldChats: { jid: string; folder: string; account: string | null }[];
  service: ServiceFacts;
  /** Of the program on the disk, which the next start runs. */
  installed: Versions;
  /** Null: turns need none. */
  image: { name: string; state: ContainerState["kind"] | "unknown" } | null;
  /** Null: not known; in containers it is the image's. */
  kiroCli: string | null;
}

/** How long a part that is not ours may take to say how it is. */
const ANSWER_MS = 5_000;

/**
 * Everything that is known of the host of this home, whether it runs or not.
 * @throws {HostSilentError | HomeInUseError} when it cannot be known.
 */
export async function lookAtHost(terminal: Terminal): Promise<StatusFacts> {
  const config = terminal.config();
  const host = await askHost(config);
  const held = host.groups.flatMap(({ folder, chats }) => chats.map((chat) => ({ ...chat, folder })));
  return {
    ...host,
    heldChats: held.filter((chat) => chat.held).map(({ jid, folder, account }) => ({ jid, folder, account })),
    service: await lookAtService(terminal),
    installed: versionsHere(),
    image: await imageOf(config, terminal.env),
    kiroCli: kiroVersion(homePaths(config.home).kiroProbe),
  };
}

async function askHost(config: Config): Promise<HostFacts> {
  using connection = await connect(config, ANSWER_MS);
  return await ask<HostFacts>(connection, "GET", "/control/status");
}

async function lookAtService(terminal: Terminal): Promise<ServiceFacts> {
  const unknown = (detail: string): ServiceFacts => ({ kind: "unknown", pid: null, detail, stale: false });
  try {
    const service = openService(terminal);
    return await within(service.status(), unknown("its manager does not answer"));
  } catch (error) {
    return unknown((error as Error).message);
  }
}

async function imageOf({ settings }: Config, env: NodeJS.ProcessEnv): Promise<StatusFacts["image"]> {
  if (settings.NANOCLAW_AGENT_RUNTIME === "host") return null;
  const state = await within(lookAtContainers(settings, env, systemClock), { kind: "unknown" as const });
  return { name: settings.NANOCLAW_AGENT_IMAGE, state: state.kind };
}

async function within<T, U>(work: Promise<T>, otherwise: U): Promise<T | U> {
  const over = new AbortController();
  const late = systemClock.sleep(ANSWER_MS, over.signal).then(() => otherwise);
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

/** As a runner without a container noted it. */
function kiroVersion(path: string): string | null {
  try {
    const { version } = JSON.parse(readFileSync(path, "utf8")) as { version?: unknown };
    return typeof version === "string" ? version : null;
  } catch {
    return null; // nobody asked it yet
  }
}
