import { DateTime } from "luxon";
import { describe, expect, test } from "vitest";
import { folderOf, jidOf } from "../../test/ledger-kit.ts";
import {
  cancelTask,
  changeTask,
  makeTask,
  pauseTask,
  resumeTask,
  type NewTaskFacts,
  type TaskWishes,
} from "./change-task.ts";
import type { Task } from "./task.ts";

const zone = "Europe/Berlin";
const at = (time: string) => DateTime.fromISO(time, { zone }).toMillis();
const now = at("2026-11-23T10:10");
const daily = { schedule_type: "cron", schedule_value: "0 8 * * *" } as const;

function made(wishes: Partial<NewTaskFacts["wishes"]> = daily): Task {
  const facts = { folder: folderOf("main"), chat: jidOf("local:main"), zone, turn: null, askedAt: now, now, open: 0 };
  const task = makeTask({ ...facts, wishes: { prompt: "x", ...daily, ...wishes } });
  if (!task.ok) throw new Error(task.problem);
  return task.value;
}

const problemOf = (parsed: { ok: boolean; problem?: string }) => (parsed.ok ? "done" : parsed.problem);
const change = (task: Task, wishes: TaskWishes) => changeTask(task, wishes, now, now);

test("a new task has the chat's zone, the group's conversation and the latest missed run (D46, D47)", () => {
  expect(made()).toMatchObject({
    ...{ contextMode: "group", missed: "latest", staleAfter: null, status: "active" },
    ...{ schedule: { type: "cron", value: "0 8 * * *", zone }, nextRun: at("2026-11-24T08:00") },
  });
});

test("a group has at most 500 tasks that may still run; the refusal says what to do", () => {
  const facts = { folder: folderOf("main"), chat: jidOf("local:main"), zone, turn: null, askedAt: now, now };
  const make = (open: number) => makeTask({ ...facts, open, wishes: { prompt: "x", ...daily } });
  expect(problemOf(make(499))).toBe("done");
  expect(problemOf(make(500))).toMatch(/"main" has 500 tasks .*cancel what is not needed/);
});

describe("a change", () => {
  const everyHour: Partial<Task> = { schedule: { type: "interval", value: "3600000", zone } };

  test("of the words alone leaves the next run where it is", () => {
    const task = made({ schedule_type: "interval", schedule_value: "3600000" });
    const changed = changeTask(
      task,
      { prompt: "y", missed: "all", stale_after: 60_000, zone: "UTC" },
      now,
      now + 60_000,
    );
    expect(changed).toMatchObject({ ok: true, value: { rescheduled: false } });
    expect(changed.ok && changed.value.task).toMatchObject({
      ...{ id: task.id, nextRun: task.nextRun, prompt: "y", missed: "all", staleAfter: 60_000 },
    });
  });

  test("of the time finds the next run anew; of the zone, too", () => {
    const later = change(made(), { schedule_value: "0 11 * * *" });
    expect(later).toMatchObject({ value: { rescheduled: true, task: { nextRun: at("2026-11-23T11:00") } } });
    const zoned = change(made(), { zone: "Asia/Tokyo" });
    expect(zoned).toMatchObject({ value: { task: { nextRun: at("2026-11-24T00:00") } } });
  });

  test("to no limit is a change; a limit that is not named stays", () => {
    const task = made({ stale_after: 60_000 });
    expect(change(task, { stale_after: null })).toMatchObject({ value: { task: { staleAfter: null } } });
    expect(change(task, { prompt: "y" })).toMatchObject({ value: { task: { staleAfter: 60_000 } } });
  });

  test.each<[string, Partial<Task>, TaskWishes, RegExp]>([
    ["that names nothing", {}, {}, /at least one thing/],
    ["of the type alone", {}, { schedule_type: "interval" }, /needs its schedule_value/],
    ["to every second (D45)", {}, { schedule_type: "interval", schedule_value: "1000" }, /shortest is 60000/],
    ["to a time that is past", {}, { schedule_type: "once", schedule_value: "2026-11-23T10:00:00" }, /in the past/],
    ["to no zone", {}, { zone: "Mars" }, /IANA/],
    ["of an interval to no zone", everyHour, { zone: "Foo/Bar" }, /"Foo\/Bar" is no IANA/],
    ["of an interval to no zone, beside other words", everyHour, { zone: "", prompt: "y" }, /IANA/],
    ["of one that is over", { status: "completed" }, { prompt: "y" }, /completed already.*make a new one/],
  ])("%s is refused in words", (_name, state, wishes, words) => {
    expect(problemOf(change({ ...made(), ...state }, wishes))).toMatch(words);
  });
});

describe("a pause", () => {
  const paused = (wishes?: Partial<NewTaskFacts["wishes"]>): Task => ({ ...made(wishes), status: "paused" });

  test("ends at the next time, not with what fell into it (D42)", () => {
    const later = at("2026-11-26T10:10");
    expect(resumeTask(paused(), later)).toMatchObject({ value: { status: "active", nextRun: at("2026-11-27T08:00") } });
    const hourly = paused({ schedule_type: "interval", schedule_value: "3600000" });
    expect(resumeTask(hourly, later)).toMatchObject({ value: { nextRun: at("2026-11-26T11:10") } });
    expect(resumeTask(hourly, now + 5)).toMatchObject({ value: { nextRun: hourly.nextRun } });
  });

  test("that a one-time task's time fell into is ended by a new time only", () => {
    const once = paused({ schedule_type: "once", schedule_value: "2026-11-23T12:00:00" });
    expect(problemOf(resumeTask(once, at("2026-11-23T13:00")))).toMatch(/passed while it was paused/);
    const moved = changeTask(once, { schedule_value: "2026-11-23T14:00:00" }, now, now);
    expect(moved).toMatchObject({ value: { task: { status: "paused" } } });
    expect(moved.ok && resumeTask(moved.value.task, at("2026-11-23T13:00"))).toMatchObject({
      value: { nextRun: at("2026-11-23T14:00") },
    });
  });

  test("and what cannot be: twice, of what runs, of what is over", () => {
    expect(problemOf(pauseTask(paused()))).toMatch(/paused already/);
    expect(problemOf(resumeTask(made(), now))).toMatch(/not paused/);
    expect(problemOf(pauseTask({ ...made(), status: "failed" }))).toMatch(/failed already/);
    expect(problemOf(cancelTask({ ...made(), status: "cancelled" }))).toMatch(/cancelled already/);
  });
});
