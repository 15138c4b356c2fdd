import { Cron } from "croner";
import { DateTime } from "luxon";
import { toolArguments, type TaskView, type ToolArguments } from "../../container/agent-runner/src/protocol/index.ts";
import type { ToolOutcome } from "../../container/agent-runner/src/backends/backend.ts";
import type { DialogueWorld, FiredTask, ToolHost } from "./tool-host.ts";

interface Task {
  view: TaskView;
  next: number;
}

const refused = (error: string): ToolOutcome => ({ ok: false, error });

/** The host's rules for tasks, as far as dialogues see them, in memory. */
export function memoryToolHost(world: DialogueWorld): ToolHost {
  const tasks: Task[] = [];
  const inOrder = (): Task[] => tasks.sort((a, b) => a.next - b.next);
  const iso = (ms: number, zone: string): string => DateTime.fromMillis(ms, { zone }).toISO() ?? "";

  const schedule = (args: ToolArguments<"schedule_task">): ToolOutcome => {
    const zone = args.zone ?? world.chat.zone;
    const next = firstRun(args, zone, world.now());
    if (next === undefined || next <= world.now()) return refused("The time is not in the future.");
    const id = `task-${String(tasks.length).padStart(8, "0")}`;
    const { prompt, schedule_type, schedule_value, context_mode = "group" } = args;
    const view: TaskView = {
      ...{ task_id: id, group: world.chat.folder, chat: world.chat.jid, prompt, schedule_type, schedule_value, zone },
      ...{ context_mode, status: "active", next_run: iso(next, zone) },
    };
    tasks.push({ view, next });
    return { ok: true, result: view };
  };

  const cancel = (id: string): ToolOutcome => {
    const index = tasks.findIndex((task) => task.view.task_id === id);
    const [task] = index < 0 ? [] : tasks.splice(index, 1);
    if (!task) return refused(`There is no task ${id}.`);
    return { ok: true, result: { ...task.view, status: "cancelled", next_run: null } };
  };

  const fire = (task: Task): FiredTask => {
    const { task_id: id, prompt, zone } = task.view;
    const fired = { id, prompt, due: iso(task.next, world.chat.zone) };
    if (task.view.schedule_type === "once") tasks.splice(tasks.indexOf(task), 1);
    else task.next = firstRun(task.view, zone, task.next) ?? Infinity;
    return fired;
  };

  const call = (tool: string, args: unknown): ToolOutcome => {
    switch (tool) {
      case "schedule_task":
        return schedule(toolArguments.schedule_task.parse(args));
      case "list_tasks":
        return { ok: true, result: { tasks: inOrder().map((task) => task.view) } };
      case "cancel_task":
        return cancel(toolArguments.cancel_task.parse(args).task_id);
      case "search_messages":
        return { ok: true, result: search(toolArguments.search_messages.parse(args), world) };
      default:
        return refused(`no tool ${tool}`);
    }
  };

  return {
    tools: { call: (tool, args) => Promise.resolve(call(tool, args)) },
    advance(toMs) {
      const fired: FiredTask[] = [];
      for (let next = inOrder()[0]; next && next.next <= toMs; next = inOrder()[0]) fired.push(fire(next));
      return Promise.resolve(fired);
    },
  };
}

type Scheduled = Pick<TaskView, "schedule_type" | "schedule_value">;

function firstRun({ schedule_type, schedule_value }: Scheduled, zone: string, after: number): number | undefined {
  if (schedule_type === "interval") return after + Number(schedule_value);
  if (schedule_type === "once") return DateTime.fromISO(schedule_value, { zone }).toMillis();
  return new Cron(schedule_value, { timezone: zone }).nextRun(new Date(after))?.getTime();
}

function search({ query, limit = 20 }: ToolArguments<"search_messages">, { history }: DialogueWorld): unknown {
  const words = query.toLowerCase().split(/\s+/);
  const fits = history.filter(({ text }) => words.every((word) => text.toLowerCase().includes(word)));
  return { messages: fits.reverse().slice(0, limit), more: fits.length > limit };
}
