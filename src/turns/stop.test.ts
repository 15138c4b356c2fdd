import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, say, sentTo, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, settled } from "../../test/manual-clock.ts";
import type { TurnId } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { endTurns, stopGroup } from "./stop.ts";

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

  test("with nothing to stop it says so", () => {
    expect(stop()).toBe(0);
    expect(sentTo(store)).toEqual([]);
  });
});

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
