import { expect, test } from "vitest";
import type { TaskView } from "../../protocol/index.ts";
import { choose } from "./reply-tasks.ts";
import { repetition } from "./say-task.ts";

const task = (id: string, text: string, changes: Partial<TaskView> = {}): TaskView => ({
  ...{ task_id: `task-0000000${id}`, group: "main", chat: "local:main", prompt: `Send this reminder: ${text}` },
  ...{ schedule_type: "once", schedule_value: "2026-11-23T09:00:00", zone: "Europe/Berlin" },
  ...{
    context_mode: "group",
    missed: "latest",
    stale_after: null,
    status: "active",
    next_run: "2026-11-23T09:00:00+01:00",
  },
  ...changes,
});
const tasks = [task("1", "call Ann"), task("2", "call Bob"), task("3", "stretch")];
const [ann, bob, stretch] = tasks;

test("numbers, the last, an id and words name tasks", () => {
  expect(choose({ kind: "numbers", numbers: [1, 3] }, tasks)).toEqual({ kind: "chosen", tasks: [ann, stretch] });
  expect(choose({ kind: "numbers", numbers: [-1] }, tasks)).toEqual({ kind: "chosen", tasks: [stretch] });
  expect(choose({ kind: "id", id: "task-00000002" }, tasks)).toEqual({ kind: "chosen", tasks: [bob] });
  expect(choose({ kind: "words", words: "STRETCH" }, tasks)).toEqual({ kind: "chosen", tasks: [stretch] });
});

test("what fits none or several is asked back", () => {
  expect(choose({ kind: "numbers", numbers: [1, 5] }, tasks).kind).toBe("unclear");
  expect(choose({ kind: "numbers", numbers: [0] }, tasks).kind).toBe("unclear");
  expect(choose({ kind: "only" }, tasks).kind).toBe("unclear");
  expect(choose({ kind: "words", words: "call" }, tasks)).toMatchObject({ kind: "unclear", from: [ann, bob] });
  expect(choose({ kind: "words", words: "dance" }, tasks)).toMatchObject({ reason: expect.stringContaining("dance") });
});

test.each([
  ["cron", "0 8 * * 1-5", "every weekday at 08:00"],
  ["cron", "15 7 * * *", "every day at 07:15"],
  ["cron", "0 18 * * 1,4", "every Monday and Thursday at 18:00"],
  ["cron", "0 9 1 * *", "on day 1 of every month at 09:00"],
  ["cron", "*/5 * * * *", "by the schedule */5 * * * *"],
  ["interval", "60000", "every minute"],
  ["interval", "7200000", "every 2 hours"],
  ["interval", "90000", "every 90 seconds"],
] as const)("%s %s is %s", (schedule_type, schedule_value, words) => {
  expect(repetition(task("1", "x", { schedule_type, schedule_value }))).toBe(words);
});
