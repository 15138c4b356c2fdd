import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import type { Folder, Jid, TaskId, TurnId } from "./ids.ts";
import type { Schedule } from "./schedule.ts";
import { isoInZone } from "./zone.ts";

export type TaskStatus = "active" | "paused" | "completed" | "cancelled" | "failed";

export interface Task {
  id: TaskId;
  folder: Folder;
  chat: Jid;
  prompt: string;
  schedule: Schedule;
  contextMode: "group" | "isolated";
  status: TaskStatus;
  nextRun: number | null;
  lastRun: number | null;
  lastResult: string | null;
  createdAt: number;
  createdTurn: TurnId | null;
}

/** A task as tools and commands show it. */
export function taskView(task: Task): TaskView {
  return {
    task_id: task.id,
    group: task.folder,
    chat: task.chat,
    prompt: task.prompt,
    schedule_type: task.schedule.type,
    schedule_value: task.schedule.value,
    zone: task.schedule.zone,
    context_mode: task.contextMode,
    status: task.status,
    next_run: task.nextRun === null ? null : isoInZone(task.nextRun, task.schedule.zone),
  };
}
