import type { DateTime } from "luxon";
import { toolResults, type TaskView, type ToolArguments, type ToolResult } from "../../protocol/index.ts";
import type { ToolClient } from "../backend.ts";

export type Done<T> = { ok: true; value: T } | { ok: false; reason: string };

type DeskTool = "schedule_task" | "list_tasks" | "cancel_task" | "search_messages";

/** The four things this assistant asks of the host, typed. */
export interface Desk {
  schedule(task: ToolArguments<"schedule_task">): Promise<Done<TaskView>>;
  /** This group's tasks as the person last saw them: cancelling does not renumber them within a turn. */
  tasks(): Promise<Done<TaskView[]>>;
  cancel(id: string): Promise<Done<TaskView>>;
  search(query: string): Promise<Done<ToolResult<"search_messages">>>;
}

export function createDesk(tools: () => Promise<ToolClient>, group: string): Desk {
  let seen: TaskView[] | undefined;
  const call = async <Name extends DeskTool>(
    tool: Name,
    args: ToolArguments<Name>,
  ): Promise<Done<ToolResult<Name>>> => {
    const client = await tools();
    const outcome = await client.call(tool, args);
    if (!outcome.ok) return { ok: false, reason: outcome.error };
    return { ok: true, value: toolResults[tool].parse(outcome.result) as ToolResult<Name> };
  };
  return {
    schedule(task) {
      seen = undefined;
      return call("schedule_task", task);
    },
    async tasks() {
      if (seen) return { ok: true, value: seen };
      const listed = await call("list_tasks", {});
      if (!listed.ok) return listed;
      // In the main group the host shows every group's tasks; "cancel all" must not reach those.
      seen = listed.value.tasks.filter((task) => task.group === group);
      return { ok: true, value: seen };
    },
    cancel: (task_id) => call("cancel_task", { task_id }),
    search: (query) => call("search_messages", { query, limit: 10 }),
  };
}

/** What every reply needs to know. */
export interface Situation {
  desk: Desk;
  /** In the chat's zone. */
  now: DateTime;
  zone: string;
  /** The name to put on a reminder, in chats where several people write. */
  person: string | undefined;
  /** True when an earlier attempt at this turn may already have acted. */
  repeated: boolean;
}
