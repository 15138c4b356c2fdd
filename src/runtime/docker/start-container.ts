import type { Readable } from "node:stream";
import type { Clock } from "../../domain/clock.ts";
import { startProcess, type HostProcess } from "../host-process.ts";
import { LaunchError, type Exit, type Running } from "../runtime.ts";
import type { Containers } from "./container.ts";
import { classifyEngineError, firstLines, isNameConflict, isNetworkUnusable, type Engine } from "./engine.ts";
import type { Network } from "./network.ts";

export interface StartOptions {
  engine: Engine;
  containers: Containers;
  network: Network;
  install: string;
  clock: Clock;
}

/** A container, and what became of it. */
export interface RunningContainer extends Running {
  exited: Promise<ContainerExit>;
}

export interface ContainerExit extends Exit {
  /** The engine itself has said that nothing is left. */
  isRemoved?: boolean;
}

/** A runner that speaks at once is not asked for; one that is silent is looked for in these steps. */
const LOOK_MS = 2_000;
/** An engine that starts nothing in so many looks hangs. */
const LOOKS = 30;
/** A left-over and a missing network come together; one more for what happens meanwhile. */
const MOST_MENDED = 3;
/** What the client exits with when it is the engine that failed. */
const ENGINE_FAILED = 125;

/**
 * Starts the client and waits for the first sign: the runner speaks, or the container runs, or the
 * client ends. What can be mended (a left-over of the same turn, a missing network) is mended,
 * then tried again; looking first would cost every turn what only the first one needs.
 * @throws {LaunchError}
 */
export async function startContainer(options: StartOptions, name: string, args: string[]): Promise<RunningContainer> {
  const { containers } = options;
  for (let mended = 0; ; mended += 1) {
    const client = await startClient(options.engine, args);
    const sign = await firstSign(options, name, client);
    if (sign === "late") {
      client.signal("KILL");
      await containers.remove(name);
      throw new LaunchError("engine-down", `the engine did not start ${name}`);
    }
    if (sign === "there" || (await client.exited).code !== ENGINE_FAILED) return started(containers, name, client);
    const said = await wholeText(client.stderr);
    if (mended === MOST_MENDED || !(await mend(options, name, said))) {
      throw new LaunchError(classifyEngineError(said), firstLines(said));
    }
  }
}

/** What an earlier client started. */
export function foundContainer(containers: Containers, name: string): RunningContainer {
  const exited = containers.ended(name);
  return { handle: { container: name }, stdin: null, stdout: null, stderr: null, exited, ...signals(containers, name) };
}

/** @throws {LaunchError} class `engine-down` when there is no such program. */
async function startClient({ program, env }: Engine, args: string[]): Promise<HostProcess> {
  try {
    return await startProcess([program, ...args], "/", env);
  } catch (error) {
    const isDisk = error instanceof LaunchError && error.class === "disk";
    const message = `${program} cannot be run: ${(error as Error).message}`;
    throw new LaunchError(isDisk ? "disk" : "engine-down", message, { cause: error });
  }
}

async function firstSign(
  { containers, clock }: StartOptions,
  name: string,
  client: HostProcess,
): Promise<"there" | "ended" | "late"> {
  const over = new AbortController();
  const spoke = spoken(client.stdout, over.signal).then(() => "there" as const);
  const ended = client.exited.then(() => "ended" as const);
  try {
    return await Promise.race([spoke, ended, untilThere(containers, name, clock, over.signal)]);
  } finally {
    over.abort();
  }
}

/** A runner that starts slowly or never speaks; whoever launched it has limits for that. */
async function untilThere(
  containers: Containers,
  name: string,
  clock: Clock,
  over: AbortSignal,
): Promise<"there" | "late"> {
  for (let looks = 0; looks < LOOKS && !over.aborted; looks += 1) {
    await clock.sleep(LOOK_MS, over);
    if (over.aborted) break;
    const state = await containers.inspect(name).catch(() => undefined); // a client that finds no engine ends by itself
    if (state && state.status !== "created") return "there";
  }
  return "late";
}

/** @returns whether it is worth trying again. */
async function mend({ containers, network, install }: StartOptions, name: string, said: string): Promise<boolean> {
  if (isNameConflict(said)) {
    const state = await containers.inspect(name);
    if (state && state.install !== install) {
      throw new LaunchError("crash", `another installation has a container named ${name}`);
    }
    return containers.remove(name);
  }
  if (!isNetworkUnusable(said)) return false;
  await network.mend();
  return true;
}

function started(containers: Containers, name: string, client: HostProcess): RunningContainer {
  const { stdin, stdout, stderr } = client;
  const exited = client.exited.then((exit) => afterClient(containers, name, exit));
  return { handle: { container: name }, stdin, stdout, stderr, exited, ...signals(containers, name) };
}

/**
 * The client's end is not the container's: it may have been killed, or have lost its engine. Only
 * one that ends well has seen the container removed; for anything else the engine is asked.
 */
async function afterClient(containers: Containers, name: string, exit: Exit): Promise<ContainerExit> {
  if (exit.code === 0) return { ...exit, isRemoved: true };
  const seen = await containers.ended(name);
  const lostEngine = seen.lostEngine === true || (exit.code === ENGINE_FAILED && seen.code === null);
  return { ...(seen.code === null ? exit : seen), ...(lostEngine && { lostEngine }) };
}

const signals = (containers: Containers, name: string): Pick<Running, "signal"> => ({
  signal: (kind) => void (kind === "TERM" ? containers.signal(name, "TERM") : containers.kill(name)),
});

/** Resolves when there is something to read; never, when the stream ends without a word. */
function spoken(stream: Readable | null, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    // While somebody listens for `readable`, nobody is given `data`.
    const leave = () => stream?.off("readable", look);
    const look = () => {
      if (!stream || stream.readableLength === 0) return;
      leave();
      resolve();
    };
    stream?.on("readable", look);
    over.addEventListener("abort", leave, { once: true });
  });
}

async function wholeText(stream: AsyncIterable<Buffer> | null): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
