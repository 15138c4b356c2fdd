import { localJid } from "../src/domain/ids.ts";
import { silentLog } from "../src/domain/log.ts";
import { createWakeUp } from "../src/domain/wake-up.ts";
import { createScheduler } from "../src/schedule/scheduler.ts";
import { openStore } from "../src/store/store.ts";
import { createQueue } from "../src/turns/queue.ts";
import { settleAnswered } from "../src/turns/settle.ts";
import { addGroup, addTask, folderOf, found, taskIdOf } from "./ledger-kit.ts";
import { manualClock } from "./manual-clock.ts";

const HOUR_MS = 60 * 60_000;

export interface DueTasks {
  tasks: number;
  groups: number;
  /** How long each run takes, in simulated milliseconds. */
  runMs: number;
  /** Runs at once, over all groups. */
  limit: number;
}

export interface Fired {
  /** How often each task ran. */
  runs: Map<string, number>;
  /** Simulated milliseconds from the due time to the run's begin. */
  lateness: number[];
  wallMs: number;
}

/** One-time tasks, due at even distances over an hour of a simulated clock, through schedule and queue. */
export async function fireTasks({ tasks, groups, runMs, limit }: DueTasks): Promise<Fired> {
  using store = openStore(":memory:");
  const clock = manualClock();
  const start = clock.now();
  for (let group = 0; group < groups; group += 1) addGroup(store, `g${group}`);
  const first = addTask(store, { folder: folderOf("g0"), nextRun: start + 1 });
  store.transaction(() => {
    for (let at = 1; at < tasks; at += 1) {
      const id = taskIdOf(`task-${String(at).padStart(8, "0")}`);
      const group = `g${at % groups}`;
      const nextRun = start + 1 + Math.floor((at / tasks) * HOUR_MS);
      store.tasks.add({ ...first, id, folder: folderOf(group), chat: localJid(folderOf(group)), nextRun });
    }
  });
  const fired: Fired = { runs: new Map(), lateness: [], wallMs: 0 };
  const wake = { queue: createWakeUp(), scheduler: createWakeUp() };
  const run = async (claim: { turn: string; attempt: number }) => {
    const turn = found(store.turns.find(claim.turn));
    const name = String(turn.taskId);
    fired.runs.set(name, (fired.runs.get(name) ?? 0) + 1);
    fired.lateness.push(clock.now() - (turn.taskDueAt ?? 0));
    await clock.sleep(runMs);
    const at = { store, turn, attempt: claim.attempt, now: clock.now() };
    settleAnswered(at, { status: "ok", text: "done", session: null }, null);
    wake.scheduler.now();
  };
  const queue = createQueue({ store, clock, log: silentLog, limit, wake: wake.queue, run });
  const scheduler = createScheduler({ store, clock, log: silentLog, wake: wake.scheduler, onWork: wake.queue.now });
  const begun = performance.now();
  scheduler.start();
  queue.start();
  await clock.advance(HOUR_MS + 60_000);
  fired.wallMs = performance.now() - begun;
  await scheduler.stop();
  await queue.drain();
  return fired;
}
