import { join } from "node:path";
import type { Agents } from "./agents.ts";
import type { Channel } from "./channels/channel.ts";
import { createLocalChannel, type LocalChannel } from "./channels/local/local-channel.ts";
import type { WhatsAppChannel } from "./channels/whatsapp/channel.ts";
import { peopleOf } from "./chat-people.ts";
import type { Config } from "./config.ts";
import type { Clock } from "./domain/clock.ts";
import type { TurnId } from "./domain/ids.ts";
import type { Log } from "./domain/log.ts";
import type { WakeUp } from "./domain/wake-up.ts";
import { createGroupDesk } from "./group-desk.ts";
import { makeGroupFolders, type Home } from "./home.ts";
import { hostConsole } from "./host-console.ts";
import { clearOutgoing } from "./ipc/outgoing-file.ts";
import { clearResponses } from "./ipc/responses.ts";
import type { GroupDesk } from "./ipc/group-desk.ts";
import { serveRequest } from "./ipc/serve-request.ts";
import { createIpcWatcher, type IpcWatcher } from "./ipc/watcher.ts";
import type { KiroSupply } from "./kiro-supply.ts";
import { mailbox } from "./mailbox.ts";
import { createUsageWatch } from "./runtime/usage-watch.ts";
import { createRetention, type RetentionLoop } from "./retention/retention.ts";
import type { Runtimes } from "./runtimes.ts";
import type { SecretScreen } from "./secret-screen.ts";
import { createScheduler, type Scheduler } from "./schedule/scheduler.ts";
import type { Store } from "./store/store.ts";
import type { Checkpoint } from "./turns/checkpoint.ts";
import { createInbox, type Inbox, type InboxOptions } from "./turns/inbox.ts";
import { createOutboxSender, type OutboxSender } from "./turns/outbox.ts";
import { createQueue, type Queue } from "./turns/queue.ts";
import { stopGroup } from "./turns/stop.ts";
import { createTyping, type Typing } from "./turns/typing.ts";
import { createTurnRunner, type TurnRunner, type TurnRunnerOptions } from "./turns/turn.ts";
import { turnSettings } from "./turn-settings.ts";
import { createWhatsApp } from "./whatsapp.ts";

export interface HostFacts {
  runtime: string;
  /** NANOCLAW_AGENT_RUNTIME as this host sees it; null: unset. */
  configuredRuntime: "docker" | "host" | null;
  /** What answers the local chat. */
  agent: string;
  pid: number;
  startedAt: number;
}

export interface ChannelState {
  name: string;
  connected: boolean;
  detail: string;
  /** Epoch ms; null: unknown, or not connected. */
  since?: number | null;
}

/** What every part gets. */
export interface Base {
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

export interface Parts {
  runner: TurnRunner;
  queue: Queue;
  local: LocalChannel;
  /** Undefined when it is switched off. */
  whatsapp: WhatsAppChannel | undefined;
  outbox: OutboxSender;
  scheduler: Scheduler;
  ipc: IpcWatcher;
  typing: Typing;
  retention: RetentionLoop;
}

/** Everything that works in a host, wired and not started. */
export function buildParts(base: Base, runtimes: Runtimes): Parts {
  const { config, store, home, wake } = base;
  const { settings, zone } = config;
  const runner = hostRunner(base, runtimes);
  const queue = createQueue({
    ...base,
    limit: settings.MAX_CONCURRENT_CONTAINERS,
    wake: wake.queue,
    run: (claim) => {
      wake.typing.now();
      return runner.run(claim);
    },
  });
  const inbox = hostInbox(
    base,
    hostConsole(base, runner.end, () => channels),
  );
  const local = createLocalChannel({
    ...base,
    receive: (message) => inbox.receive("local", message),
    mailbox: mailbox(base),
  });
  const whatsapp = base.localOnly
    ? undefined
    : createWhatsApp({
        ...base,
        inbox,
        acknowledged: (messageId) => outbox.acknowledged(messageId),
        onOutbox: wake.outbox.now,
        onChange: () => groupsChanged(base),
      });
  const channels: Channel[] = channelsOf({ local, whatsapp });
  const outbox: OutboxSender = createOutboxSender({
    ...base,
    channels,
    assistantName: settings.ASSISTANT_NAME,
    wake: wake.outbox,
  });
  const scheduler = createScheduler({
    ...base,
    wake: wake.scheduler,
    onWork: () => {
      wake.queue.now();
      wake.outbox.now(); // a task that is not done any more is told of
    },
  });
  const groups = groupDesk(base, { runner, queue, whatsapp }, runtimes);
  const hooks = { groups, zone, onOutbox: wake.outbox.now, onSchedule: wake.scheduler.now };
  const ipc = createIpcWatcher({
    ...base,
    errorsFolder: home.ipcErrors,
    folders: () => store.groups.list().map(({ folder }) => ({ folder, path: home.group(folder).ipc })),
    wake: wake.ipc,
    execute: (folder, id, content) => serveRequest({ ...base, ...hooks }, folder, id, content),
  });
  const typing = createTyping({ ...base, channels, wake: wake.typing });
  return { runner, queue, local, whatsapp, outbox, scheduler, ipc, typing, retention: hostRetention(base) };
}

export const channelsOf = ({ local, whatsapp }: Pick<Parts, "local" | "whatsapp">): Channel[] =>
  whatsapp ? [local, whatsapp] : [local];

export const stateOf = (channel: Channel): ChannelState => ({ name: channel.name, ...channel.state() });

function hostRetention(base: Base): RetentionLoop {
  const { settings } = base.config;
  return createRetention({
    ...base,
    ageLimit: settings.NANOCLAW_MESSAGE_AGE_LIMIT,
    keep: {
      messages: settings.NANOCLAW_KEEP_MESSAGES,
      media: settings.NANOCLAW_KEEP_MEDIA,
      runs: settings.NANOCLAW_KEEP_RUNS,
      journals: settings.NANOCLAW_KEEP_JOURNALS,
    },
  });
}

function hostRunner(base: Base, runtimes: Runtimes): TurnRunner {
  return createTurnRunner({
    ...base,
    runtimeFor: runtimes.for,
    settings: turnSettings(base.config, base.agents.kiroReady),
    paths: base.home.group,
    people: (chat) => peopleOf(base, chat),
    watchUsage: usageWatch(base),
    onChange: (turn) => afterTurn(base, turn),
  });
}

function hostInbox(base: Base, console: NonNullable<InboxOptions["console"]>): Inbox {
  const { config, wake } = base;
  return createInbox({
    ...base,
    assistantName: config.settings.ASSISTANT_NAME,
    ageLimit: config.settings.NANOCLAW_MESSAGE_AGE_LIMIT,
    zone: config.zone,
    onWork: wake.queue.now,
    onOutbox: wake.outbox.now,
    console,
  });
}

function groupDesk(
  base: Base,
  { runner, queue, whatsapp }: Pick<Parts, "runner" | "queue" | "whatsapp">,
  runtimes: Runtimes,
): GroupDesk {
  return createGroupDesk({
    ...base,
    // What it heard before the connection went may be old.
    known: () =>
      whatsapp?.state().connected
        ? whatsapp.groupNames().map(({ jid, subject }) => ({ jid, name: subject }))
        : undefined,
    changed: () => groupsChanged(base),
    stopGroup: (folder) => {
      stopGroup({ ...base, end: runner.end, onOutbox: base.wake.outbox.now }, folder);
      void queue.idle(folder).then(() => runtimes.leave(folder));
    },
  });
}

/** Somebody registered, changed or removed a group, or its tasks. */
export function groupsChanged({ store, home, wake }: Base): void {
  for (const { folder } of store.groups.list()) makeGroupFolders(home.group(folder));
  wake.ipc.now();
  wake.scheduler.now();
  // Chats that were held may be answered now.
  wake.queue.now();
  wake.outbox.now();
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

function afterTurn({ store, clock, home, wake }: Base, id: TurnId): void {
  wake.outbox.now();
  wake.typing.now();
  wake.scheduler.now(); // missed runs of one task come one after the other
  const turn = store.turns.find(id);
  if (!turn || turn.status === "running") return;
  const { ipc } = home.group(turn.folder);
  // Nobody waits for a response whose turn is over; the next turn's end tries again.
  clearResponses(join(ipc, "responses")).catch(() => {});
  clearOutgoing(join(ipc, "outgoing"), clock).catch(() => {});
}
