import type { TaskView } from "../../protocol/index.ts";
import type { Situation } from "./desk.ts";
import type { Which } from "./intent.ts";
import { listed, sentence, taskTimes, taskTitle } from "./say-task.ts";

const none = "You have no reminders.";

export async function replyList(situation: Situation): Promise<string> {
  const tasks = await situation.desk.tasks();
  if (!tasks.ok) return `I could not look them up: ${sentence(tasks.reason)}`;
  if (tasks.value.length === 0) return none;
  return `You have ${counted(tasks.value.length)} (${situation.zone}):\n${numbered(tasks.value, situation)}`;
}

export async function replyCancel(which: Which, situation: Situation): Promise<string> {
  const tasks = await situation.desk.tasks();
  if (!tasks.ok) return `I could not look them up: ${sentence(tasks.reason)}`;
  if (tasks.value.length === 0) return "There is nothing to cancel: you have no reminders.";
  const choice = choose(which, tasks.value);
  if (choice.kind === "chosen") return cancelAll(choice.tasks, situation);
  const from = choice.from ?? tasks.value;
  return `${choice.reason}\n${numbered(tasks.value, situation, from)}`;
}

type Choice = { kind: "chosen"; tasks: TaskView[] } | { kind: "unclear"; reason: string; from?: TaskView[] };

const chosen = (tasks: TaskView[]): Choice => ({ kind: "chosen", tasks });
const unclear = (reason: string, from?: TaskView[]): Choice => ({ kind: "unclear", reason, ...(from && { from }) });

/** Which tasks are meant. Anything that fits none or several is asked back. */
export function choose(which: Which, tasks: TaskView[]): Choice {
  switch (which.kind) {
    case "all":
      return chosen(tasks);
    case "only":
      return tasks.length === 1 ? chosen(tasks) : unclear(`Which one? You have ${counted(tasks.length)}:`);
    case "numbers":
      return byNumbers(which.numbers, tasks);
    case "id":
      return oneOf(
        tasks.filter((task) => task.task_id === which.id),
        which.id,
      );
    case "words":
      return oneOf(
        tasks.filter((task) => mentions(task, which.words)),
        which.words,
      );
    default:
      return which satisfies never;
  }
}

function byNumbers(numbers: number[], tasks: TaskView[]): Choice {
  const found = numbers.map((number) => (number === -1 ? tasks.at(-1) : tasks[number - 1]));
  const there = found.filter((task) => task !== undefined);
  if (there.length === numbers.length) return chosen(there);
  return unclear(`You have only ${counted(tasks.length)}, so I cancelled nothing:`);
}

function oneOf(matches: TaskView[], words: string): Choice {
  if (matches.length === 1) return chosen(matches);
  if (matches.length === 0) return unclear(`I found no reminder for “${words}”. You have:`);
  return unclear(`More than one fits “${words}”. Which one?`, matches);
}

function mentions(task: TaskView, words: string): boolean {
  const prompt = task.prompt.toLowerCase();
  return words
    .toLowerCase()
    .split(" ")
    .every((word) => prompt.includes(word));
}

async function cancelAll(tasks: TaskView[], situation: Situation): Promise<string> {
  const done: string[] = [];
  const failed: string[] = [];
  for (const task of tasks) {
    const result = await situation.desk.cancel(task.task_id);
    const what = `“${taskTitle(task)}” (${taskTimes(task, situation.now)})`;
    if (result.ok) done.push(what);
    else failed.push(`I could not cancel ${what}: ${sentence(result.reason)}`);
  }
  return [...(done.length > 0 ? [`Cancelled: ${listed(done)}.`] : []), ...failed].join("\n");
}

/** Keeps each task's number in the whole list, also when only some are shown. */
function numbered(tasks: TaskView[], { now }: Situation, shown = tasks): string {
  return tasks
    .map((task, index) => ({ task, line: `${index + 1}. ${taskTitle(task)}: ${taskTimes(task, now)}` }))
    .filter(({ task }) => shown.includes(task))
    .map(({ line }) => line)
    .join("\n");
}

const counted = (count: number): string => (count === 1 ? "1 reminder" : `${count} reminders`);
