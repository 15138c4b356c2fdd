import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, jidOf, say, sentTo, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, settled } from "../../test/manual-clock.ts";
import type { TurnId } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { settleAnswered, settleFailed, settleInterrupted, settleShutdown, settleStopped } from "./settle.ts";
import { askStop, endTurns, stopGroup } from "./stop.ts";

describe("stopping a group", () => {
  let store: Store;
  let ended: [TurnId, string][];
  beforeEach(() => {
    store = openStore(":memory:");
    ended = [];
    addGroup(store, "main");
    addGroup(store, "family");
  });
  const end = (turn: TurnId, reason: string) => ended.push([turn, reason]) > 0;
  const stop = () => stopGroup({ store, clock: manualClock(), end, onOutbox: () => {} }, folderOf("main"));

  test("a running turn is asked to end, and the ledger remembers it", () => {
    const { turn } = startTurn(store);
    expect(stop()).toBe(1);
    expect(ended).toEqual([[turn.id, "stopped"]]);
    expect(store.turns.find(turn.id)).toMatchObject({ status: "running", stopReason: "stopped" });
  });

  test("a waiting turn ends at once, and its messages are not answered later", () => {
    say(store, "hello");
    const { turn } = startTurn(store);
    store.turns.requeue(turn.id, 9_999, false);
    expect(stop()).toBe(1);
    expect(store.turns.find(turn.id)?.status).toBe("cancelled");
    expect(sentTo(store)).toEqual(["Stopped, as you asked."]);
    expect(store.turns.waiting(1e15)).toEqual([]);
  });

  test("a waiting task ends, too, and other groups go on", () => {
    const { turn } = startTurn(store, "main", addTask(store));
    store.turns.requeue(turn.id, 9_999, false);
    const other = startTurn(store, "family");
    expect(stop()).toBe(1);
    expect(store.turns.find(other.turn.id)).toMatchObject({ status: "running", stopReason: null });
  });

  test("what the turn has said and nobody sent yet stays here; what was tried goes on", () => {
    const { turn } = startTurn(store);
    for (const text of ["tried", "spam"]) {
      store.outbox.add({
        ...{ chat: turn.chat, folder: turn.folder, messageId: text, text, source: "send_message", turn: turn.id },
        ...{ task: null, requestKey: null, now: 1 },
      });
    }
    const [tried] = store.outbox.ofTurn(turn.id);
    store.outbox.sendAgain(tried?.seq ?? 0, 5, true);
    stop();
    expect(store.outbox.ofTurn(turn.id)).toMatchObject([
      { text: "tried", status: "pending" },
      { text: "spam", status: "failed", error: "stopped" },
    ]);
    expect(store.outbox.failedUntold(turn.folder)).toEqual([]);
  });

  test("with nothing to stop it says so", () => {
    expect(stop()).toBe(0);
    expect(sentTo(store)).toEqual([]);
  });
});

describe("what a person wants to end", () => {
  let store: Store;
  const local = jidOf("local:main");
  const where = { folder: folderOf("main"), chat: null, answeredIn: local };
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
  });

  test("is what waits behind the running turn, too, but not what is written later", () => {
    const first = say(store, "one");
    const { turn } = startTurn(store);
    store.turns.fixRange(turn.id, first, first);
    const second = say(store, "two");
    expect(askStop(store, where, 5_000)).toEqual({ running: [turn.id], waiting: 0 });
    const third = say(store, "three");
    settleStopped({ store, turn, attempt: 1, now: 6_000 });
    expect(store.turns.answeredSeq(local)).toBe(second);
    expect(store.turns.ofMessage(local, second)?.status).toBe("cancelled");
    expect(store.turns.waiting(9_000).map(({ queueSeq }) => queueSeq)).toEqual([third]);
  });

  test("is not what is written while a turn begins that has no input yet", () => {
    const first = say(store, "one");
    const { turn } = startTurn(store);
    askStop(store, where, 5_000);
    say(store, "two");
    settleStopped({ store, turn, attempt: 1, now: 6_000 });
    expect(store.turns.answeredSeq(local)).toBe(first);
  });

  test("is a message that still waits for a place; why tells it", () => {
    const seq = say(store, "one");
    expect(askStop(store, where, 5_000)).toEqual({ running: [], waiting: 1 });
    expect([store.turns.waiting(9_000), store.turns.ofMessage(local, seq)?.status]).toEqual([[], "cancelled"]);
    expect(sentTo(store)).toEqual([]);
  });

  test("can be one chat's alone", () => {
    const other = jidOf("1@g.us");
    store.groups.addChat({ ...addedChat(store), jid: other });
    const [here, there] = [say(store, "here"), say(store, "there", { chat: other })];
    expect(askStop(store, { ...where, chat: other, answeredIn: other }, 5_000).waiting).toBe(1);
    expect([store.turns.answeredSeq(local) < here, store.turns.answeredSeq(other)]).toEqual([true, there]);
  });

  test.each([
    ["answers", (at: At) => settleAnswered(at, { status: "ok", text: "too late", session: null }, "kiro")],
    ["fails", (at: At) => settleFailed(at, { class: "crash", detail: "as the test wished" })],
    ["was cut off with its host", (at: At) => settleInterrupted(at, { class: "crash", detail: "cut off" })],
    ["ends with its host", (at: At) => settleShutdown(at)],
  ])("stays ended when the attempt %s: nothing goes out, nothing is tried again", (_, settle) => {
    say(store, "one");
    const { turn } = startTurn(store);
    askStop(store, where, 5_000);
    settle({ store, turn, attempt: 1, now: 6_000 });
    expect(store.turns.find(turn.id)?.status).toBe("cancelled");
    expect([sentTo(store), store.turns.waiting(1e15)]).toEqual([[], []]);
  });
});

type At = Parameters<typeof settleStopped>[0];

function addedChat(store: Store) {
  const [chat] = store.groups.chatsOf(folderOf("main"));
  if (!chat) throw new Error("it was added");
  return chat;
}

describe("when the host stops", () => {
  test("turns may finish; what has not by then is told to end, and that is waited for, too", async () => {
    const clock = manualClock();
    const store = openStore(":memory:");
    addGroup(store, "main");
    const { turn } = startTurn(store);
    const told: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (id: TurnId, reason: string) => told.push(`${id} ${reason}`) > 0;
    let over = false;
    const ending = endTurns({ store, clock, budget: 15_000, drain: () => promise, end }).then(() => (over = true));
    await clock.advance(7_900);
    expect(told).toEqual([]);
    await clock.advance(200);
    expect([told, over]).toEqual([[`${turn.id} shutdown`], false]);
    resolve();
    await ending;
    expect(over).toBe(true);
  });

  test("it does not wait longer than its budget for what will not end, and not at all for nothing", async () => {
    const clock = manualClock();
    const store = openStore(":memory:");
    const hanging = endTurns({ store, clock, budget: 15_000, drain: () => new Promise(() => {}), end: () => false });
    await clock.advance(15_000);
    await hanging;
    await endTurns({ store, clock, budget: 15_000, drain: () => Promise.resolve(), end: () => false });
    await settled();
  });
});
