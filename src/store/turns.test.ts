import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, context, folderOf, jidOf, say, startTurn } from "../../test/ledger-kit.ts";
import { newTurnId, type TurnId } from "../domain/ids.ts";
import { openStore, type Store } from "./store.ts";

describe("turns", () => {
  let store: Store;
  const main = jidOf("local:main");
  beforeEach(() => {
    store = openStore(":memory:");
    for (const folder of ["main", "family", "work"]) addGroup(store, folder);
  });
  const queue = (folder: string, changes: object = {}): TurnId => {
    const id = newTurnId();
    const fixed = { kind: "message", taskId: null, taskDueAt: null, status: "queued", now: 1 } as const;
    const chat = jidOf(`local:${folder}`);
    store.turns.add({ ...fixed, id, folder: folderOf(folder), chat, queueSeq: 1, dueAt: 0, ...changes });
    return id;
  };
  const line = (now = 1_000) => store.turns.waiting(now).map(({ chat }) => chat.slice("local:".length));

  test("whoever waited longest is first: by the first unanswered call, not by its time", () => {
    say(store, "1", { chat: jidOf("local:work"), sentAt: 9_999 });
    say(store, "2", { sentAt: 1 });
    say(store, "3", { chat: jidOf("local:work"), sentAt: 2 });
    expect(line()).toEqual(["work", "main"]);
  });

  test("context alone waits for nobody, and a call that was answered neither", () => {
    say(store, "talk", {}, context);
    const call = say(store, "call", { chat: jidOf("local:work") });
    expect(line()).toEqual(["work"]);
    store.turns.moveAnswered(jidOf("local:work"), call);
    expect(line()).toEqual([]);
  });

  test("a chat whose turn is open is not in the line a second time", () => {
    say(store, "1");
    const id = queue("main", { dueAt: 500 });
    expect(line()).toEqual(["main"]);
    expect(line(499)).toEqual([]);
    store.turns.setRunning(id);
    expect(line()).toEqual([]);
    store.turns.end(id, "answered", 1);
    expect(line()).toEqual(["main"]);
  });

  test("one running turn per folder is the schema's own rule, also for tasks", () => {
    startTurn(store);
    expect(() => startTurn(store, "main", addTask(store))).toThrow(/UNIQUE/);
    const queued = queue("main", { kind: "task", taskId: "task-x" });
    expect(() => store.turns.setRunning(queued)).toThrow(/UNIQUE/);
    expect(() => startTurn(store, "family")).not.toThrow();
  });

  test("one open turn per chat, and per task, is the schema's own rule", () => {
    queue("main");
    expect(() => queue("main")).toThrow(/UNIQUE/);
    queue("work", { kind: "task", taskId: "task-x" });
    expect(() => queue("family", { kind: "task", taskId: "task-x" })).toThrow(/UNIQUE/);
  });

  test("due times of a clock that jumped are pulled in, others are not", () => {
    queue("main", { dueAt: 1_000_000 });
    queue("work", { dueAt: 600 });
    expect(store.turns.nextDue(500)).toBe(600);
    expect(store.turns.nextDue(600)).toBe(1_000_000);
    store.turns.pullIn(500, 1_000);
    expect(line(500)).toEqual(["main"]);
  });

  test("the turn of a message is the one whose range holds it, else the open one", () => {
    const [first, second, third] = ["1", "2", "3"].map((text) => say(store, text)) as [number, number, number];
    const ended = startTurn(store).turn.id;
    store.turns.fixRange(ended, first, second);
    expect(store.turns.ofMessage(main, third)?.id).toBe(ended);
    store.turns.end(ended, "answered", 5);
    expect(store.turns.ofMessage(main, third)).toBeUndefined();
    const open = queue("main");
    expect(store.turns.ofMessage(main, third)?.id).toBe(open);
    expect(store.turns.ofMessage(main, second)?.id).toBe(ended);
  });

  test("the last turn that ended is the last that began, whatever the clock said", () => {
    const early = startTurn(store, "main", undefined, 9_000_000).turn.id;
    store.turns.end(early, "interrupted", 9_000_001);
    const late = startTurn(store, "main", undefined, 1_000).turn.id;
    store.turns.end(late, "answered", 1_001);
    expect(store.turns.lastEnded(main)?.id).toBe(late);
  });

  test("attempts count up, keep their token and handle, and say who was given input before", () => {
    const { turn, attempt } = startTurn(store);
    expect(attempt).toMatchObject({ n: 1, frameToken: "0123456789abcdef", handle: null, inputAt: null });
    store.turns.setHandle(turn.id, 1, "host", { pid: 7 });
    expect(store.turns.attempt(turn.id, 1)?.handle).toEqual({ pid: 7 });
    expect(store.turns.startAttempt(turn.id, "t", 5)).toBe(2);
    expect(store.turns.earlierInput(turn.id, 2)).toBeUndefined();
    store.turns.stampAttempt(turn.id, 1, "input", 77);
    expect(store.turns.earlierInput(turn.id, 2)).toBe(77);
    expect(store.turns.earlierInput(turn.id, 1)).toBeUndefined();
  });

  test("who writes again makes a waiting turn due sooner, never later", () => {
    const id = queue("main", { dueAt: 500 });
    store.turns.makeDue(id, 900);
    expect(store.turns.find(id)?.dueAt).toBe(500);
    store.turns.makeDue(id, 100);
    expect(store.turns.find(id)?.dueAt).toBe(100);
  });
});
