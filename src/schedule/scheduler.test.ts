import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, found, jidOf, sentTo, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, settled, type ManualClock } from "../../test/manual-clock.ts";
import type { Task } from "../domain/task.ts";
import { silentLog } from "../domain/log.ts";
import { createWakeUp, type WakeUp } from "../domain/wake-up.ts";
import { dropRuns } from "../store/drop-runs.ts";
import { endTaskRun } from "../turns/settle-task.ts";
import { openStore, type Store } from "../store/store.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";

const minute = { type: "interval", value: "60000", zone: "UTC" } as const;

describe("the scheduler", () => {
  let store: Store;
  let clock: ManualClock;
  let wake: WakeUp;
  let scheduler: Scheduler;
  let works: number;
  let errors: number;

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    wake = createWakeUp();
    [works, errors] = [0, 0];
    addGroup(store, "main");
    const log = { ...silentLog, error: () => void (errors += 1) };
    scheduler = createScheduler({ store, clock, log, wake, onWork: () => (works += 1) });
  });
  afterEach(() => scheduler.stop());

  const inMs = (ms: number, changes: Partial<Task> = {}) => addTask(store, { nextRun: clock.now() + ms, ...changes });
  const queued = () => store.turns.queued().map(({ taskId, taskDueAt }) => ({ taskId, taskDueAt }));
  const endRun = () => {
    for (const { id } of store.turns.queued()) store.turns.end(id, "answered", clock.now());
  };

  test("a task due in 2 s is queued in 2 s, with when it was due", async () => {
    const task = inMs(2_000);
    const due = task.nextRun;
    scheduler.start();
    await clock.advance(1_990);
    expect(queued()).toEqual([]);
    await clock.advance(20);
    expect(queued()).toEqual([{ taskId: task.id, taskDueAt: due }]);
    expect(works).toBe(1);
  });

  test("one that is added meanwhile wakes it, however far off the next one is", async () => {
    inMs(86_400_000);
    scheduler.start();
    await clock.advance(500);
    const task = inMs(100);
    wake.now();
    await clock.advance(110);
    expect(queued()).toMatchObject([{ taskId: task.id }]);
  });

  test("claims before anything runs (D39): turn, log and next run in one", async () => {
    const task = inMs(0, { schedule: minute });
    scheduler.start();
    await clock.advance(10);
    expect(found(store.tasks.find(task.id)).nextRun).toBe((task.nextRun ?? 0) + 60_000);
    expect(store.tasks.runs(task.id, 5)).toMatchObject([{ status: "queued", dueAt: task.nextRun }]);
    expect(store.turns.waiting(clock.now())).toHaveLength(1);
  });

  test("a claim that fails half-way leaves the task due", async () => {
    const task = inMs(0, { schedule: minute });
    const add = store.turns.add;
    store.turns.add = () => {
      throw new Error("disk full");
    };
    scheduler.start();
    await clock.advance(10);
    expect(found(store.tasks.find(task.id)).nextRun).toBe(task.nextRun);
    store.turns.add = add;
    await clock.advance(1_100);
    expect(queued()).toHaveLength(1);
  });

  test("while the database fails it tries once a second, not in a rush, and forgets nothing", async () => {
    const whole = store.transaction;
    store.transaction = () => {
      throw Object.assign(new Error("database is locked"), { errcode: 5 });
    };
    scheduler.start();
    const task = inMs(500);
    wake.now();
    await clock.advance(10_000);
    expect(errors).toBeGreaterThan(5);
    expect(errors).toBeLessThan(20);
    store.transaction = whole;
    await clock.advance(1_100);
    expect(queued()).toMatchObject([{ taskId: task.id }]);
  });

  test("never overlaps a task with itself (D39); what was passed over is in its log", async () => {
    const task = inMs(60_000, { schedule: minute });
    scheduler.start();
    await clock.advance(60_100);
    await clock.advance(120_000);
    expect(queued()).toHaveLength(1);
    expect(store.tasks.runs(task.id, 5).map(({ status }) => status)).toEqual(["skipped", "skipped", "queued"]);
    endRun();
    await clock.advance(60_000);
    expect(queued()).toHaveLength(1);
  });

  test("a one-time task whose new time comes while its run is open runs once more after that", async () => {
    const task = inMs(100);
    scheduler.start();
    await clock.advance(200);
    const settle = () => {
      for (const turn of store.turns.queued()) {
        store.turns.end(turn.id, "answered", clock.now());
        endTaskRun(store, turn, { status: "success", result: "x", error: null }, clock.now());
      }
      wake.now();
    };
    const second = clock.now() + 1_000;
    store.tasks.update({ ...found(store.tasks.find(task.id)), nextRun: second });
    wake.now();
    await clock.advance(5_000);
    expect(queued()).toMatchObject([{ taskDueAt: task.nextRun }]);
    settle();
    await clock.advance(100);
    expect(found(store.tasks.find(task.id)).status).toBe("active");
    expect(queued()).toEqual([{ taskId: task.id, taskDueAt: second }]);
    settle();
    await clock.advance(5_000);
    expect(queued()).toEqual([]);
    expect(found(store.tasks.find(task.id)).status).toBe("completed");
    expect(store.tasks.runs(task.id, 5).map(({ status }) => status)).toEqual(["success", "success"]);
  });

  test("intervals are looked through at the start and after a jump, not at every waking", async () => {
    let looks = 0;
    const look = store.tasks.pullInIntervals;
    store.tasks.pullInIntervals = (now) => ((looks += 1), look(now));
    const task = inMs(3_600_000, { schedule: { type: "interval", value: "3600000", zone: "UTC" } });
    scheduler.start();
    for (let woken = 0; woken < 5; woken += 1) {
      wake.now();
      await clock.advance(10);
    }
    expect(looks).toBe(1);
    clock.jump(-86_400_000);
    await clock.advance(1_100);
    expect(looks).toBe(2);
    expect(found(store.tasks.find(task.id)).nextRun).toBeLessThanOrEqual(clock.now() + 3_600_000);
  });

  test("a jump that the database did not let it act on is acted on when it can", async () => {
    const task = inMs(3_600_000, { schedule: { type: "interval", value: "3600000", zone: "UTC" } });
    scheduler.start();
    await clock.advance(10);
    const look = store.tasks.pullInIntervals;
    store.tasks.pullInIntervals = () => {
      throw Object.assign(new Error("database is locked"), { errcode: 5 });
    };
    clock.jump(-86_400_000);
    await clock.advance(2_100);
    store.tasks.pullInIntervals = look;
    await clock.advance(2_100);
    expect(found(store.tasks.find(task.id)).nextRun).toBeLessThanOrEqual(clock.now() + 3_600_000);
  });

  test("a turn that still runs counts as not over, too", async () => {
    const task = inMs(1_000, { schedule: minute });
    startTurn(store, "main", task);
    scheduler.start();
    await clock.advance(1_100);
    expect(queued()).toEqual([]);
  });

  test("runs that were missed while the host was down come once, and then by the old rhythm", async () => {
    const recurring = inMs(-10 * 60_000 - 1_000, { schedule: minute });
    const once = inMs(-86_400_000);
    scheduler.start();
    await clock.advance(10);
    expect(
      queued()
        .map(({ taskId }) => taskId)
        .sort(),
    ).toEqual([recurring.id, once.id].sort());
    expect(found(store.tasks.find(once.id)).nextRun).toBeNull();
    endRun();
    await clock.advance(58_000);
    expect(queued()).toEqual([]);
    await clock.advance(1_100);
    expect(queued()).toMatchObject([{ taskId: recurring.id }]);
  });

  describe("what was missed while the host was down", () => {
    const hour = 3_600_000;
    const hourly = { type: "interval", value: String(hour), zone: "UTC" } as const;
    const dueTimes = () => store.turns.queued().map(({ taskDueAt }) => ((taskDueAt ?? 0) - clock.now()) / 60_000);
    const runAll = async () => {
      const seen: number[] = [];
      for (let due = dueTimes(); due.length > 0; due = dueTimes()) {
        seen.push(...due);
        endRun();
        wake.now();
        await clock.advance(5);
      }
      return seen.map(Math.round);
    };

    test("latest: once, for the newest time (D42)", async () => {
      inMs(-3 * hour - 600_000, { schedule: hourly });
      scheduler.start();
      await clock.advance(5);
      expect(await runAll()).toEqual([-10]);
    });

    test("all: one after the other, oldest first, each once, also when the host ends in between", async () => {
      const task = inMs(-3 * hour - 600_000, { schedule: hourly, missed: "all" });
      scheduler.start();
      await clock.advance(5);
      expect(dueTimes().map(Math.round)).toEqual([-190]);
      await scheduler.stop();
      scheduler = createScheduler({ store, clock, log: silentLog, wake, onWork: () => {} });
      scheduler.start();
      await clock.advance(5);
      expect(await runAll()).toEqual([-190, -130, -70, -10]);
      expect(store.tasks.waitingCount(task.id)).toBe(0);
    });

    test("all: at most twenty, however often the host is restarted", async () => {
      const task = inMs(-100 * hour, { schedule: hourly, missed: "all" });
      scheduler.start();
      await clock.advance(5);
      store.tasks.setNextRun(task.id, clock.now() - 50 * hour);
      wake.now();
      await clock.advance(5);
      expect(store.tasks.waitingCount(task.id)).toBe(20);
      expect(await runAll()).toHaveLength(21);
    });

    test("skip: not at all; a one-time task that is not done any more is told of, once", async () => {
      const repeated = inMs(-600_000, { schedule: hourly, missed: "skip" });
      const once = inMs(-600_000, { missed: "skip" });
      scheduler.start();
      await clock.advance(2_000);
      expect(queued()).toEqual([]);
      expect(store.tasks.runs(repeated.id, 5)).toMatchObject([
        { status: "skipped", error: expect.stringMatching(/missed runs are skipped/) },
      ]);
      expect(found(store.tasks.find(once.id))).toMatchObject({ status: "failed", nextRun: null });
      expect(sentTo(store)).toEqual([expect.stringMatching(/^Not done: .*stretch.*\(due 17:50, 10 min ago/)]);
    });

    test("stale: no good morning in the afternoon", async () => {
      const task = inMs(-600_000, { schedule: hourly, staleAfter: 300_000 });
      scheduler.start();
      await clock.advance(5);
      expect(queued()).toEqual([]);
      expect(store.tasks.runs(task.id, 5)).toMatchObject([
        { status: "skipped", error: expect.stringMatching(/too long ago/) },
      ]);
    });

    test("missed runs that wait end with a pause, and with the task", async () => {
      const task = inMs(-3 * hour - 600_000, { schedule: hourly, missed: "all" });
      scheduler.start();
      await clock.advance(5);
      dropRuns(store, task.id, "it was paused", clock.now());
      wake.now();
      await clock.advance(5);
      expect([queued(), store.tasks.waitingCount(task.id)]).toEqual([[], 0]);
    });
  });

  test("a task whose chat is gone is cancelled, and does not fail for ever (D43)", async () => {
    const task = inMs(100, { schedule: minute, folder: folderOf("gone"), chat: jidOf("local:gone") });
    scheduler.start();
    await clock.advance(300_000);
    expect(queued()).toEqual([]);
    expect(found(store.tasks.find(task.id)).status).toBe("cancelled");
    expect(store.tasks.runs(task.id, 5)).toMatchObject([
      { status: "skipped", error: expect.stringMatching(/not registered/) },
    ]);
  });

  test("the wall clock decides: a machine that slept is noticed within a second", async () => {
    inMs(3_600_000);
    scheduler.start();
    await clock.advance(10);
    clock.jump(3_600_000);
    await clock.advance(1_000);
    expect(queued()).toHaveLength(1);
  });

  test("a clock that goes back a little repeats nothing", async () => {
    inMs(1_000, { schedule: minute });
    scheduler.start();
    await clock.advance(1_100);
    endRun();
    clock.jump(-5_000);
    await clock.advance(10_000);
    expect(queued()).toEqual([]);
  });

  test("paused and cancelled tasks do not run", async () => {
    inMs(100, { status: "paused" });
    const cancelled = inMs(100);
    store.tasks.cancel(cancelled.id);
    scheduler.start();
    await clock.advance(1_000);
    expect(queued()).toEqual([]);
  });

  test("a thousand at once are all queued", async () => {
    for (let count = 0; count < 1_000; count += 1) inMs(100);
    scheduler.start();
    await clock.advance(200);
    expect(queued()).toHaveLength(1_000);
  });

  test("does not touch the database while nothing is due", async () => {
    inMs(3_600_000);
    let reads = 0;
    const due = store.tasks.due;
    store.tasks.due = (...values) => ((reads += 1), due(...values));
    scheduler.start();
    await clock.advance(600_000);
    expect(reads).toBe(1);
  });

  test("stops at once, as often as it is told", async () => {
    scheduler.start();
    await settled();
    await scheduler.stop();
    await scheduler.stop();
    expect(clock.sleepers()).toBe(0);
  });
});
