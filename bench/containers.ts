import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../src/clock.ts";
import { loadConfig, type Config } from "../src/config.ts";
import { containerProblem, lookAtContainers } from "../src/containers.ts";
import { MAIN, type TurnId } from "../src/domain/ids.ts";
import { homePaths, installId } from "../src/home.ts";
import { mountsOf } from "../src/runtime/docker/mounts.ts";
import { networkName } from "../src/runtime/docker/network.ts";
import { INSTALL_LABEL, runArguments } from "../src/runtime/docker/run-arguments.ts";
import type { LaunchSpec } from "../src/runtime/runtime.ts";

/** Why nothing can be measured in containers, or undefined. */
export async function containersMissing(config: Config): Promise<string | undefined> {
  const state = await lookAtContainers(config.settings, process.env, systemClock);
  const problem = containerProblem(state, config.settings);
  return problem && `${problem.detail} (${problem.cure})`;
}

/** What the client needs to find its engine, and a host to use it. */
export function containerEnv(): Record<string, string> {
  const names = ["DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR", "NANOCLAW_DOCKER", "NANOCLAW_AGENT_IMAGE"];
  const given = names.flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : []));
  return { ...Object.fromEntries(given), NANOCLAW_AGENT_RUNTIME: "docker" };
}

export interface Bare {
  /** `docker run --rm … true` as a turn is run: same flags, mounts and network; until it is gone. */
  run(): Promise<void>;
}

/** @param home of a host that has answered once: its network and mounts are there. */
export function bareRuns(home: string): Bare {
  const config = loadConfig({ env: { ...containerEnv(), NANOCLAW_HOME: home }, defaultHome: home });
  const { settings } = config;
  const install = installId(homePaths(home));
  const facts = { install, image: settings.NANOCLAW_AGENT_IMAGE, user: userOf(home), network: networkName(install) };
  return {
    run: async () => {
      const spec = specOf(config, `bare${randomUUID().slice(0, 8)}` as TurnId);
      const args = runArguments(spec, facts, mountsOf(spec));
      const child = spawn(settings.NANOCLAW_DOCKER, [...args.slice(0, -1), "--entrypoint=true", ...args.slice(-1)], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const [code] = (await once(child, "exit")) as [number];
      if (code !== 0) throw new Error(`the bare container ended with ${code}`);
    },
  };
}

function specOf({ home, settings }: Config, turn: TurnId): LaunchSpec {
  return {
    ...{ turn, attempt: 1, folder: MAIN, zone: "UTC", oneShot: true, mounts: [], agentHome: null },
    paths: homePaths(home).group(MAIN),
    limits: {
      memory: settings.CONTAINER_MEMORY,
      cpus: settings.CONTAINER_CPUS,
      pids: settings.CONTAINER_PIDS,
      shm: settings.CONTAINER_SHM_SIZE,
      fileSize: settings.CONTAINER_FILE_SIZE,
      network: "bridge",
    },
  };
}

/** As the host decided at its first start. */
function userOf(home: string): string {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  if (uid !== 0) return `${uid}:${gid}`;
  using database = new Ledger(home);
  const [row] = database.rows("SELECT value FROM settings WHERE key = 'container-uid'");
  return row ? `${String(row["value"])}:${String(row["value"])}` : `${uid}:${gid}`;
}

export class Ledger implements Disposable {
  #database: DatabaseSync;
  constructor(home: string) {
    this.#database = new DatabaseSync(homePaths(home).database, { readOnly: true });
  }
  rows(sql: string): Record<string, unknown>[] {
    return this.#database.prepare(sql).all();
  }
  [Symbol.dispose](): void {
    this.#database.close();
  }
}

export interface Departures extends AsyncDisposable {
  /** Resolves when the next container of this home is gone; ask before it goes. */
  next(): Promise<void>;
}

/** The engine's own word on what is gone. */
export async function watchDepartures(home: string): Promise<Departures> {
  const program = process.env["NANOCLAW_DOCKER"] ?? "docker";
  const label = `label=${INSTALL_LABEL}=${installId(homePaths(home))}`;
  const child = spawn(program, ["events", "--filter", label, "--filter", "event=destroy", "--format", "{{.ID}}"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  await delay(500); // the client says nothing when it has begun to listen
  return {
    next: async () => void (await once(lines, "line")),
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      child.kill();
      await exited;
    },
  };
}
