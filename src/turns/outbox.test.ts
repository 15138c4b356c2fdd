import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, jidOf } from "../../test/ledger-kit.ts";
import { manualClock, settled, type ManualClock } from "../../test/manual-clock.ts";
import type { Channel, Outgoing } from "../channels/channel.ts";
import type { SendResult } from "../domain/delivery.ts";
import { silentLog } from "../domain/log.ts";
import { createWakeUp, type WakeUp } from "../domain/wake-up.ts";
import { openStore, type Store } from "../store/store.ts";
import { createOutboxSender, type OutboxSender } from "./outbox.ts";

const acknowledged: SendResult = { kind: "acknowledged" };

describe("what leaves the outbox", () => {
  let store: Store;
  let clock: ManualClock;
  let wake: WakeUp;
  let sender: OutboxSender;
  let sends: Outgoing[];
  let network: (message: Outgoing) => Promise<SendResult>;

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    wake = createWakeUp();
    sends = [];
    network = () => Promise.resolve(acknowledged);
    addGroup(store, "main");
    const options = { store, clock, log: silentLog, assistantName: "Andy", wake, checkpoint: () => {} };
    sender = createOutboxSender({ ...options, channels: [fake] });
    sender.start();
  });
  afterEach(async () => {
    network = () => Promise.resolve(acknowledged);
    await sender.stop();
  });

  const fake: Channel = {
    name: "fake",
    owns: (chat) => !chat.startsWith("nobody"),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    state: () => ({ connected: true, detail: "" }),
    send: (message) => {
      sends.push(message);
      return network(message);
    },
  };
  const add = async (text: string, chat = "local:main") => {
    store.outbox.add({
      ...{ chat: jidOf(chat), folder: folderOf("main"), messageId: `id-${text}`, text, source: "answer" },
      ...{ turn: null, task: null, requestKey: null, now: clock.now() },
    });
    wake.now();
    await settled();
  };
  const rows = (chat = "local:main") => store.outbox.after(jidOf(chat), 0, 10);
  const texts = () => sends.map(({ text }) => text);

  test("is sent at once and in order, marked, and part of the chat's history", async () => {
    await add("one");
    await add("two");
    expect(texts()).toEqual(["one", "two"]);
    expect(rows()).toMatchObject([{ status: "sent" }, { status: "sent" }]);
    const kept = store.messages.search(["one"], null, 1e15, 5);
    expect(kept).toMatchObject([{ senderName: "Andy", fromAssistant: true, decision: "ignored" }]);
    expect(store.turns.waiting(1e15)).toEqual([]);
  });

  test("unsure is repeated with the same id, three times over ten minutes, then given up; the next one goes", async () => {
    network = ({ text }) => Promise.resolve(text === "one" ? { kind: "unsure", detail: "no receipt" } : acknowledged);
    await add("one");
    await add("two");
    await clock.advance(299_000);
    expect(texts()).toEqual(["one"]);
    await clock.advance(302_000);
    expect(texts()).toEqual(["one", "one", "one", "two"]);
    expect(new Set(sends.slice(0, 3).map(({ messageId }) => messageId))).toEqual(new Set(["id-one"]));
    expect(rows()).toMatchObject([{ status: "failed", sends: 3, error: expect.stringContaining("no receipt") }, {}]);
  });

  test("a channel that throws is unsure, not lost", async () => {
    network = () => Promise.reject(new Error("connection reset"));
    await add("one");
    expect(rows()).toMatchObject([{ status: "pending", sends: 1 }]);
    network = () => Promise.resolve(acknowledged);
    await clock.advance(301_000);
    expect(rows()).toMatchObject([{ status: "sent", sends: 2 }]);
  });

  test("refused fails at once with its reason, and the next one goes", async () => {
    network = ({ text }) => Promise.resolve(text === "one" ? { kind: "refused", reason: "blocked" } : acknowledged);
    await add("one");
    await add("two");
    expect(rows()).toMatchObject([{ status: "failed", error: "blocked" }, { status: "sent" }]);
    expect(store.messages.search(["one"], null, 1e15, 5)).toEqual([]);
  });

  test("offline waits for hours without being given up, and keeps the order", async () => {
    network = () => Promise.resolve({ kind: "offline" });
    await add("one");
    await add("two");
    await clock.advance(600_000);
    expect(new Set(texts())).toEqual(new Set(["one"]));
    sends.length = 0;
    network = () => Promise.resolve(acknowledged);
    await clock.advance(6_000);
    expect(texts()).toEqual(["one", "two"]);
    expect(rows()).toMatchObject([{ sends: 1 }, { sends: 1 }]);
  });

  test("a chat that no channel serves fails with that reason", async () => {
    await add("one", "nobody@g.us");
    expect(rows("nobody@g.us")).toMatchObject([{ status: "failed", error: "no channel serves this chat" }]);
  });

  test("a chat whose send hangs holds up no other chat, and nothing is sent twice meanwhile", async () => {
    const { promise, resolve } = Promise.withResolvers<SendResult>();
    network = ({ text }) => (text === "slow" ? promise : Promise.resolve(acknowledged));
    await add("slow");
    await add("behind it");
    await add("other", "local:b");
    await clock.advance(5_000);
    expect(texts()).toEqual(["slow", "other"]);
    resolve(acknowledged);
    await settled();
    expect(texts()).toEqual(["slow", "other", "behind it"]);
  });

  test("a clock that goes back holds nothing up", async () => {
    network = () => Promise.resolve({ kind: "offline" });
    clock.jump(86_400_000);
    await add("one");
    clock.jump(-86_400_000);
    network = () => Promise.resolve(acknowledged);
    await clock.advance(1_100);
    expect(rows()).toMatchObject([{ status: "sent" }]);
  });

  test("what is written while it stops goes out, what the network does not take is kept", async () => {
    await clock.advance(0);
    network = ({ text }) => Promise.resolve(text === "kept" ? { kind: "offline" } : acknowledged);
    const stopping = sender.stop();
    await add("last words");
    await add("kept", "local:b");
    await stopping;
    await sender.stop();
    expect(rows()).toMatchObject([{ status: "sent" }]);
    expect(rows("local:b")).toMatchObject([{ status: "pending" }]);
  });

  test("stopping does not wait for a database that is locked for good; the next host sends again with the same id", async () => {
    const whole = store.transaction;
    store.transaction = () => {
      throw Object.assign(new Error("database is locked"), { errcode: 5 });
    };
    await add("one");
    await sender.stop();
    expect(rows()).toMatchObject([{ status: "pending", messageId: "id-one" }]);
    store.transaction = whole;
  });
});
