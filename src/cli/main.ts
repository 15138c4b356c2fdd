import { Command, CommanderError } from "commander";
import { constants, homedir } from "node:os";
import { ConfigError, defaultHomeOf, homeAt, loadConfig } from "../config.ts";
import { addAuth } from "./auth.ts";
import { addBackup } from "./backup.ts";
import { addChat } from "./chat.ts";
import { addDoctor } from "./doctor.ts";
import { addGroups } from "./groups.ts";
import { addLogs } from "./logs.ts";
import { addMoveIn } from "./move-in.ts";
import { CommandError } from "./outcome.ts";
import { addSetup } from "./setup.ts";
import { addLooking } from "./status.ts";
import { addRestore } from "./restore.ts";
import { addService } from "./service.ts";
import { addStart } from "./start.ts";
import { addTasks } from "./tasks.ts";
import type { Terminal } from "./terminal.ts";

/** Bad usage or settings are exit 2, everything else that goes wrong is exit 1. */
const USAGE = 2;

/** Runs one command line and sets the exit code. */
export async function main({ root }: { root: string }): Promise<void> {
  const defaultHome = defaultHomeOf(root, homedir());
  const { stdin, stdout, stderr, env } = process;
  const terminal: Terminal = {
    config: () => loadConfig({ env, defaultHome }),
    homePath: () => homeAt(env["NANOCLAW_HOME"] || defaultHome),
    root,
    ...{ env, stdin, stdout, stderr },
    interrupted: interruption(),
  };
  // A reader that left early (| head) is no failure of ours; what is ending already ends in order.
  for (const stream of [stdout, stderr]) {
    stream.on("error", () => {
      if (!terminal.interrupted.aborted) process.exit(0);
    });
  }
  try {
    await createProgram(terminal).parseAsync();
  } catch (error) {
    process.exitCode = report(error, stderr);
  }
}

export function createProgram(terminal: Terminal): Command {
  const program = new Command("nanoclaw")
    .description("Your assistant over chat: a small host on this machine, every turn in a process of its own.")
    .helpCommand(true)
    .showHelpAfterError("Help: nanoclaw --help");
  const add = [
    addSetup,
    addStart,
    addService,
    addChat,
    addAuth,
    addLooking,
    addGroups,
    addTasks,
    addLogs,
    addDoctor,
    addBackup,
    addRestore,
    addMoveIn,
  ];
  for (const addCommand of add) addCommand(program, terminal);
  exitBySignal(program);
  return program;
}

/** Errors of the command line are thrown, so that they get our exit code. */
function exitBySignal(command: Command): void {
  command.exitOverride();
  command.commands.forEach(exitBySignal);
}

function report(error: unknown, stderr: NodeJS.WriteStream): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  const text = error instanceof Error ? error.message : String(error);
  const expected = error instanceof CommandError || error instanceof ConfigError || isNamed(error);
  stderr.write(`${expected ? text : error instanceof Error ? (error.stack ?? text) : text}\n`);
  return error instanceof ConfigError ? USAGE : error instanceof CommandError ? error.exitCode : 1;
}

/** Errors whose message was written for a person. */
const isNamed = (error: unknown): boolean =>
  error instanceof Error && ["HomeInUseError", "StoreError", "ServiceError", "BackupError"].includes(error.name);

function interruption(): AbortSignal {
  const controller = new AbortController();
  // A terminal that is closed; under nohup nobody sits there, and a listener would undo it.
  const hangUp = process.stdin.isTTY ? (["SIGHUP"] as const) : [];
  for (const signal of [...(["SIGINT", "SIGTERM"] as const), ...hangUp]) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(128 + constants.signals[signal]);
      controller.abort(signal);
    });
  }
  return controller.signal;
}
