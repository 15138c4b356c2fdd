import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import type { Folder, Jid, TaskId, TurnId } from "./ids.ts";
import type { MissedPolicy } from "./missed.ts";
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
  /** What becomes of runs whose time came while the host was not running. */
  missed: MissedPolicy;
  /** Milliseconds after which a late run is not worth doing; null: no limit. */
  staleAfter: number | null;
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
    missed: task.missed,
    stale_after: task.staleAfter,
    status: task.status,
    next_run: task.nextRun === null || task.status === "paused" ? null : isoInZone(task.nextRun, task.schedule.zone),
  };
}
