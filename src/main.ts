import { Hono } from "hono";
import { join } from "node:path";
import { createAgents, type Agents } from "./agents.ts";
import type { Channel } from "./channels/channel.ts";
import { createLocalChannel, type LocalChannel } from "./channels/local/local-channel.ts";
import type { WhatsAppChannel } from "./channels/whatsapp/channel.ts";
import type { Config } from "./config.ts";
import type { ContainerState } from "./containers.ts";
import { createControlApp } from "./control/control-app.ts";
import { groupOperations } from "./control/groups.ts";
import { serveSocket } from "./control/socket-server.ts";
import { createWhatsAppApp } from "./control/whatsapp-app.ts";
import type { Clock } from "./domain/clock.ts";
import { MAIN, type TurnId } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import { createWakeUp, type WakeUp } from "./domain/wake-up.ts";
import { homePaths, makeGroupFolders, makeHome, type Home } from "./home.ts";
import { clearOutgoing } from "./ipc/outgoing-file.ts";
import { clearResponses } from "./ipc/responses.ts";
import { serveRequest } from "./ipc/serve-request.ts";
import { createIpcWatcher, type IpcWatcher } from "./ipc/watcher.ts";
import { createKiroSupply, personsKiro, prepareLoginFolders, type KiroSupply } from "./kiro-supply.ts";
import { createSecretKeeper } from "./kiro/secrets.ts";
import { openLog } from "./log.ts";
import { mailbox } from "./mailbox.ts";
import { createUsageWatch } from "./runtime/usage-watch.ts";
import { createRuntimes, type Runtimes } from "./runtimes.ts";
import { createSecretScreen, type SecretScreen } from "./secret-screen.ts";
import { createScheduler, type Scheduler } from "./schedule/scheduler.ts";
import { lockHome, type LockHolder } from "./store/home-lock.ts";
import { openStore, type Store } from "./store/store.ts";
import type { Checkpoint } from "./turns/checkpoint.ts";
import { createInbox } from "./turns/inbox.ts";
import { createOutboxSender, type OutboxSender } from "./turns/outbox.ts";
import { createQueue, type Queue } from "./turns/queue.ts";
import { recoverTurns } from "./turns/recover.ts";
import { endTurns, stopGroup } from "./turns/stop.ts";
import { createTyping, type Typing } from "./turns/typing.ts";
import { createTurnRunner, type TurnRunner, type TurnRunnerOptions } from "./turns/turn.ts";
import { turnSettings } from "./turn-settings.ts";
import { createWhatsApp } from "./whatsapp.ts";

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

export interface HostFacts {
  runtime: string;
  /** What answers the local chat. */
  agent: string;
  pid: number;
  startedAt: number;
}

export interface Host extends AsyncDisposable {
  readonly home: Home;
  /** Whether turns can run in containers; undefined when that is not wanted. */
  readonly containers: ContainerState | undefined;
  readonly facts: HostFacts;
  channels(): ChannelState[];
}

export interface ChannelState {
  name: string;
  connected: boolean;
  detail: string;
}

/** What every part gets. */
interface Base {
  agents: Agents;
  screen: SecretScreen["screen"];
  onSecret: SecretScreen["onSecret"];
  supply: KiroSupply;
  config: Config;
  clock: Clock;
  log: Log;
  store: Store;
  home: Home;
  facts: HostFacts;
  localOnly: boolean;
  /** Each loop sleeps on its own; whoever has work for one wakes it. */
  wake: Record<"queue" | "outbox" | "scheduler" | "ipc" | "typing", WakeUp>;
  checkpoint(point: Checkpoint): void;
}

interface Parts {
  runner: TurnRunner;
  queue: Queue;
  local: LocalChannel;
  /** Undefined when it is switched off. */
  whatsapp: WhatsAppChannel | undefined;
  outbox: OutboxSender;
  scheduler: Scheduler;
  ipc: IpcWatcher;
  typing: Typing;
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
  const store = stack.use(openStore(home.database));
  log.info({}, "Database initialized");
  const runtimes = await createRuntimes({ ...options, runner: options.runner, home, store, log });
  const agents = createAgents(config, person, store);
  const agent = agents.local;
  const runtime = runtimes.for(agent).name;
  const facts = { runtime, agent, pid: process.pid, startedAt: clock.now() };
  const wake = {
    ...{ queue: createWakeUp(), outbox: createWakeUp(), scheduler: createWakeUp() },
    ...{ ipc: createWakeUp(), typing: createWakeUp() },
  };
  const guard = createSecretScreen({ secrets, store, clock, log, onOutbox: wake.outbox.now });
  const supply = createKiroSupply({
    ...{ ...options, ...runtimes, log, store, home, person, runtime: runtimes.for("kiro").name },
  });
  const checkpoint = options.checkpoint ?? (() => {});
  const localOnly = options.localOnly ?? false;
  const base: Base = { localOnly, config, clock, log, store, home, facts, wake, checkpoint, agents, ...guard, supply };
  registerMain(base);
  const parts = buildParts(base, runtimes);
  await recover(base, parts, runtimes);
  await supply.recover();
  stack.defer(runtimes.close);
  await open(base, parts, stack);
  log.info({ ...facts, home: home.root }, `NanoClaw running (trigger: @${config.settings.ASSISTANT_NAME})`);
  const started = stack.move();
  return {
    ...{ home, facts, containers: runtimes.containers, channels: () => channelsOf(parts).map(stateOf) },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function buildParts(base: Base, runtimes: Runtimes): Parts {
  const { config, store, home, wake } = base;
  const { settings, zone } = config;
  const runner = createTurnRunner({
    ...base,
    runtimeFor: runtimes.for,
    settings: turnSettings(config, base.agents.kiroReady),
    paths: home.group,
    watchUsage: usageWatch(base),
    onChange: (turn) => afterTurn(base, turn),
  });
  const queue = createQueue({
    ...base,
    limit: settings.MAX_CONCURRENT_CONTAINERS,
    wake: wake.queue,
    run: (claim) => {
      wake.typing.now();
      return runner.run(claim);
    },
  });
  const inbox = createInbox({
    ...base,
    assistantName: settings.ASSISTANT_NAME,
    ageLimit: settings.NANOCLAW_MESSAGE_AGE_LIMIT,
    zone,
    onWork: wake.queue.now,
    onOutbox: wake.outbox.now,
  });
  const local = createLocalChannel({
    ...base,
    receive: (message) => inbox.receive("local", message),
    mailbox: mailbox(base),
  });
  const whatsapp = base.localOnly ? undefined : createWhatsApp({
    ...base,
    inbox,
    acknowledged: (messageId) => outbox.acknowledged(messageId),
    onOutbox: wake.outbox.now,
    onChange: () => groupsChanged(base),
  });
  const channels = channelsOf({ local, whatsapp });
  const outbox: OutboxSender = createOutboxSender({
    ...base,
    channels,
    assistantName: settings.ASSISTANT_NAME,
    wake: wake.outbox,
  });
  const scheduler = createScheduler({ ...base, wake: wake.scheduler, onWork: wake.queue.now });
  const hooks = { zone, onOutbox: wake.outbox.now, onSchedule: wake.scheduler.now };
  const ipc = createIpcWatcher({
    ...base,
    errorsFolder: home.ipcErrors,
    folders: () => store.groups.list().map(({ folder }) => ({ folder, path: home.group(folder).ipc })),
    wake: wake.ipc,
    execute: (folder, id, content) => serveRequest({ ...base, ...hooks }, folder, id, content),
  });
  const typing = createTyping({ ...base, channels, wake: wake.typing });
  return { runner, queue, local, whatsapp, outbox, scheduler, ipc, typing };
}

const channelsOf = ({ local, whatsapp }: Pick<Parts, "local" | "whatsapp">): Channel[] =>
  whatsapp ? [local, whatsapp] : [local];

const stateOf = (channel: Channel): ChannelState => ({ name: channel.name, ...channel.state() });

/** Somebody registered, changed or removed a group, or its tasks. */
function groupsChanged({ store, home, wake }: Base): void {
  for (const { folder } of store.groups.list()) makeGroupFolders(home.group(folder));
  wake.ipc.now();
  wake.scheduler.now();
}

/** Mounts have no quota: a run that makes its group too large, or the disk too full, is ended. */
function usageWatch({ config: { settings }, home, clock, log }: Base): NonNullable<TurnRunnerOptions["watchUsage"]> {
  const watch = createUsageWatch({ disk: home.root, freeFloor: settings.NANOCLAW_FREE_DISK, clock, log });
  return (group, end, gone) => {
    const paths = home.group(group.folder);
    const limit = group.settings.groupSize ?? settings.NANOCLAW_GROUP_SIZE;
    watch(
      { folder: group.folder, trees: [paths.group, paths.home, paths.ipc, home.kiroLogin(group.folder)], limit },
      end,
      gone,
    );
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
async function open(base: Base, parts: Parts, stack: AsyncDisposableStack): Promise<void> {
  const { config, clock, store, home, facts, wake } = base;
  const { runner, queue, local, whatsapp, outbox, scheduler, ipc, typing } = parts;
  const control = createControlApp({
    ...base,
    zone: config.zone,
    host: () => ({ running: true, ...facts, channels: channelsOf(parts).map(stateOf) }),
    stopGroup: (folder) => stopGroup({ store, clock, end: runner.end, onOutbox: wake.outbox.now }, folder),
    onChange: () => groupsChanged(base),
  });
  const app = new Hono().route("/chat", local.routes);
  if (whatsapp) app.route("/control/whatsapp", createWhatsAppApp(whatsapp));
  app.route("/control", control);
  stack.defer(() => whatsapp?.stop());
  stack.defer(() => outbox.stop());
  stack.defer(() => typing.stop());
  stack.defer(() => ipc.stop());
  const budget = config.settings.NANOCLAW_STOP_BUDGET;
  stack.defer(() => endTurns({ store, clock, budget, drain: queue.drain, end: runner.end }));
  stack.defer(() => scheduler.stop());
  stack.use(await serveSocket(app, home.socket));
  stack.defer(() => local.stop());
  for (const part of [outbox, ipc, scheduler, queue, typing]) part.start();
  for (const channel of channelsOf(parts)) await channel.start();
}

function afterTurn({ store, clock, home, wake }: Base, id: TurnId): void {
  wake.outbox.now();
  wake.typing.now();
  const turn = store.turns.find(id);
  if (!turn || turn.status === "running") return;
  const { ipc } = home.group(turn.folder);
  // Nobody waits for a response whose turn is over; the next turn's end tries again.
  clearResponses(join(ipc, "responses")).catch(() => {});
  clearOutgoing(join(ipc, "outgoing"), clock).catch(() => {});
}

/** The owner's group and its local chat are there from the first start. */
function registerMain({ store, clock, home }: Base): void {
  store.transaction(() => {
    if (!store.groups.find(MAIN)) store.groups.add(MAIN, "Main", {}, clock.now());
    groupOperations(store, clock).openLocalChat(MAIN);
  });
  for (const { folder } of store.groups.list()) makeGroupFolders(home.group(folder));
}
