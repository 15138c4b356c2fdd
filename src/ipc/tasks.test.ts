import { beforeEach, describe, expect, test } from "vitest";
import { toolResults, type TaskView } from "@nanoclaw/agent-runner/protocol";
import { noGroupDesk } from "../../test/group-desk-kit.ts";
import { addGroup, addTask, folderOf, found, resultOf, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, type ManualClock } from "../../test/manual-clock.ts";
import { newTurnId, randomName } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { executeRequest } from "./execute.ts";

const daily = { prompt: "say hello", schedule_type: "cron", schedule_value: "0 8 * * *" };

describe("the tools for tasks", () => {
  let store: Store;
  let clock: ManualClock;
  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    for (const folder of ["main", "family", "work"]) addGroup(store, folder);
  });

  /** What the agent of a running turn in that group calls. */
  const agent = (folder: string) => {
    const { turn } = startTurn(store, folder);
    return (tool: string, args: unknown) => {
      const request = { protocol: 1, turn: turn.id, attempt: 1, chat: `local:${folder}`, tool, args };
      const hooks = { groups: noGroupDesk, onOutbox: () => {}, onSchedule: () => {}, screen: (text: string) => text };
      const options = { store, clock, zone: "Europe/Berlin", ...hooks };
      return resultOf(executeRequest(options, folderOf(folder), randomName(16), request));
    };
  };
  const view = (result: unknown): TaskView => toolResults.update_task.parse(result);

  test("a task made in a turn can be listed, changed, paused, resumed and cancelled in the same turn (D45)", () => {
    const call = agent("family");
    const made = view(call("schedule_task", { ...daily, missed: "skip", stale_after: 7_200_000 }));
    expect(made).toMatchObject({
      zone: "Europe/Berlin",
      context_mode: "group",
      missed: "skip",
      stale_after: 7_200_000,
    });
    const { task_id } = made;
    expect(call("list_tasks", {})).toEqual({ tasks: [made] });
    const changed = view(call("update_task", { task_id, schedule_value: "0 9 * * *", zone: "Asia/Tokyo" }));
    expect(changed).toMatchObject({ task_id, prompt: "say hello", next_run: "2026-11-23T09:00:00+09:00" });
    expect(view(call("update_task", { task_id, stale_after: null, missed: "all" }))).toMatchObject({
      ...{ stale_after: null, missed: "all", next_run: changed.next_run },
    });
    expect(view(call("pause_task", { task_id }))).toMatchObject({ status: "paused", next_run: null });
    expect(call("list_tasks", {})).toMatchObject({ tasks: [{ task_id, status: "paused" }] });
    expect(view(call("resume_task", { task_id }))).toMatchObject({ status: "active", next_run: changed.next_run });
    expect(view(call("cancel_task", { task_id }))).toMatchObject({ status: "cancelled", next_run: null });
    expect(call("list_tasks", {})).toEqual({ tasks: [] });
  });

  test.each(["pause_task", "cancel_task", "update_task"])(
    "%s takes back a run that waits to begin, not one that has begun (D40)",
    (tool) => {
      const call = agent("main");
      const queued = addTask(store, { folder: folderOf("family") });
      const id = newTurnId();
      const facts = {
        folder: queued.folder,
        chat: queued.chat,
        kind: "task",
        taskId: queued.id,
        taskDueAt: 5,
      } as const;
      store.turns.add({ id, ...facts, status: "queued", queueSeq: 0, dueAt: 0, now: 5 });
      store.tasks.logQueued(queued.id, id, 5);
      const running = addTask(store, { folder: folderOf("work") });
      const { turn } = startTurn(store, "work", running);
      const later = tool === "update_task" ? { schedule_value: "2027-01-01T00:00:00" } : {};
      for (const { id: task_id } of [queued, running]) view(call(tool, { task_id, ...later }));
      expect([store.turns.find(id)?.status, store.turns.find(turn.id)?.status]).toEqual(["cancelled", "running"]);
      expect(store.tasks.runs(queued.id, 1)).toMatchObject([{ status: "cancelled" }]);
    },
  );

  test("a run is not taken back by a change of its words", () => {
    const task = addTask(store);
    const { turn } = startTurn(store, "family");
    const facts = { folder: task.folder, chat: task.chat, kind: "task", taskId: task.id, taskDueAt: 5 } as const;
    const id = newTurnId();
    store.turns.add({ id, ...facts, status: "queued", queueSeq: 0, dueAt: 0, now: 5 });
    store.turns.end(turn.id, "answered", 6);
    expect(view(agent("main")("update_task", { task_id: task.id, prompt: "other" }))).toMatchObject({
      prompt: "other",
    });
    expect(store.turns.find(id)?.status).toBe("queued");
  });

  test("a group that has 500 tasks cannot have another; other groups can", () => {
    store.tasks.openCount = (folder) => (folder === "family" ? 500 : 499);
    expect(agent("family")("schedule_task", daily)).toMatch(/"family" has 500 tasks/);
    expect(view(agent("work")("schedule_task", daily))).toMatchObject({ group: "work" });
  });

  test("another group's task is as if it were not there; main may change it", () => {
    const task = addTask(store, { folder: folderOf("work") });
    const call = agent("family");
    for (const tool of ["update_task", "pause_task", "resume_task", "cancel_task"]) {
      const args = { task_id: task.id, ...(tool === "update_task" && { prompt: "x" }) };
      expect(call(tool, args)).toBe(`there is no task ${task.id} in this group; list_tasks shows what there is`);
    }
    expect(found(store.tasks.find(task.id))).toEqual(task);
    expect(view(agent("main")("pause_task", { task_id: task.id }))).toMatchObject({ group: "work", status: "paused" });
  });

  test.each<[string, object, RegExp]>([
    ["schedule_task", { ...daily, stale_after: 5 }, /stale_after/],
    ["schedule_task", { ...daily, missed: "some" }, /missed/],
    ["schedule_task", { ...daily, schedule_type: "interval", schedule_value: "1000" }, /too short/],
    ["schedule_task", { ...daily, schedule_type: "interval", schedule_value: "9007199254740991" }, /too long/],
    ["update_task", { task_id: "task-00000000" }, /no task/],
    ["update_task", { task_id: "task-00000000", chat: "local:work" }, /chat/],
    ["pause_task", { task_id: "7" }, /task_id/],
    ["resume_task", {}, /task_id/],
  ])("%s %j is refused with the reason", (tool, args, words) => {
    expect(agent("family")(tool, args)).toMatch(words);
    expect(store.tasks.all()).toEqual([]);
  });
});
