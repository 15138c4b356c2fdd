import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, inbound, jidOf, say, sentTo, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import type { Asked } from "../domain/console.ts";
import { newMessageId } from "../domain/ids.ts";
import { silentLog } from "../domain/log.ts";
import type { InboundMessage } from "../domain/message.ts";
import { prepareCall, type ExecuteOptions } from "../ipc/call.ts";
import { openStore, type Store } from "../store/store.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import { askStop } from "./stop.ts";

const image = {
  kind: "image",
  path: "inbox/a.jpg",
  name: "a.jpg",
  mime: "image/jpeg",
  bytes: 1,
  problem: null,
} as const;

describe("a command among messages", () => {
  const family = jidOf("local:family");
  const clock = manualClock();
  let store: Store;
  let asked: Asked[];
  let done: number[];
  let inbox: Inbox;
  let broken: boolean;

  beforeEach(() => {
    store = openStore(":memory:");
    [asked, done, broken] = [[], [], false];
    addGroup(store, "main");
    addGroup(store, "family", { requiresTrigger: true, senders: ["ann"] });
    const options = { store, clock, log: silentLog, assistantName: "Andy", ageLimit: 86_400_000, zone: "UTC" };
    inbox = createInbox({
      ...{ ...options, onWork: () => {}, onOutbox: () => {} },
      console: (one) => {
        asked.push(one);
        const { jid: chat, folder } = one.chat;
        const row = { messageId: newMessageId(), text: "here", source: "notice", turn: null, task: null } as const;
        store.outbox.add({ ...{ chat, folder, requestKey: `command:${one.seq}`, now: 1 }, ...row });
        if (broken) throw new Error("as the test wished");
        return () => done.push(one.seq);
      },
    });
  });
  const receive = (text: string, changes: Partial<InboundMessage> = {}) =>
    inbox.receive("local", inbound({ text, sentAt: clock.now(), ...changes }));
  const ann = { chat: family, sender: "ann", fromOwner: false };

  test("is answered with its row, once, and starts no turn", async () => {
    const first = await receive("/status", { id: "1" });
    expect(first).toMatchObject({ verdict: { decision: "ignored", reason: "command" }, duplicate: false });
    expect(await receive("/status", { id: "1" })).toMatchObject({ duplicate: true });
    expect(asked).toMatchObject([{ seq: first.seq, command: "/status", role: "owner" }]);
    expect([sentTo(store), done, store.turns.waiting(1e15)]).toEqual([["here"], [first.seq], []]);
  });

  test("is not there when its answer is not", async () => {
    broken = true;
    await expect(receive("/status")).rejects.toThrow("as the test wished");
    expect([store.messages.newestSeq(), sentTo(store), done]).toEqual([0, [], []]);
  });

  test("needs no trigger of whoever may start turns; of others it is a line like any other", async () => {
    expect((await receive("/status", ann)).verdict.reason).toBe("command");
    expect((await receive("/status", { ...ann, sender: "bob" })).verdict.reason).toBe("sender-not-allowed");
    expect(asked).toMatchObject([{ role: "member" }]);
  });

  test.each([
    ["with a file", { attachments: [image] }, "main"],
    ["too late", { sentAt: clock.now() - 90_000_000 }, "too-old"],
    ["as a reaction", { aside: true }, "aside"],
  ])("%s is none", async (_, changes, reason) => {
    expect((await receive("/stop", changes)).verdict.reason).toBe(reason);
    expect(asked).toEqual([]);
  });

  test("is not made by an edit; an edited one is a message", async () => {
    const change = { chat: jidOf("local:main"), sender: "owner", senderName: "Ann", sentAt: 2, fromOwner: true };
    await receive("hello", { id: "1" });
    await inbox.change({ ...change, id: "2", target: "1", text: "/stop", byAdmin: false });
    expect(asked).toEqual([]);
    await receive("/stop", { id: "3" });
    await inbox.change({ ...change, id: "4", target: "3", text: "stop by the shop", byAdmin: false });
    expect(asked).toHaveLength(1);
    expect(store.messages.find(change.chat, "owner", "3")).toMatchObject({
      decision: "wakes",
      text: "stop by the shop",
    });
  });

  test("tells a channel that it may overtake, by the chat's own trigger", () => {
    const isCommand = (text: string, chat = family) => inbox.isCommand({ chat, text, mentionsUs: false });
    expect([isCommand("@Andy /stop"), isCommand("@Bob /stop"), isCommand("/stop", jidOf("1@g.us"))]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("once /stop is written down, the agent's requests are refused", () => {
    say(store, "one");
    const { turn } = startTurn(store);
    const request = {
      protocol: PROTOCOL_VERSION,
      turn: turn.id,
      attempt: 1,
      chat: turn.chat,
      tool: "send_message",
      args: { text: "still here" },
    };
    const options = { store, clock } as Pick<ExecuteOptions, "store" | "clock"> as ExecuteOptions;
    const prepare = () => prepareCall(options, folderOf("main"), "r-1", request);
    expect(prepare).not.toThrow();
    askStop(store, { folder: folderOf("main"), chat: null, answeredIn: null }, 5_000);
    expect(prepare).toThrow("a person stopped that turn");
  });
});
