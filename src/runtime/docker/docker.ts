import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { z } from "zod";
import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { Running, Runtime } from "../runtime.ts";
import { createContainers, type Containers } from "./container.ts";
import { createEngine } from "./engine.ts";
import { inspectImage } from "./image.ts";
import { mountsOf, prepareMounts } from "./mounts.ts";
import { createNetwork, networkName } from "./network.ts";
import { containerName, runArguments } from "./run-arguments.ts";
import { foundContainer, startContainer, type RunningContainer } from "./start-container.ts";

export interface DockerRuntimeOptions {
  /** The client, `docker` or `podman`. */
  program: string;
  env: NodeJS.ProcessEnv;
  image: string;
  /** This home on this machine, as a label's value. */
  install: string;
  user: { uid: number; gid: number };
  /** The host is root and can give folders to that user. */
  mayChown: boolean;
  /** For the image's entry point; tests script their runners with it. */
  command?: readonly string[];
  clock: Clock;
  log: Log;
}

export type ImageState =
  | { kind: "ready"; source: string }
  | { kind: "no-engine"; detail: string }
  | { kind: "no-image" }
  | { kind: "other-version"; protocol: string };

export interface ImageQuestion {
  NANOCLAW_DOCKER: string;
  NANOCLAW_AGENT_IMAGE: string;
}

/** Whether turns could run in containers right now. Never throws. */
export async function imageState(settings: ImageQuestion, env: NodeJS.ProcessEnv, clock: Clock): Promise<ImageState> {
  try {
    const image = await inspectImage(
      createEngine({ program: settings.NANOCLAW_DOCKER, env, clock }),
      settings.NANOCLAW_AGENT_IMAGE,
    );
    if (!image) return { kind: "no-image" };
    if (image.protocol !== String(PROTOCOL_VERSION)) return { kind: "other-version", protocol: image.protocol };
    return { kind: "ready", source: image.source };
  } catch (error) {
    return { kind: "no-engine", detail: (error as Error).message };
  }
}

const handleSchema = z.strictObject({ container: z.string().regex(/^nanoclaw-[a-z0-9_-]+$/) });

/** Turns as containers of their own, gone afterwards. */
export function createDockerRuntime(options: DockerRuntimeOptions): Runtime {
  const engine = createEngine(options);
  const containers = createContainers({ ...options, engine });
  const network = createNetwork(engine, options.install);
  /** Names that somebody here sees through, until they are cleared. */
  const open = new Set<string>();
  /** Of these the engine has said that nothing is left; asking again would cost every turn a call. */
  const removed = new Set<string>();
  const sweep = createSweep(containers, open);

  const track = (name: string, running: RunningContainer): Running => {
    open.add(name);
    void running.exited.then(({ isRemoved }) => isRemoved && open.has(name) && removed.add(name));
    return running;
  };

  return {
    name: "docker",
    sweep: (keep) => {
      for (const handle of keep) open.add(containerOf(handle) ?? "");
      sweep.due();
      return sweep.ifDue();
    },
    launch: async (spec) => {
      await sweep.ifDue();
      const name = containerName(spec);
      const mounts = mountsOf(spec);
      prepareMounts(spec, mounts, options.mayChown ? options.user : null);
      const args = [...runArguments(spec, facts(options), mounts), ...(options.command ?? [])];
      open.add(name); // before there is anything to see: another launch may be sweeping
      try {
        return track(name, await startContainer({ ...options, engine, containers, network }, name, args));
      } catch (error) {
        open.delete(name);
        throw error;
      }
    },
    find: async (handle) => {
      const name = containerOf(handle);
      const state = name === undefined ? undefined : await containers.inspect(name);
      if (name === undefined || state?.status !== "running" || state.install !== options.install) return undefined;
      return track(name, foundContainer(containers, name));
    },
    clear: async (handle) => {
      const name = containerOf(handle);
      if (name === undefined) return;
      open.delete(name);
      if (removed.delete(name)) return;
      const state = await containers.inspect(name).catch(() => "unknown" as const);
      if (state === "unknown") return sweep.due();
      if (state?.install === options.install && !(await containers.remove(name))) sweep.due();
    },
  };
}

/** What is due stays due until it is done: an engine that comes back is swept before it is used. */
function createSweep({ names, remove }: Pick<Containers, "names" | "remove">, spared: ReadonlySet<string>) {
  let isDue = false;
  let sweeping: Promise<void> | undefined;
  const work = async () => {
    for (const name of await names()) if (!spared.has(name)) await remove(name);
    isDue = false;
  };
  return {
    due: () => {
      isDue = true;
    },
    /** @throws {LaunchError} when the engine is down. */
    ifDue: async () => {
      if (isDue) await (sweeping ??= work().finally(() => (sweeping = undefined)));
    },
  };
}

const facts = ({ install, image, user }: DockerRuntimeOptions) => ({
  install,
  image,
  user: `${user.uid}:${user.gid}`,
  network: networkName(install),
});

const containerOf = (handle: unknown): string | undefined => handleSchema.safeParse(handle).data?.container;
