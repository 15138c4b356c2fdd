import type { Readable } from "node:stream";
import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { z } from "zod";
import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { startProcess, type HostProcess } from "../host-process.ts";
import { LaunchError, type Exit, type LaunchSpec, type Running, type Runtime } from "../runtime.ts";
import { createContainers, type Containers } from "./container.ts";
import {
  classifyEngineError,
  createEngine,
  firstLines,
  isNameConflict,
  isNoSuchNetwork,
  type Engine,
} from "./engine.ts";
import { mountsOf, prepareMounts } from "./mounts.ts";
import { inspectImage } from "./image.ts";
import { makeNetwork, networkName } from "./network.ts";
import { containerName, runArguments } from "./run-arguments.ts";

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
  /** Names that somebody here sees through; they leave it when they are gone. */
  const open = new Set<string>();
  let unswept: readonly unknown[] | undefined;

  const track = (running: Running): Running => {
    const name = containerOf(running.handle) ?? "";
    open.add(name);
    void running.exited.then(() => open.delete(name));
    return running;
  };
  const sweep = async (keep: readonly unknown[]): Promise<void> => {
    unswept = keep; // until it is done: an engine that comes later is swept before it is used
    const kept = new Set(keep.map(containerOf));
    for (const name of await containers.names()) if (!kept.has(name) && !open.has(name)) await containers.remove(name);
    unswept = undefined;
  };

  return {
    name: "docker",
    sweep,
    launch: async (spec) => {
      if (unswept) await sweep(unswept);
      const mounts = mountsOf(spec);
      prepareMounts(spec, mounts, options.mayChown ? options.user : null);
      const args = [...runArguments(spec, facts(options), mounts), ...(options.command ?? [])];
      return track(await startContainer({ ...options, engine, containers }, spec, args));
    },
    find: async (handle) => {
      const name = containerOf(handle);
      const state = name === undefined ? undefined : await containers.inspect(name);
      if (name === undefined || state?.status !== "running" || state.install !== options.install) return undefined;
      return track(found(containers, name));
    },
    clear: async (handle) => {
      const name = containerOf(handle);
      if (name === undefined) return;
      const state = await containers.inspect(name).catch(() => undefined);
      if (state?.install === options.install) await containers.remove(name);
    },
  };
}

type Tools = DockerRuntimeOptions & { engine: Engine; containers: Containers };

const facts = ({ install, image, user }: DockerRuntimeOptions) => ({
  install,
  image,
  user: `${user.uid}:${user.gid}`,
  network: networkName(install),
});

/**
 * Starts the client and waits for the first sign: the runner speaks, or the client ends. What can
 * be mended (a left-over of the same turn, a missing network) is mended once, then tried again;
 * looking first would cost every turn what only the first one needs.
 */
async function startContainer(tools: Tools, spec: LaunchSpec, args: string[], isRetry = false): Promise<Running> {
  const { engine, containers } = tools;
  const name = containerName(spec);
  const client = await startProcess([engine.program, ...args], "/", engine.env);
  const first = await Promise.race([spoken(client.stdout), client.exited.then(() => "ended" as const)]);
  if (first === "spoke") return started(containers, name, client);
  const { code } = await client.exited;
  const said = await wholeText(client.stderr);
  if (code === 125 && !isRetry && (await mend(tools, name, said))) return startContainer(tools, spec, args, true);
  if (code === 125) throw new LaunchError(classifyEngineError(said), firstLines(said));
  await containers.remove(name);
  const detail = `the container ended before the runner was ready (code ${code ?? "unknown"}): ${firstLines(said)}`;
  throw new LaunchError("crash", detail);
}

/** @returns whether it is worth trying again. */
async function mend({ engine, containers, install }: Tools, name: string, said: string): Promise<boolean> {
  if (isNameConflict(said)) {
    const state = await containers.inspect(name);
    if (state && state.install !== install) {
      throw new LaunchError("crash", `another installation has a container named ${name}`);
    }
    return containers.remove(name);
  }
  if (!isNoSuchNetwork(said)) return false;
  await makeNetwork(engine, install);
  return true;
}

function started(containers: Containers, name: string, client: HostProcess): Running {
  return {
    handle: { container: name },
    stdin: client.stdin,
    stdout: client.stdout,
    stderr: client.stderr,
    exited: client.exited.then((exit) => afterClient(containers, name, exit)),
    signal: signalOf(containers, name),
  };
}

/** The client's end is not the container's: the client may have been killed. The engine knows. */
async function afterClient(containers: Containers, name: string, exit: Exit): Promise<Exit> {
  const gone = await containers.gone(name);
  return gone.code === null ? { ...exit, ...(gone.lostEngine && { lostEngine: true }) } : gone;
}

function found(containers: Containers, name: string): Running {
  return {
    handle: { container: name },
    stdin: null,
    stdout: null,
    stderr: null,
    exited: containers.gone(name),
    signal: signalOf(containers, name),
  };
}

const signalOf =
  (containers: Containers, name: string): Running["signal"] =>
  (kind) =>
    void (kind === "TERM" ? containers.signal(name, "TERM") : containers.remove(name));

const containerOf = (handle: unknown): string | undefined => handleSchema.safeParse(handle).data?.container;

/** Resolves when there is something to read; never, when the stream ends without a word. */
function spoken(stream: Readable | null): Promise<"spoke"> {
  return new Promise((resolve) => {
    const look = () => {
      if (!stream || stream.readableLength === 0) return;
      // While somebody listens for `readable`, nobody is given `data`.
      stream.off("readable", look);
      resolve("spoke");
    };
    stream?.on("readable", look);
  });
}

async function wholeText(stream: AsyncIterable<Buffer> | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
