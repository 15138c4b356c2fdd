import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import type { Command } from "commander";
import { durationWords } from "../domain/duration.ts";
import { scheduleWords } from "../domain/schedule-words.ts";
import { humanInZone } from "../domain/zone.ts";
import { ask, connect } from "./connection.ts";
import { columns, json, safeForTerminal } from "./display.ts";
import { CommandError } from "./outcome.ts";
import { taskOptions, taskWishes, type TaskFlags } from "./task-flags.ts";
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
  addAdd(tasks, terminal);
  addUpdate(tasks, terminal);
  addSteps(tasks, terminal);
}

function addAdd(tasks: Command, terminal: Terminal): void {
  const command = tasks
    .command("add")
    .description("Make a task. What its agent answers goes to the group's chat.")
    .requiredOption("--group <folder>", "the group that does it")
    .requiredOption("--prompt <text>", "what is to be done, complete in itself")
    .option("--chat <jid>", "where several chats belong to the group (default: its first one)");
  taskOptions(command)
    .option("--json", "as JSON")
    .action(async (flags: TaskFlags & { group: string; chat?: string; json?: true }) => {
      const { group, chat, json: asJson } = flags;
      const wishes = taskWishes(flags);
      if (wishes["schedule_type"] === undefined) throw new CommandError("Say when: give --cron, --every or --at.");
      using connection = await connect(terminal.config());
      const body = { group, ...(chat !== undefined && { chat }), ...wishes };
      const task = await ask<TaskView>(connection, "POST", "/control/tasks", body);
      terminal.stdout.write(asJson ? json(task) : told("Made", task));
    });
}

function addUpdate(tasks: Command, terminal: Terminal): void {
  const command = tasks
    .command("update")
    .description("Change a task: what is to be done, when, or how. What is not named stays.")
    .argument("<id>")
    .option("--prompt <text>", "what is to be done");
  taskOptions(command)
    .option("--json", "as JSON")
    .action(async (id: string, flags: TaskFlags & { json?: true }) => {
      const wishes = taskWishes(flags);
      using connection = await connect(terminal.config());
      const task = await ask<TaskView>(connection, "PATCH", `/control/tasks/${encodeURIComponent(id)}`, wishes);
      terminal.stdout.write(flags.json ? json(task) : told("Changed", task));
    });
}

const steps = [
  ["pause", "Paused", "Stop a task for a while. A run that has begun goes on."],
  ["resume", "Resumed", "Let a paused task go on at its next time; what fell into the pause is not made up for."],
  ["cancel", "Cancelled", "End a task for good."],
] as const;

function addSteps(tasks: Command, terminal: Terminal): void {
  for (const [step, done, description] of steps) {
    tasks
      .command(step)
      .description(description)
      .argument("<id>")
      .option("--json", "as JSON")
      .action(async (id: string, options: { json?: true }) => {
        using connection = await connect(terminal.config());
        const task = await ask<TaskView>(connection, "POST", `/control/tasks/${encodeURIComponent(id)}/${step}`);
        terminal.stdout.write(options.json ? json(task) : told(done, task));
      });
  }
}

function told(done: string, task: TaskView): string {
  const next = task.next_run === null ? "" : `Next run: ${task.next_run}\n`;
  return `${done} ${task.task_id}: ${safeForTerminal(task.prompt)}\n${words(task)}\n${next}`;
}

const words = (task: TaskView): string =>
  safeForTerminal(scheduleWords({ type: task.schedule_type, value: task.schedule_value, zone: task.zone }));

function listing(tasks: TaskView[]): string {
  if (tasks.length === 0)
    return 'There are no tasks. Make one: npm run nanoclaw -- chat "remind me in an hour to stretch"\n';
  const rows = tasks.map((task) => [
    task.task_id,
    task.group,
    task.status,
    task.next_run ?? "-",
    words(task),
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
    ["schedule", words(task)],
    ["as given", `${task.schedule_type} ${safeForTerminal(task.schedule_value)} (${task.zone})`],
    ["next run", task.next_run ?? "none"],
    ["context", task.context_mode],
    ["if missed", missedWords(task)],
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

function missedWords({ missed, stale_after: limit }: TaskView): string {
  const policies = { latest: "one late run", skip: "none", all: "each of them, at most 20" };
  return `${policies[missed]}${limit === null ? "" : `, not when more than ${durationWords(limit)} late`}`;
}
