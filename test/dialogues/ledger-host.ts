import { DateTime } from "luxon";
import { offlineBackend } from "../../container/agent-runner/src/backends/offline/offline.ts";
import { turnInputSchema, type TurnInput } from "../../container/agent-runner/src/protocol/index.ts";
import type { Channel } from "../../src/channels/channel.ts";
import { newMessageId, randomName, type Folder, type Jid } from "../../src/domain/ids.ts";
import { silentLog } from "../../src/domain/log.ts";
import { taskView } from "../../src/domain/task.ts";
import { createWakeUp } from "../../src/domain/wake-up.ts";
import { executeRequest } from "../../src/ipc/execute.ts";
import { createScheduler } from "../../src/schedule/scheduler.ts";
import { openStore, type Store } from "../../src/store/store.ts";
import { createInbox } from "../../src/turns/inbox.ts";
import { createOutboxSender } from "../../src/turns/outbox.ts";
import { createQueue, type Claim } from "../../src/turns/queue.ts";
import { settleAnswered, settleInterrupted } from "../../src/turns/settle.ts";
import { prepareInput } from "../../src/turns/turn-input.ts";
import { noGroupDesk } from "../group-desk-kit.ts";
import { manualClock, settled, type ManualClock } from "../manual-clock.ts";
import { found } from "../ledger-kit.ts";
import type { Dialogue, Said } from "./parse-dialogues.ts";

/** The host's side of a dialogue: the real ledger with all that works on it, only the runner is in this process. */
export interface LedgerHost extends AsyncDisposable {
  /** What a person says in one go, and what the chat gets. */
  hear(messages: Said[], sentAt: number, cutOffFirst: boolean): Promise<string>;
  /** The clock moves on while the host works. */
  pass(toMs: number): Promise<string>;
  /** The machine sleeps until then. */
  sleep(toMs: number): Promise<string>;
  tasks(): ReturnType<typeof taskView>[];
  now(): number;
}

interface Parts {
  dialogue: Dialogue;
  store: Store;
  clock: ManualClock;
  zone: string;
  onOutbox(): void;
  onSchedule(): void;
}

const NAP_MS = 1_000;

export function ledgerHost(dialogue: Dialogue, zone: string): LedgerHost {
  const { chat } = dialogue;
  const clock = manualClock(DateTime.fromISO(dialogue.clock, { zone: chat.zone }).toMillis());
  const store = openStore(":memory:");
  const wake = { queue: createWakeUp(), outbox: createWakeUp(), scheduler: createWakeUp() };
  const parts: Parts = { dialogue, store, clock, zone, onOutbox: wake.outbox.now, onSchedule: wake.scheduler.now };
  furnish(store, dialogue);
  const base = {
    store,
    clock,
    log: silentLog,
    assistantName: "Andy",
    checkpoint: () => {},
    home: { root: "/nonexistent" },
  };
  const said: string[] = [];
  const cutOff = { next: false };
  const run = (claim: Claim) => runAttempt(parts, claim, cutOff);
  const inbox = createInbox({
    ...{ ...base, zone, ageLimit: 86_400_000, onWork: wake.queue.now, onOutbox: wake.outbox.now },
  });
  const queue = createQueue({ ...base, limit: 2, wake: wake.queue, run });
  const scheduler = createScheduler({ ...base, wake: wake.scheduler, onWork: wake.queue.now });
  const outbox = createOutboxSender({ ...base, channels: [listeningChannel(said)], wake: wake.outbox });
  for (const part of [queue, scheduler, outbox]) part.start();

  const heard = () => said.splice(0).join("\n");
  const quiet = async () => {
    do {
      await clock.advance(0);
      await settled();
    } while (queue.running() > 0 || store.outbox.pendingCount() > 0);
  };
  const leapTo = async (toMs: number) => {
    clock.jump(toMs - clock.now() - NAP_MS);
    await clock.advance(NAP_MS);
    await quiet();
  };

  return {
    now: clock.now,
    hear: async (messages, sentAt, cutOffFirst) => {
      cutOff.next = cutOffFirst;
      for (const message of messages) await inbox.receive("local", inboundOf(store, message, dialogue, sentAt));
      await quiet();
      return heard();
    },
    pass: async (toMs) => {
      for (let due = store.tasks.nextDue(); due !== undefined && due <= toMs; due = store.tasks.nextDue()) {
        await leapTo(due);
      }
      await leapTo(toMs);
      return heard();
    },
    sleep: async (toMs) => {
      await leapTo(toMs);
      return heard();
    },
    tasks: () => store.tasks.open(chat.folder as Folder).map(taskView),
    [Symbol.asyncDispose]: async () => {
      await Promise.all([queue.drain(), scheduler.stop(), outbox.stop()]);
      store[Symbol.dispose]();
    },
  };
}

/** In a chat with others the assistant answers to its name only, but to everybody. */
function furnish(store: Store, { chat, history }: Dialogue): void {
  const folder = chat.folder as Folder;
  const main = folder === "main";
  store.groups.add(folder, chat.name, { zone: chat.zone }, 0);
  const rules = { trigger: null, requiresTrigger: !main, senders: main ? "owner" : "everyone" } as const;
  store.groups.addChat({ jid: chat.jid as Jid, folder, name: chat.name, ...rules, account: null });
  for (const { time, sender, text } of history) {
    const sentAt = DateTime.fromISO(time).toMillis();
    const message = inboundOf(store, { sender, text }, { chat } as Dialogue, sentAt);
    store.messages.add({ ...message, quote: null }, folder, { decision: "context", reason: "no-trigger" }, sentAt);
  }
}

const inboundOf = (store: Store, { sender, text, replyTo }: Said, { chat }: Dialogue, sentAt: number) => ({
  chat: chat.jid as Jid,
  id: newMessageId(),
  sender,
  senderName: sender,
  text,
  sentAt,
  fromOwner: chat.folder === "main",
  fromAssistant: false,
  mentionsUs: false,
  aside: false,
  quote: replyTo === undefined ? null : { id: saidBefore(store, chat, replyTo), sender: "assistant", text: replyTo },
  attachments: [],
  away: null,
});

/** Only what stands in the outbox is a reply to the assistant. */
function saidBefore(store: Store, chat: Dialogue["chat"], text: string): string {
  const messageId = newMessageId();
  store.outbox.add({
    ...{ chat: chat.jid as Jid, folder: chat.folder as Folder, messageId, text, source: "notice", now: 0 },
    ...{ turn: null, task: null, requestKey: null },
  });
  store.outbox.markSent(store.outbox.newestSeq(chat.jid as Jid), 0);
  return messageId;
}

function listeningChannel(said: string[]): Channel {
  return {
    name: "listening",
    owns: () => true,
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    pause: () => 0,
    typing: () => {},
    state: () => ({ connected: true, detail: "" }),
    send: ({ text }) => {
      said.push(text);
      return Promise.resolve({ kind: "acknowledged" });
    },
  };
}

/** What turn and runner do, without a process: input, agent, answer. */
async function runAttempt(parts: Parts, claim: Claim, cutOff: { next: boolean }): Promise<void> {
  const { store, clock } = parts;
  await clock.sleep(0); // what arrives while a runner starts joins the turn
  const turn = found(store.turns.find(claim.turn));
  const input = writeInput(parts, claim);
  const at = { store, turn, attempt: claim.attempt, now: clock.now() };
  if (cutOff.next) {
    cutOff.next = false;
    settleInterrupted(at, { class: "crash", detail: "cut off by the test" });
    return;
  }
  const answer = await offlineBackend.run(input, {
    tools: () => Promise.resolve({ call: (tool, args) => Promise.resolve(callTool(parts, input, tool, args)) }),
    emit: () => undefined,
    now: clock.now,
    signal: new AbortController().signal,
  });
  if (answer.status === "error") throw new Error(answer.error);
  settleAnswered(at, answer, "offline");
  parts.onOutbox();
}

function writeInput({ store, clock, zone }: Parts, claim: Claim): TurnInput {
  const turn = found(store.turns.find(claim.turn));
  const group = found(store.groups.find(turn.folder));
  const now = clock.now();
  return store.transaction(() => {
    const prepared = prepareInput({
      ...{ store, turn, group, now, outputBytes: 65_536, promptBudget: 96 * 1024, secrets: {}, oneShot: true },
      inbox: "inbox",
      attempt: found(store.turns.attempt(turn.id, claim.attempt)),
      chat: found(store.groups.chat(turn.chat)),
      zone: group.settings.zone ?? zone,
      agent: { backend: "offline", assistantName: "Andy" },
    });
    const { input, range } = found(prepared);
    if (range) store.turns.fixRange(turn.id, range.fromSeq, range.toSeq);
    store.turns.stampAttempt(turn.id, claim.attempt, "input", now);
    return turnInputSchema.parse(JSON.parse(JSON.stringify(input)));
  });
}

function callTool(parts: Parts, { turn, attempt, chat, group }: TurnInput, tool: string, args: unknown) {
  const request = { protocol: 1, turn, attempt, chat: chat.jid, tool, args };
  return executeRequest(
    { ...parts, groups: noGroupDesk, screen: (text) => text },
    group.folder as Folder,
    randomName(16),
    JSON.parse(JSON.stringify(request)),
  );
}
