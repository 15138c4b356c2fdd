import type { Command } from "commander";
import { createInterface } from "node:readline/promises";
import type { GroupView } from "../control/groups.ts";
import type { Purged } from "../control/purge.ts";
import { ask, connect } from "./connection.ts";
import { json } from "./display.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

interface RemoveFlags {
  purge?: true;
  yes?: true;
  json?: true;
}

export function addRemove(groups: Command, terminal: Terminal): void {
  groups
    .command("remove")
    .description(
      "Take a group out of service: its runs end, its tasks are cancelled. Its files and what was said stay.",
    )
    .argument("<folder>")
    .option("--purge", "delete its files and what was said as well; also what is left of a group removed before")
    .option("--yes", "do not ask before that")
    .option("--json", "as JSON")
    .action((folder: string, flags: RemoveFlags) =>
      flags.purge ? purge(folder, flags, terminal) : remove(folder, flags, terminal),
    );
}

async function remove(folder: string, flags: RemoveFlags, terminal: Terminal): Promise<void> {
  using connection = await connect(terminal.config());
  const removed = await ask<GroupView>(connection, "DELETE", `/control/groups/${encodeURIComponent(folder)}`);
  const words = `Removed ${removed.folder}. Its files stay in groups/${removed.folder}; to delete them too: nanoclaw groups remove ${removed.folder} --purge\n`;
  terminal.stdout.write(flags.json ? json(removed) : words);
}

async function purge(folder: string, flags: RemoveFlags, terminal: Terminal): Promise<void> {
  if (!flags.yes) await confirm(folder, terminal);
  using connection = await connect(terminal.config());
  const purged = await ask<Purged>(connection, "POST", `/control/groups/${encodeURIComponent(folder)}/purge`);
  const words = `Removed ${purged.folder} and what was said in it. Deleted:\n${purged.removed.map((path) => `  ${path}\n`).join("")}`;
  terminal.stdout.write(flags.json ? json(purged) : words);
}

/** @throws {CommandError} unless a person says so. */
async function confirm(folder: string, { stdin, stderr, interrupted }: Terminal): Promise<void> {
  if (!stdin.isTTY) throw new CommandError("--purge deletes for good; without a terminal to ask in, add --yes.", 2);
  using reader = createInterface({ input: stdin, output: stderr });
  const question = `This deletes the files, the memory and the history of "${folder}" for good. Type its name to go on: `;
  const answer = await reader.question(question, { signal: interrupted });
  if (answer.trim() !== folder) throw new CommandError("Nothing was deleted.");
}
