import { scheduleTypeSchema } from "@nanoclaw/agent-runner/protocol";
import type { Context, Hono } from "hono";
import { z } from "zod";
import { cancelTask, changeTask, makeTask, pauseTask, resumeTask } from "../domain/change-task.ts";
import type { Clock } from "../domain/clock.ts";
import { localJid, type Jid, type Parsed } from "../domain/ids.ts";
import { taskView, type Task } from "../domain/task.ts";
import { dropRuns } from "../store/drop-runs.ts";
import type { Store } from "../store/store.ts";
import { GroupError, noGroup } from "./group-error.ts";
import { chatNamed } from "./name-persons.ts";

export interface TaskRoutes {
  store: Store;
  clock: Clock;
  zone: string;
  onChange(): void;
}

const wishes = {
  zone: z.string().min(1).max(64).optional(),
  context_mode: z.enum(["group", "isolated"]).optional(),
  missed: z.enum(["latest", "skip", "all"]).optional(),
  stale_after: z.int().min(60_000).max(31_536_000_000).nullable().optional(),
};

export const addTaskSchema = z.strictObject({
  group: z.string().min(1),
  /** Where several chats belong to the group; default: its first one. */
  chat: z.string().min(1).optional(),
  prompt: z.string().min(1).max(65_536),
  schedule_type: scheduleTypeSchema,
  schedule_value: z.string().min(1).max(200),
  ...wishes,
});

export const updateTaskSchema = z.strictObject({
  prompt: z.string().min(1).max(65_536).optional(),
  schedule_type: scheduleTypeSchema.optional(),
  schedule_value: z.string().min(1).max(200).optional(),
  ...wishes,
});

/** Everything that can be done with tasks from the machine itself. */
export function addTasks(app: Hono, options: TaskRoutes): void {
  addLooking(app, options);
  app.post("/tasks", async (context) => {
    const body = addTaskSchema.safeParse(await bodyOf(context));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    const made = options.store.transaction(() => addTask(options, body.data));
    options.onChange();
    return context.json(taskView(made));
  });
  app.patch("/tasks/:id", async (context) => {
    const body = updateTaskSchema.safeParse(await bodyOf(context));
    if (!body.success) return context.json({ error: z.prettifyError(body.error) }, 400);
    return change(context, options, (task, now) => {
      const { task: changed, rescheduled } = valueOf(changeTask(task, body.data, now, now));
      return { task: changed, dropped: rescheduled ? "its schedule was changed" : null };
    });
  });
  app.post("/tasks/:id/pause", (context) =>
    change(context, options, (task) => ({ task: valueOf(pauseTask(task)), dropped: "it was paused" })),
  );
  app.post("/tasks/:id/resume", (context) =>
    change(context, options, (task, now) => ({ task: valueOf(resumeTask(task, now)), dropped: null })),
  );
  app.post("/tasks/:id/cancel", (context) =>
    change(context, options, (task) => ({ task: valueOf(cancelTask(task)), dropped: "it was cancelled" })),
  );
}

/** A host that runs for years has a long history. */
const MOST_LISTED = 1_000;

function addLooking(app: Hono, { store }: TaskRoutes): void {
  app.get("/tasks", (context) => {
    const all = context.req.query("all") === "true";
    return context.json((all ? store.tasks.newest(MOST_LISTED) : store.tasks.open(null, MOST_LISTED)).map(taskView));
  });
  app.get("/tasks/:id", (context) => {
    const task = store.tasks.find(context.req.param("id"));
    if (!task) return missing(context);
    return context.json({ ...taskView(task), last_result: task.lastResult, runs: store.tasks.runs(task.id, 10) });
  });
}

/** @param decide the task as it shall be, and why runs that wait to begin do not (null: they do). */
function change(
  context: Context,
  { store, clock, onChange }: TaskRoutes,
  decide: (task: Task, now: number) => { task: Task; dropped: string | null },
): Response {
  const changed = store.transaction(() => {
    const found = store.tasks.find(context.req.param("id") ?? "");
    if (!found) return undefined;
    const now = clock.now();
    const { task, dropped } = decide(found, now);
    store.tasks.update(task);
    if (dropped !== null) dropRuns(store, task.id, dropped, now);
    return task;
  });
  if (!changed) return missing(context);
  onChange();
  return context.json(taskView(changed));
}

function addTask(
  { store, clock, zone }: TaskRoutes,
  { group: name, chat, ...wanted }: z.infer<typeof addTaskSchema>,
): Task {
  const group = store.groups.find(name);
  if (!group) {
    const known = store.groups.list().map(({ folder }) => folder);
    throw noGroup(name, known);
  }
  const now = clock.now();
  const task = makeTask({
    wishes: wanted,
    folder: group.folder,
    chat: chatOf(store, group.folder, chat),
    zone: group.settings.zone ?? zone,
    turn: null,
    ...{ askedAt: now, now, open: store.tasks.openCount(group.folder) },
  });
  store.tasks.add(valueOf(task));
  return valueOf(task);
}

/** A chat where people are before the local one, which every group may have beside. */
function chatOf(store: Store, folder: Task["folder"], named: string | undefined): Jid {
  const chats = store.groups.chatsOf(folder).map(({ jid }) => jid);
  if (named !== undefined) {
    const jid = chatNamed(store, named);
    if (chats.includes(jid)) return jid;
    throw new GroupError(`The chat ${jid} does not belong to the group "${folder}". It has: ${chats.join(", ")}.`);
  }
  const chosen = chats.find((jid) => jid !== localJid(folder)) ?? chats[0];
  if (chosen === undefined) throw new GroupError(`The group "${folder}" has no chat yet.`);
  return chosen;
}

function valueOf<T>(parsed: Parsed<T>): T {
  if (parsed.ok) return parsed.value;
  throw new GroupError(capital(parsed.problem));
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function missing(context: Context): Response {
  const id = context.req.param("id") ?? "";
  return context.json({ error: `There is no task "${id}". The tasks there are: nanoclaw tasks list --all` }, 404);
}

const bodyOf = (context: Context): Promise<unknown> => context.req.json().catch(() => undefined);
