import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, found, jidOf, startTurn } from "../../test/ledger-kit.ts";
import { newTurnId } from "../domain/ids.ts";
import { openDatabase } from "./database.ts";
import { migrations } from "./schema.ts";
import { openStore, type Store } from "./store.ts";

describe("the tasks in the ledger", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
    for (const folder of ["main", "family"]) addGroup(store, folder);
  });
  afterEach(() => store[Symbol.dispose]());

  test("missed runs that wait are dropped by group or by chat, and counted; what has begun is not", () => {
    const other = jidOf("123@g.us");
    const [here, there] = [addTask(store), addTask(store, { chat: other })];
    const elsewhere = addTask(store, { folder: folderOf("family") });
    for (const { id } of [here, here, there, elsewhere]) store.tasks.logWaiting(id, 5);
    store.tasks.logQueued(here.id, newTurnId(), 4);
    expect(store.tasks.dropWaitingIn(folderOf("main"), other, "stopped")).toBe(1);
    expect(store.tasks.dropWaitingIn(folderOf("main"), null, "stopped")).toBe(2);
    expect(store.tasks.runs(here.id, 9).map(({ status, error }) => [status, error])).toEqual([
      ["queued", null],
      ["cancelled", "stopped"],
      ["cancelled", "stopped"],
    ]);
    expect(store.tasks.waitingRuns(9)).toMatchObject([{ task: elsewhere.id }]);
  });

  test("a one-time task whose last run is dropped is over, unless a run of it is open", () => {
    const [last, open] = [addTask(store, { nextRun: null }), addTask(store, { nextRun: null })];
    for (const { id } of [last, open]) store.tasks.logWaiting(id, 5);
    startTurn(store, "main", open);
    expect(store.tasks.dropWaitingIn(folderOf("main"), null, "stopped")).toBe(2);
    expect([last, open].map(({ id }) => store.tasks.find(id)?.status)).toEqual(["cancelled", "active"]);
  });

  test("a pause keeps a one-time task whose new time has come while a run of it was open", () => {
    const task = addTask(store, { status: "paused", nextRun: null });
    store.tasks.logWaiting(task.id, 5_000);
    store.tasks.dropWaiting(task.id, "it was paused");
    expect(found(store.tasks.find(task.id)).nextRun).toBe(5_000);
    expect(store.tasks.waitingCount(task.id)).toBe(0);
  });

  test("a list has as many tasks as are asked for, and of a long prompt the beginning", () => {
    const all = [1, 2, 3].map((nextRun) => addTask(store, { nextRun, prompt: "👋".repeat(5_000) }));
    const ids = all.map(({ id }) => id);
    expect(store.tasks.open(null, 2).map(({ id }) => id)).toEqual(ids.slice(0, 2));
    expect(store.tasks.open(folderOf("family"), 2)).toEqual([]);
    expect(store.tasks.newest(2).map(({ id }) => id)).toEqual(ids.slice(1));
    expect(store.tasks.open(folderOf("main"), 1)[0]?.prompt).toBe("👋".repeat(1_000));
    expect(store.tasks.find(ids[0] ?? "")?.prompt).toHaveLength(10_000);
  });

  test("what a turn has made, and how many of a group may still run", () => {
    const turn = newTurnId();
    const [mine] = [addTask(store, { createdTurn: turn }), addTask(store), addTask(store, { status: "completed" })];
    expect(store.tasks.madeBy(turn).map(({ id }) => id)).toEqual([mine.id]);
    expect([store.tasks.openCount(folderOf("main")), store.tasks.openCount(folderOf("family"))]).toEqual([2, 0]);
  });
});

test("a time that no number holds, of a version that took it, can be read after the update", () => {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-tasks-"));
  try {
    const path = join(folder, "messages.db");
    const before = migrations.slice(
      0,
      migrations.findIndex(({ name }) => name === "005-tasks"),
    );
    openDatabase(path, before)[Symbol.dispose]();
    using old = openDatabase(path, before);
    const insert = `INSERT INTO scheduled_tasks (id, group_folder, chat_jid, prompt, schedule_type, schedule_value, zone,
      context_mode, status, next_run, created_at) VALUES (?, 'main', 'local:main', 'x', ?, ?, 'UTC', 'group', 'active', ?, 1000)`;
    old.run(insert, "far", "interval", "9007199254740991", 9007199254740991n + 1000n);
    old.run(insert, "last", "once", "+275760-09-13T00:00:00Z", 8_640_000_000_000_000);
    old.run(insert, "near", "interval", "60000", 61_000);
    old[Symbol.dispose]();
    using store = openStore(path);
    const timeOf = (id: string) => [found(store.tasks.find(id)).schedule.value, found(store.tasks.find(id)).nextRun];
    expect(timeOf("far")).toEqual(["315576000000", 315_576_001_000]);
    expect(timeOf("last")).toEqual(["+275760-09-13T00:00:00Z", 253_402_300_799_999]);
    expect(timeOf("near")).toEqual(["60000", 61_000]);
    expect(store.tasks.open(null)).toHaveLength(3);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
