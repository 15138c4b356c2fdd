import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, found, jidOf, startTurn } from "../../test/ledger-kit.ts";
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
  let pauses: Map<string, number>;
  let root: string;

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    wake = createWakeUp();
    sends = [];
    network = () => Promise.resolve(acknowledged);
    pauses = new Map();
    root = mkdtempSync(join(tmpdir(), "nanoclaw-outbox-"));
    addGroup(store, "main");
    sender = newSender();
    sender.start();
  });
  afterEach(async () => {
    network = () => Promise.resolve(acknowledged);
    await sender.stop();
    rmSync(root, { recursive: true });
  });
  const newSender = () => {
    const options = { store, clock, log: silentLog, assistantName: "Andy", wake, checkpoint: () => {} };
    return createOutboxSender({ ...options, home: { root }, channels: [fake] });
  };

  const fake: Channel = {
    name: "fake",
    owns: (chat) => !chat.startsWith("nobody"),
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    state: () => ({ connected: true, detail: "" }),
    pause: (chat) => pauses.get(chat) ?? 0,
    typing: () => {},
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

  test("unsure is repeated with the same id, ever later over ten minutes, then given up; the next one goes", async () => {
    network = ({ text }) => Promise.resolve(text === "one" ? { kind: "unsure", detail: "no receipt" } : acknowledged);
    await add("one");
    await add("two");
    await clock.advance(29_000);
    expect(texts()).toEqual(["one"]);
    // After half a minute, two minutes, and then every five.
    await clock.advance(122_500);
    expect(texts()).toEqual(["one", "one", "one"]);
    await clock.advance(590_000);
    expect(rows()).toMatchObject([{ status: "pending", sends: 4 }, {}]);
    await clock.advance(15_000);
    expect(texts()).toEqual(["one", "one", "one", "one", "one", "two"]);
    expect(new Set(sends.slice(0, 5).map(({ messageId }) => messageId))).toEqual(new Set(["id-one"]));
    expect(rows()).toMatchObject([{ status: "failed", sends: 5, error: expect.stringContaining("no receipt") }, {}]);
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

  test("what is for a chat that no channel serves waits for one", async () => {
    await add("one", "nobody@g.us");
    expect(rows("nobody@g.us")).toMatchObject([{ status: "pending", sends: 0 }]);
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

  test("stopping does not wait for a send that hangs; what becomes of it then is the next host's", async () => {
    const { promise, resolve } = Promise.withResolvers<SendResult>();
    network = () => promise;
    await add("one");
    const stopping = sender.stop();
    await clock.advance(10_000);
    await stopping;
    resolve(acknowledged);
    await settled();
    expect(rows()).toMatchObject([{ status: "pending", sends: 0 }]);
    network = () => Promise.resolve(acknowledged);
    sender = newSender();
    sender.start();
    await settled();
    expect(sends.map(({ messageId }) => messageId)).toEqual(["id-one", "id-one"]);
    expect(rows()).toMatchObject([{ status: "sent" }]);
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

  describe("with a governor", () => {
    test("a chat that has to wait is not tried before, and holds up no other", async () => {
      pauses.set("local:main", 2_500);
      await add("slow");
      await add("other", "local:b");
      expect(texts()).toEqual(["other"]);
      expect(rows()).toMatchObject([{ status: "pending", sends: 0 }]);
      pauses.delete("local:main");
      await clock.advance(1_000);
      expect(texts()).toEqual(["other", "slow"]);
    });

    test("a pause shorter than the poll is looked at again when it is over", async () => {
      pauses.set("local:main", 20);
      await add("soon");
      pauses.clear();
      await clock.advance(20);
      expect(texts()).toEqual(["soon"]);
    });

    test("stopping does not wait for it", async () => {
      pauses.set("local:main", 60_000);
      await add("kept");
      await sender.stop();
      expect(rows()).toMatchObject([{ status: "pending", sends: 0 }]);
    });
  });

  describe("a connection that ends in the middle of a send", () => {
    test("is repeated soon with the same id, however long there is no connection meanwhile", async () => {
      network = () => Promise.resolve({ kind: "cut", detail: "reset" });
      await add("one");
      network = () => Promise.resolve({ kind: "offline" });
      await clock.advance(3_600_000);
      network = () => Promise.resolve(acknowledged);
      await clock.advance(6_000);
      expect(rows()).toMatchObject([{ status: "sent", sends: 2 }]);
      expect(new Set(sends.map(({ messageId }) => messageId))).toEqual(new Set(["id-one"]));
    });

    test("is given up when that happened ten times over ten minutes", async () => {
      network = () => Promise.resolve({ kind: "cut", detail: "reset" });
      await add("one");
      await clock.advance(595_000);
      expect(rows()).toMatchObject([{ status: "pending" }]);
      await clock.advance(70_000);
      expect(rows()).toMatchObject([{ status: "failed", error: expect.stringMatching(/after \d+ sends: reset/) }]);
    });
  });

  test("patience begins with the first send, not with the row: offline for hours, then unsure", async () => {
    network = () => Promise.resolve({ kind: "offline" });
    await add("one");
    await clock.advance(7_200_000);
    network = () => Promise.resolve({ kind: "unsure", detail: "no receipt" });
    await clock.advance(610_000);
    expect(rows()).toMatchObject([{ status: "pending", sends: 4 }]);
    await clock.advance(155_000);
    expect(rows()).toMatchObject([{ status: "failed", sends: 5 }]);
  });

  test("a host that starts anew is patient again", async () => {
    network = () => Promise.resolve({ kind: "unsure", detail: "no receipt" });
    await add("one");
    await clock.advance(590_000);
    await sender.stop();
    sender = newSender();
    sender.start();
    await clock.advance(301_000);
    expect(rows()).toMatchObject([{ status: "pending" }]);
    await clock.advance(901_000);
    expect(rows()).toMatchObject([{ status: "failed" }]);
  });

  test("refused for now is repeated when the network allows, though that is long", async () => {
    network = () => Promise.resolve({ kind: "refused", reason: "too much", backOff: 1_200_000 });
    await add("one");
    network = () => Promise.resolve(acknowledged);
    await clock.advance(1_199_000);
    expect(texts()).toEqual(["one"]);
    await clock.advance(2_000);
    expect(rows()).toMatchObject([{ status: "sent", sends: 2 }]);
  });

  describe("an acknowledgement that nobody waits for", () => {
    test("marks a pending row, which is not sent again", async () => {
      network = () => Promise.resolve({ kind: "unsure", detail: "no receipt" });
      await add("one");
      sender.acknowledged("id-one");
      await clock.advance(3_600_000);
      expect(texts()).toEqual(["one"]);
      expect(rows()).toMatchObject([{ status: "sent", sends: 1 }]);
      expect(store.messages.search(["one"], null, 1e15, 5)).toHaveLength(1);
    });

    test("marks a row that was given up, and nobody is told of the failure any more", async () => {
      const task = addTask(store);
      const { turn } = startTurn(store, "main", task);
      network = () => Promise.resolve({ kind: "refused", reason: "blocked" });
      store.outbox.add({
        ...{ chat: jidOf("1@g.us"), folder: folderOf("main"), messageId: "id-x", text: "x", source: "answer" },
        ...{ turn: turn.id, task: task.id, requestKey: null, now: clock.now() },
      });
      wake.now();
      await settled();
      expect(store.outbox.failedUntold(folderOf("main"))).toMatchObject([{ text: "x", error: "blocked" }]);
      expect(store.tasks.runs(task.id, 1)).toMatchObject([{ error: "not sent: blocked" }]);
      sender.acknowledged("id-x");
      await settled();
      expect(rows("1@g.us")).toMatchObject([{ status: "sent", error: null }]);
      expect(store.outbox.failedUntold(folderOf("main"))).toEqual([]);
      expect(store.tasks.runs(task.id, 1)).toMatchObject([{ error: null }]);
    });

    test("ends the send that is still under way; what that says later changes nothing", async () => {
      const { promise, resolve } = Promise.withResolvers<SendResult>();
      network = ({ text }) => (text === "one" ? promise : Promise.resolve(acknowledged));
      await add("one");
      await add("two");
      sender.acknowledged("id-one");
      await settled();
      expect(texts()).toEqual(["one", "two"]);
      resolve({ kind: "refused", reason: "too late" });
      await settled();
      expect(rows()).toMatchObject([{ status: "sent", sends: 1 }, { status: "sent" }]);
      expect(store.messages.search(["one"], null, 1e15, 5)).toHaveLength(1);
    });

    test("outlives a database that is locked, also when the send's own end waits for it, too", async () => {
      const { promise, resolve } = Promise.withResolvers<SendResult>();
      network = () => promise;
      await add("one");
      const whole = store.transaction;
      store.transaction = () => {
        throw Object.assign(new Error("database is locked"), { errcode: 5 });
      };
      resolve({ kind: "refused", reason: "blocked" });
      await settled();
      sender.acknowledged("id-one");
      await settled();
      store.transaction = whole;
      await clock.advance(1_100);
      expect(rows()).toMatchObject([{ status: "sent" }]);
    });

    test("of a message that is not ours, or twice, does nothing", async () => {
      await add("one");
      sender.acknowledged("id-one");
      sender.acknowledged("id-of-somebody");
      await settled();
      expect(rows()).toMatchObject([{ status: "sent", sends: 1 }]);
    });
  });

  test("the agent that wrote it is told, not the group whose chat it was for", async () => {
    addGroup(store, "family");
    const { turn } = startTurn(store, "main");
    network = () => Promise.resolve({ kind: "refused", reason: "blocked" });
    const row = { text: "x", turn: turn.id, task: null, requestKey: null, now: 1 };
    store.outbox.add({
      ...{ ...row, chat: jidOf("1@g.us"), folder: folderOf("family"), messageId: "a", source: "send_message" },
    });
    store.outbox.add({
      ...{ ...row, chat: jidOf("1@g.us"), folder: folderOf("family"), messageId: "b", source: "notice" },
    });
    wake.now();
    await settled();
    expect(store.outbox.failedUntold(folderOf("family"))).toEqual([]);
    const untold = store.outbox.failedUntold(folderOf("main"));
    expect(untold).toMatchObject([{ messageId: "a", error: "blocked" }]);
    store.outbox.markAgentTold(untold.map(({ seq }) => seq));
    expect(store.outbox.failedUntold(folderOf("main"))).toEqual([]);
  });

  test("a failure in a run that goes on is in its log when it ended well", async () => {
    const task = addTask(store);
    const { turn } = startTurn(store, "main", task);
    network = () => Promise.resolve({ kind: "refused", reason: "blocked" });
    store.outbox.add({
      ...{ chat: jidOf("1@g.us"), folder: folderOf("main"), messageId: "a", text: "x", source: "send_message" },
      ...{ turn: turn.id, task: task.id, requestKey: null, now: 1 },
    });
    wake.now();
    await settled();
    store.tasks.logEnded(task.id, turn.id, { status: "success", result: "done", error: null }, 5);
    expect(store.tasks.runs(task.id, 1)).toMatchObject([{ status: "success", error: "not sent: blocked" }]);
  });

  describe("files", () => {
    const copy = (name: string) => join("data", "outbox", "main", name);
    const addFile = async (messageId: string, chat = "1@g.us", { there = true } = {}) => {
      mkdirSync(join(root, "data", "outbox", "main"), { recursive: true });
      if (there) writeFileSync(join(root, copy(messageId)), "%PDF");
      store.outbox.add({
        ...{ chat: jidOf(chat), folder: folderOf("main"), messageId, text: "look", source: "send_message" },
        ...{ turn: null, task: null, requestKey: null, now: clock.now() },
        file: { path: copy(messageId), name: "plan.pdf", mime: "application/pdf", bytes: 4 },
      });
      wake.now();
      await settled();
    };
    const isThere = (name: string) => existsSync(join(root, copy(name)));

    test("go out with their caption, are remembered by name, and the copy goes", async () => {
      await addFile("a");
      expect(sends).toMatchObject([
        { text: "look", file: { path: join(root, copy("a")), name: "plan.pdf", mime: "application/pdf", bytes: 4 } },
      ]);
      expect(store.messages.search(["plan"], null, 1e15, 5)).toMatchObject([{ text: "[file: plan.pdf]\nlook" }]);
      await expect.poll(() => isThere("a")).toBe(false);
    });

    test("stay while they may have to be sent again, and in a local chat, whose reply names them", async () => {
      network = ({ chat }) => Promise.resolve(chat === "1@g.us" ? { kind: "offline" } : acknowledged);
      await addFile("a");
      await addFile("b", "local:main");
      await sender.stop();
      expect([isThere("a"), isThere("b")]).toEqual([true, true]);
    });

    test("have as long as a slow line needs for them", async () => {
      network = () => new Promise(() => {});
      mkdirSync(join(root, "data", "outbox", "main"), { recursive: true });
      writeFileSync(join(root, copy("a")), "");
      store.outbox.add({
        ...{ chat: jidOf("1@g.us"), folder: folderOf("main"), messageId: "a", text: "", source: "send_message" },
        ...{ turn: null, task: null, requestKey: null, now: clock.now() },
        file: { path: copy("a"), name: "film.mp4", mime: "video/mp4", bytes: 30_000_000 },
      });
      wake.now();
      await clock.advance(650_000);
      expect(rows("1@g.us")).toMatchObject([{ sends: 0 }]);
      await clock.advance(20_000);
      expect(rows("1@g.us")).toMatchObject([{ sends: 1, status: "pending" }]);
      network = () => Promise.resolve(acknowledged);
    });

    test("that are gone are refused, and the next message goes", async () => {
      await addFile("a", "1@g.us", { there: false });
      await add("next", "1@g.us");
      expect(rows("1@g.us")).toMatchObject([{ status: "failed", error: "the file plan.pdf is no longer there" }, {}]);
      expect(sends.filter(({ chat }) => chat === "1@g.us").map(({ text }) => text)).toEqual(["next"]);
    });

    test("that a host which died left behind go at the next start, what is still needed stays", async () => {
      await sender.stop();
      await addFile("pending");
      await addFile("shown", "local:main");
      await addFile("sent", "2@g.us");
      store.outbox.markSent(found(store.outbox.byMessageId("sent")).seq, 1);
      store.outbox.markSent(found(store.outbox.byMessageId("shown")).seq, 1);
      writeFileSync(join(root, copy("orphan")), "");
      network = () => Promise.resolve({ kind: "offline" });
      sender = newSender();
      sender.start();
      await settled();
      expect(readdirSync(join(root, "data", "outbox", "main")).sort()).toEqual(["pending", "shown"]);
    });
  });
});
