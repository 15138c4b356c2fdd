import { lstatSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Config } from "./config.ts";
import { lookAtContainers, type ContainerState } from "./containers.ts";
import type { AgentName } from "./domain/agent-choice.ts";
import type { Clock } from "./domain/clock.ts";
import type { Folder } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import { chooseRuntime } from "./domain/runtime-choice.ts";
import { installId, type Home } from "./home.ts";
import { createDockerRuntime } from "./runtime/docker/docker.ts";
import { createEngine } from "./runtime/docker/engine.ts";
import { imagePrograms } from "./runtime/docker/image.ts";
import { containerUser, type User } from "./runtime/docker/user.ts";
import { createHostRuntime } from "./runtime/host.ts";
import { createResidentRuntime, type ResidentRuntime } from "./runtime/resident.ts";
import type { Runtime } from "./runtime/runtime.ts";
import type { Store } from "./store/store.ts";

export interface RuntimesOptions {
  config: Config;
  env: NodeJS.ProcessEnv;
  clock: Clock;
  log: Log;
  store: Store;
  home: Home;
  /** Program and first arguments of the runner on the host. */
  runner: readonly [string, ...string[]] | undefined;
}

/** Where turns run in this home. */
export interface Runtimes {
  readonly all: readonly Runtime[];
  for(agent: AgentName): Runtime;
  /** Whether they can run in containers, as it was at the start; undefined when that is not wanted. */
  readonly containers: ContainerState | undefined;
  /** The user inside, where the host may give files away; else null. */
  readonly owner: User | null;
  /** Programs in the image, by name and full path; asked once. @throws {LaunchError} */
  programs(): Promise<ReadonlySet<string>>;
  /** Ends what stays of that group between turns. */
  leave(folder: Folder): Promise<void>;
  /** Ends what stays between turns. */
  close(): Promise<void>;
}

const RUNNER = fileURLToPath(new URL("../container/agent-runner/src/main.ts", import.meta.url));

export async function createRuntimes(options: RuntimesOptions): Promise<Runtimes> {
  const { config, env, clock, home, runner } = options;
  const configured = config.settings.NANOCLAW_AGENT_RUNTIME;
  const { compileCache, kiroProbe } = home;
  const host = createHostRuntime({ env, clock, compileCache, kiroProbe, runner: runner ?? [process.execPath, RUNNER] });
  const facts = dockerFacts(options);
  const docker = createDockerRuntime({ ...options, ...facts });
  const containers = configured === "host" ? undefined : await lookAtContainers(config.settings, env, clock);
  // One made from other sources speaks the same protocol.
  const engineReady = containers?.kind === "ready" || containers?.kind === "other-source";
  const all = { host: keeping(options, host), docker: keeping(options, docker) };
  let programs: Promise<ReadonlySet<string>> | undefined;
  return {
    all: [all.host, all.docker],
    containers,
    owner: facts.mayChown ? facts.user : null,
    programs: () =>
      (programs ??= imagePrograms(createEngine({ ...options, ...facts }), facts.image).catch((error: unknown) => {
        programs = undefined;
        throw error;
      })),
    for: (agent) => all[chooseRuntime({ configured, agent, engineReady })],
    leave: async (folder) => {
      await Promise.all([all.host.leave(folder), all.docker.leave(folder)]);
    },
    close: async () => {
      await Promise.all([all.host.close(), all.docker.close()]);
    },
  };
}

/** One-shot, unless the runs are to stay between a group's turns. */
function keeping({ config: { settings }, clock, log, store }: RuntimesOptions, inner: Runtime): ResidentRuntime {
  if (settings.NANOCLAW_AGENT_ONE_SHOT)
    return { ...inner, leave: () => Promise.resolve(), close: () => Promise.resolve() };
  return createResidentRuntime({
    ...{ inner, clock, log },
    limit: settings.MAX_CONCURRENT_CONTAINERS,
    idleTimeout: (folder) => store.groups.find(folder)?.settings.idleTimeout ?? settings.IDLE_TIMEOUT,
    grace: settings.NANOCLAW_STOP_BUDGET / 6,
  });
}

function dockerFacts({ config: { settings }, home, store }: RuntimesOptions) {
  const host = ownUser();
  const stat = lstatSync(home.root);
  const kept = store.settings.get("container-uid");
  const user = containerUser({
    host,
    home: { uid: stat.uid, gid: stat.gid },
    kept: kept === undefined ? undefined : Number(kept),
    random: Math.random(),
  });
  // Only what was drawn: the folder's owner may be another one at the next start.
  if (kept === undefined && host.uid === 0 && stat.uid === 0) store.settings.set("container-uid", String(user.uid));
  return {
    program: settings.NANOCLAW_DOCKER,
    image: settings.NANOCLAW_AGENT_IMAGE,
    install: installId(home),
    user,
    mayChown: host.uid === 0,
  };
}

const ownUser = (): User => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
