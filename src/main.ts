import { Hono } from "hono";
import { homedir } from "node:os";
import { createAgents } from "./agents.ts";
import type { Config } from "./config.ts";
import type { ContainerState } from "./containers.ts";
import { createControlApp } from "./control/control-app.ts";
import { groupOperations } from "./control/groups.ts";
import { serveSocket } from "./control/socket-server.ts";
import { createWhatsAppApp } from "./control/whatsapp-app.ts";
import type { Clock } from "./domain/clock.ts";
import { MAIN } from "./domain/ids.ts";
import { createWakeUp } from "./domain/wake-up.ts";
import { homePaths, makeGroupFolders, makeHome, type Home } from "./home.ts";
import { withExtraMounts } from "./extra-mounts.ts";
import { createKiroSupply, personsKiro, prepareLoginFolders } from "./kiro-supply.ts";
import { createSecretKeeper } from "./kiro/secrets.ts";
import { openLog } from "./log.ts";
import { takeOverOldHome } from "./moving-in/take-over.ts";
import { movedInWords } from "./moving-in/report.ts";
import {
  buildParts,
  channelsOf,
  groupsChanged,
  stateOf,
  type Base,
  type ChannelState,
  type HostFacts,
  type Parts,
} from "./parts.ts";
import { createRuntimes, type Runtimes } from "./runtimes.ts";
import { createSecretScreen } from "./secret-screen.ts";
import { lockHome, type LockHolder } from "./store/home-lock.ts";
import { openStore } from "./store/store.ts";
import type { Checkpoint } from "./turns/checkpoint.ts";
import type { Queue } from "./turns/queue.ts";
import { recoverTurns } from "./turns/recover.ts";
import { endTurns, stopGroup } from "./turns/stop.ts";
import { versionsHere } from "./versions.ts";

export type { ChannelState } from "./parts.ts";

/** Another host works in this home. */
export class HomeInUseError extends Error {
  override name = "HomeInUseError";
  readonly holder: LockHolder | undefined;
  constructor(home: string, holder: LockHolder | undefined) {
    const who = holder
      ? `${holder.what} (process ${holder.pid}, since ${new Date(holder.since).toISOString()})`
      : "a process that does not say who it is";
    super(`The home ${home} is in use by ${who}. Stop that one, or set NANOCLAW_HOME to another folder.`);
    this.holder = holder;
  }
}

export interface HostOptions {
  config: Config;
  clock: Clock;
  /** The process environment; a runner inherits a safe part of it. */
  env: NodeJS.ProcessEnv;
  /** Who holds the home's lock, in words. */
  what: string;
  /** Serves the local chat alone; what is for other networks waits. */
  localOnly?: true;
  /** Tests end the host here. */
  checkpoint?: (point: Checkpoint) => void;
  /** Program and first arguments of the runner; default: the one in this repository. */
  runner?: readonly [string, ...string[]];
}

export interface Host extends AsyncDisposable {
  readonly home: Home;
  /** Whether turns can run in containers; undefined when that is not wanted. */
  readonly containers: ContainerState | undefined;
  readonly facts: HostFacts;
  channels(): ChannelState[];
  /** Something went wrong that no part of it knows of; it goes on. */
  noteFault(reason: unknown): void;
}

/**
 * Builds and starts a host; disposing it stops it within the stop budget.
 * @throws {HomeInUseError | StoreError} when the home is another host's, or cannot be used.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const { config, clock } = options;
  const home = homePaths(config.home);
  makeHome(home);
  await using stack = new AsyncDisposableStack();
  const locked = lockHome(home.store, options.what);
  if ("heldBy" in locked) throw new HomeInUseError(config.home, locked.heldBy);
  stack.use(locked.lock);
  const person = personsKiro(options.env, prepareLoginFolders(home));
  const { files } = person;
  const secrets = createSecretKeeper({
    apiKey: config.settings.KIRO_API_KEY,
    stamp: files.stamp,
    read: files.readLogin,
  });
  secrets.refresh();
  const { log } = stack.use(openLog(home.logs, config.settings.LOG_LEVEL, (line) => secrets.redact(line).text));
  const movedIn = await takeOverOldHome({ home, config, clock, personsHome: options.env["HOME"] ?? homedir() });
  if (movedIn) {
    log.info(movedIn, "Moved in from the old system");
    process.stderr.write(movedInWords(movedIn));
  }
  const store = stack.use(openStore(home.database));
  log.info({}, "Database initialized");
  const runtimes = await createRuntimes({ ...options, runner: options.runner, home, store, log });
  const agents = createAgents(config, person, store);
  const agent = agents.local;
  const runtime = runtimes.for(agent).name;
  const configuredRuntime = config.settings.NANOCLAW_AGENT_RUNTIME ?? null;
  const facts = { runtime, configuredRuntime, agent, pid: process.pid, startedAt: clock.now() };
  const wake = {
    ...{ queue: createWakeUp(), outbox: createWakeUp(), scheduler: createWakeUp() },
    ...{ ipc: createWakeUp(), typing: createWakeUp() },
  };
  const guard = createSecretScreen({ secrets, store, clock, log, onOutbox: wake.outbox.now });
  const kiro = createKiroSupply({
    ...{ ...options, ...runtimes, log, store, home, person, runtime: runtimes.for("kiro").name },
  });
  const supply = withExtraMounts(kiro, {
    ...{ ...options, log, store, home, places: person.places, onOutbox: wake.outbox.now },
    runtimeOf: (name) => runtimes.for(name).name,
  });
  const checkpoint = options.checkpoint ?? (() => {});
  const localOnly = options.localOnly ?? false;
  const base: Base = { localOnly, config, clock, log, store, home, facts, wake, checkpoint, agents, ...guard, supply };
  registerMain(base);
  const parts = buildParts(base, runtimes);
  await recover(base, parts, runtimes);
  await supply.recover();
  stack.defer(runtimes.close);
  await open(base, parts, runtimes, stack);
  log.info({ ...facts, home: home.root }, `NanoClaw running (trigger: @${config.settings.ASSISTANT_NAME})`);
  const started = stack.move();
  return {
    ...{ home, facts, containers: runtimes.containers, channels: () => channelsOf(parts).map(stateOf) },
    noteFault: (reason) =>
      log.error({ error: String((reason as Error | null)?.stack ?? reason) }, "Nobody caught this"),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** What the last host left open comes before any new work. */
function recover(base: Base, { runner, queue }: Parts, runtimes: Runtimes): Promise<void> {
  const { config, home, supply } = base;
  const occupy: Queue["occupy"] = (folder, until) => {
    supply.keepFor(folder, until);
    queue.occupy(folder, until);
  };
  return recoverTurns({
    ...base,
    runner,
    queue: { ...queue, occupy },
    runtimes: runtimes.all,
    paths: home.group,
    outputBytes: config.settings.CONTAINER_MAX_OUTPUT_SIZE,
    agentOf: base.agents.of,
  });
}

/** Starts the parts and opens the socket; they close in reverse order. */
async function open(base: Base, parts: Parts, runtimes: Runtimes, stack: AsyncDisposableStack): Promise<void> {
  const { config, clock, store, home, facts, wake } = base;
  const { runner, queue, local, whatsapp, outbox, scheduler, ipc, typing, retention } = parts;
  const versions = versionsHere();
  const control = createControlApp({
    ...base,
    zone: config.zone,
    host: () => ({ running: true, ...facts, versions, channels: channelsOf(parts).map(stateOf) }),
    stopGroup: (folder) => stopGroup({ store, clock, end: runner.end, onOutbox: wake.outbox.now }, folder),
    purging: {
      traces: home.traces,
      gone: async (folder) => {
        await queue.idle(folder);
        await runtimes.leave(folder);
      },
    },
    onChange: () => groupsChanged(base),
  });
  const app = new Hono().route("/chat", local.routes);
  if (whatsapp) app.route("/control/whatsapp", createWhatsAppApp(whatsapp));
  app.route("/control", control);
  stack.defer(() => whatsapp?.stop());
  stack.defer(() => outbox.stop());
  stack.defer(() => typing.stop());
  stack.defer(() => retention.stop());
  stack.defer(() => ipc.stop());
  const budget = config.settings.NANOCLAW_STOP_BUDGET;
  stack.defer(() => endTurns({ store, clock, budget, drain: queue.drain, end: runner.end }));
  stack.defer(() => scheduler.stop());
  stack.use(await serveSocket(app, home.socket));
  stack.defer(() => local.stop());
  for (const part of [outbox, ipc, scheduler, queue, typing]) part.start();
  for (const channel of channelsOf(parts)) await channel.start();
  // A host that answers one question and ends tidies nothing.
  if (!base.localOnly) retention.start();
}

/** The owner's group and its local chat are there from the first start. */
function registerMain({ store, clock, home }: Base): void {
  store.transaction(() => {
    if (!store.groups.find(MAIN)) store.groups.add(MAIN, "Main", {}, clock.now());
    groupOperations(store, clock).openLocalChat(MAIN);
  });
  for (const { folder } of store.groups.list()) makeGroupFolders(home.group(folder));
}
