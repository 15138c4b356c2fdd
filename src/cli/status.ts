import type { Command } from "commander";
import { ask, connect, HostSilentError } from "./connection.ts";
import { json, safeForTerminal } from "./display.ts";
import { CommandError } from "./outcome.ts";
import { lookAtHost } from "./status-facts.ts";
import { needsOf } from "./status-needs.ts";
import { statusText } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";

/** `status`, `why`, `stop` and `new`: what the assistant is doing, why it did or did not answer, its end, a new start. */
export function addLooking(program: Command, terminal: Terminal): void {
  program
    .command("status")
    .description("What runs, what waits, what comes next, what failed last, and what needs you.")
    .option("--json", "as JSON")
    .option("--check", "exit 1 when something needs you: for programs that watch over it")
    .action((options: StatusFlags) => showStatus(terminal, options));
  program
    .command("why")
    .description("Why the newest message of a chat was, or was not, answered.")
    .argument("[chat]", "a group's folder or a chat's id", "main")
    .option("--json", "as JSON")
    .action(async (chat: string, options: { json?: true }) => {
      using connection = await connect(terminal.config());
      const why = await ask<{ lines: string[]; message?: { text: string } }>(
        connection,
        "GET",
        `/control/why?chat=${encodeURIComponent(chat)}`,
      );
      const about = why.message ? [`"${safeForTerminal(why.message.text)}"`] : [];
      terminal.stdout.write(options.json ? json(why) : `${[...about, ...why.lines].join("\n")}\n`);
    });
  program
    .command("stop")
    .description("End what the assistant is doing in a group, and what waits there to be tried again.")
    .argument("<group>", "the group's folder")
    .action(async (group: string) => {
      using connection = await connect(terminal.config());
      const { stopped } = await ask<{ stopped: number }>(
        connection,
        "POST",
        `/control/groups/${encodeURIComponent(group)}/stop`,
      );
      terminal.stdout.write(
        stopped === 0 ? `Nothing runs or waits in ${group}.\n` : `Stopped in ${group}: ${stopped}.\n`,
      );
    });
  program
    .command("new")
    .description("Let the agent begin a new conversation in a group. Files, tasks and what search finds stay.")
    .argument("<group>", "the group's folder")
    .action(async (group: string) => {
      using connection = await connect(terminal.config());
      const { folder } = await ask<{ folder: string }>(
        connection,
        "POST",
        `/control/groups/${encodeURIComponent(group)}/new`,
      );
      terminal.stdout.write(`The next message in ${folder} begins a new conversation.\n`);
    });
}

interface StatusFlags {
  json?: true;
  check?: true;
}

async function showStatus(terminal: Terminal, { json: asJson, check }: StatusFlags): Promise<void> {
  try {
    const facts = await lookAtHost(terminal);
    const status = { ...facts, needs: needsOf(facts) };
    const width = Math.min(120, terminal.stdout.columns ?? 80);
    terminal.stdout.write(asJson ? json(status) : statusText(status, terminal.config().zone, width));
    const { length } = status.needs;
    if (check && length > 0) throw new CommandError(`${length} ${length === 1 ? "thing needs" : "things need"} you.`);
  } catch (error) {
    if (asJson && error instanceof HostSilentError) {
      terminal.stdout.write(json({ running: true, answers: false, ...error.holder, problem: error.message }));
    }
    throw error;
  }
}
