import { fireTasks } from "../test/due-tasks.ts";
import { quantile } from "./measure.ts";

/** What ten thousand tasks in an hour cost, as lines of text: the clock is simulated, the store is real. */
export async function scheduleFigures(): Promise<string> {
  const facts = { tasks: 10_000, groups: 50, runMs: 1_000, limit: 5 };
  const { runs, lateness, wallMs } = await fireTasks(facts);
  const once = [...runs.values()].filter((times) => times === 1).length;
  const late = [0.5, 0.99, 1].map((part) => `${Math.round(quantile(lateness, part))} ms`);
  return [
    `${facts.tasks} tasks due over an hour of a simulated clock, ${facts.groups} groups, runs of ${facts.runMs} ms, ${facts.limit} at once:`,
    `  ran once: ${once}; late by (simulated) median ${late[0]}, p99 ${late[1]}, most ${late[2]}`,
    `  real time: ${(wallMs / 1000).toFixed(1)} s, ${(wallMs / facts.tasks).toFixed(2)} ms a task`,
    "",
  ].join("\n");
}

if (import.meta.main) process.stdout.write(await scheduleFigures());
