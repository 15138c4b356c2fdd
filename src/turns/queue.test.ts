import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, found, jidOf, say, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, settled, type ManualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import { createWakeUp, type WakeUp } from "../domain/wake-up.ts";
import { openStore, type Store } from "../store/store.ts";
import { createQueue, type Claim, type Queue } from "./queue.ts";
import { settleAnswered, settleFailed } from "./settle.ts";

interface Run {
  claim: Claim;
  folder: string;
  answer(): Promise<void>;
  crash(): Promise<void>;
  /** Ends in the ledger what is not ended yet, and leaves. */
  leave(): Promise<void>;
}

describe("the queue", () => {
  let store: Store;
  let clock: ManualClock;
  let wake: WakeUp;
  let queue: Queue;
  let runs: Run[];

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    wake = createWakeUp();
    runs = [];
    for (const folder of ["a", "b", "c", "d"]) addGroup(store, folder);
  });
  afterEach(async () => {
    for (const run of runs) await run.leave();
    await queue.drain();
  });

  const start = (limit = 2) => {
    queue = createQueue({ store, clock, log: silentLog, limit, wake, run });
    queue.start();
  };
  const run = (claim: Claim) =>
    new Promise<void>((resolve) => {
      const turn = found(store.turns.find(claim.turn));
      const at = () => ({ store, turn, attempt: claim.attempt, now: clock.now() });
      const leave = async () => {
        resolve();
        await settled();
      };
      const answer = () => settleAnswered(at(), { status: "ok", text: "hi", session: null }, null);
      const crash = () => settleFailed(at(), { class: "crash", detail: "boom" });
      const after = (work: () => unknown) => async () => {
        work();
        await leave();
      };
      runs.push({ claim, folder: turn.folder, answer: after(answer), crash: after(crash), leave });
    });
  const hear = async (folder: string, text = "hi") => {
    say(store, text, { chat: jidOf(`local:${folder}`) });
    wake.now();
    await settled();
  };
  const started = () => runs.map(({ folder }) => folder).join("");
  const at = (index: number): Run => found(runs.at(index));

  test("claims at once, never more than the limit, and who waited longest is next", async () => {
    start(2);
    for (const folder of ["c", "a", "d", "b"]) await hear(folder);
    expect(started()).toBe("ca");
    await at(1).answer();
    expect(started()).toBe("cad");
    await at(0).answer();
    expect(started()).toBe("cadb");
    expect(queue.running()).toBe(2);
  });

  test("runs one turn per folder; what came meanwhile is the next turn, behind those who wait", async () => {
    start(1);
    await hear("a", "first");
    await hear("b");
    await hear("a", "second");
    store.turns.fixRange(at(0).claim.turn, 1, 1);
    await at(0).answer();
    expect(started()).toBe("ab");
    await at(1).answer();
    expect(started()).toBe("aba");
  });

  test("two chats of one folder take turns", async () => {
    addGroup(store, "a", { jid: jidOf("123@g.us"), folder: folderOf("a") });
    start(4);
    await hear("a");
    say(store, "from the other chat", { chat: jidOf("123@g.us") });
    wake.now();
    await settled();
    expect(started()).toBe("a");
    await at(0).answer();
    expect(found(store.turns.find(at(1).claim.turn)).chat).toBe("123@g.us");
  });

  test("an answered turn keeps its folder until its process is gone", async () => {
    start(2);
    await hear("a");
    const turn = found(store.turns.find(at(0).claim.turn));
    settleAnswered({ store, turn, attempt: 1, now: 1 }, { status: "ok", text: "", session: null }, null);
    await hear("a");
    expect(started()).toBe("a");
    await at(0).leave();
    expect(started()).toBe("aa");
  });

  test("a crashed turn comes again when it is due, with the next attempt, and others run meanwhile", async () => {
    start(1);
    await hear("a");
    await at(0).crash();
    await hear("b");
    expect(started()).toBe("ab");
    await at(1).answer();
    await clock.advance(4_900);
    expect(started()).toBe("ab");
    await clock.advance(200);
    expect(started()).toBe("aba");
    expect(at(2).claim).toEqual({ turn: at(0).claim.turn, attempt: 2 });
  });

  test("a flood of one group starves nobody", async () => {
    start(1);
    for (let count = 0; count < 20; count += 1) await hear("a", `flood ${count}`);
    await hear("b");
    store.turns.fixRange(at(0).claim.turn, 1, 1);
    await at(0).answer();
    store.turns.fixRange(at(1).claim.turn, 1, 20);
    await at(1).answer();
    await hear("a");
    expect(started()).toBe("aab");
  });

  test("a clock that jumps back an hour and more makes waiting turns due at once", async () => {
    start(1);
    await hear("a");
    clock.jump(86_400_000);
    await at(0).crash();
    clock.jump(-86_400_000);
    await clock.advance(1_100);
    expect(started()).toBe("aa");
  });

  test("that is seen behind a turn that is due soon, too", async () => {
    start(2);
    await hear("a");
    await hear("b");
    clock.jump(86_400_000);
    await at(0).crash();
    clock.jump(-86_400_000);
    for (let times = 0; times < 4; times += 1) {
      await at(-1).crash();
      await clock.advance(1_000);
    }
    expect(started()).toContain("aba");
  });

  test("a clock that jumps ahead makes them due within a second", async () => {
    start(1);
    await hear("a");
    await at(0).crash();
    clock.jump(86_400_000);
    await clock.advance(1_100);
    expect(started()).toBe("aa");
  });

  test("a due turn whose folder is busy does not keep the loop awake", async () => {
    start(2);
    await hear("a");
    const id = startTurn(store, "b").turn.id;
    store.turns.requeue(id, 0, false);
    store.turns.end(id, "cancelled", 1);
    const passes: number[] = [];
    const waiting = store.turns.waiting;
    store.turns.waiting = (now) => (passes.push(now), waiting(now));
    await hear("a");
    addTaskTurn(store, "a", clock.now());
    await clock.advance(10_000);
    expect(passes.length).toBeLessThan(30);
  });

  test("an adopted turn keeps its folder busy", async () => {
    start(2);
    const { promise, resolve } = Promise.withResolvers<void>();
    queue.occupy(folderOf("a"), promise);
    await hear("a");
    expect(started()).toBe("");
    resolve();
    await settled();
    expect(started()).toBe("a");
  });

  test("draining takes no new work and waits for what runs", async () => {
    start(1);
    await hear("a");
    let drained = false;
    const draining = queue.drain().then(() => (drained = true));
    await hear("b");
    await clock.advance(5_000);
    expect([started(), drained]).toEqual(["a", false]);
    await at(0).answer();
    await draining;
    expect(started()).toBe("a");
  });

  test("a database that fails for a while stops nothing for good", async () => {
    const claim = store.transaction;
    start(1);
    store.transaction = () => {
      throw Object.assign(new Error("database is locked"), { errcode: 5 });
    };
    await hear("a");
    expect(started()).toBe("");
    store.transaction = claim;
    await clock.advance(1_100);
    expect(started()).toBe("a");
  });
});

function addTaskTurn(store: Store, folder: string, now: number): void {
  store.turns.add({
    ...{ id: "tasktasktask" as never, folder: folderOf(folder), chat: jidOf(`local:${folder}`), kind: "task" },
    ...{ taskId: null, taskDueAt: null, status: "queued", queueSeq: 1, dueAt: now, now },
  });
}
