import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import type { Command } from "commander";
import { humanInZone } from "../domain/zone.ts";
import { ask, connect } from "./connection.ts";
import { columns, json, safeForTerminal } from "./display.ts";
import type { Terminal } from "./terminal.ts";

interface TaskDetail extends TaskView {
  last_result: string | null;
  runs: { dueAt: number; status: string; durationMs: number | null; error: string | null }[];
}

export function addTasks(program: Command, terminal: Terminal): void {
  const tasks = program.command("tasks").description("Reminders and scheduled tasks.");
  tasks
    .command("list")
    .description("Tasks that will run, next one first.")
    .option("--all", "also those that are over")
    .option("--json", "as JSON")
    .action(async (options: { all?: true; json?: true }) => {
      using connection = await connect(terminal.config());
      const list = await ask<TaskView[]>(connection, "GET", `/control/tasks?all=${options.all === true}`);
      terminal.stdout.write(options.json ? json(list) : listing(list));
    });
  tasks
    .command("show")
    .description("One task with its last runs.")
    .argument("<id>")
    .option("--json", "as JSON")
    .action(async (id: string, options: { json?: true }) => {
      using connection = await connect(terminal.config());
      const task = await ask<TaskDetail>(connection, "GET", `/control/tasks/${encodeURIComponent(id)}`);
      terminal.stdout.write(options.json ? json(task) : details(task));
    });
  tasks
    .command("cancel")
    .description("End a task for good.")
    .argument("<id>")
    .action(async (id: string) => {
      using connection = await connect(terminal.config());
      const task = await ask<TaskView>(connection, "POST", `/control/tasks/${encodeURIComponent(id)}/cancel`);
      terminal.stdout.write(`Cancelled ${task.task_id}: ${safeForTerminal(task.prompt)}\n`);
    });
}

function listing(tasks: TaskView[]): string {
  if (tasks.length === 0)
    return 'There are no tasks. Make one: npm run nanoclaw -- chat "remind me in an hour to stretch"\n';
  const rows = tasks.map((task) => [
    task.task_id,
    task.group,
    task.status,
    task.next_run ?? "-",
    `${task.schedule_type} ${task.schedule_value} ${task.zone}`,
    safeForTerminal(task.prompt).replaceAll("\n", " ").slice(0, 60),
  ]);
  return `${columns([["ID", "GROUP", "STATUS", "NEXT RUN", "SCHEDULE", "WHAT"], ...rows])}\n`;
}

function details(task: TaskDetail): string {
  const rows = [
    ["id", task.task_id],
    ["group", task.group],
    ["chat", task.chat],
    ["status", task.status],
    ["schedule", `${task.schedule_type} ${task.schedule_value} (${task.zone})`],
    ["next run", task.next_run ?? "none"],
    ["context", task.context_mode],
    ["last result", safeForTerminal(task.last_result ?? "none yet")],
    ["what", safeForTerminal(task.prompt)],
  ];
  const runs = task.runs.map((run) => [
    `  ${humanInZone(run.dueAt, task.zone)}`,
    run.status,
    run.durationMs === null ? "" : `${run.durationMs} ms`,
    run.error ?? "",
  ]);
  return `${columns(rows)}\n${runs.length === 0 ? "" : `runs:\n${columns(runs)}\n`}`;
}
