import type { Command } from "commander";
import { realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { systemClock } from "../clock.ts";
import { ConfigError } from "../config.ts";
import { homePaths, makeHome, type Home } from "../home.ts";
import { HomeInUseError } from "../main.ts";
import { moveFrom, previewMove } from "../moving-in/move-from.ts";
import type { MovedIn } from "../moving-in/move-settings.ts";
import { movedInWords } from "../moving-in/report.ts";
import { takeOverOldHome } from "../moving-in/take-over.ts";
import { lockHome } from "../store/home-lock.ts";
import { json } from "./display.ts";
import { CommandError } from "./outcome.ts";
import { logMovedIn } from "./tell-moved-in.ts";
import type { Terminal } from "./terminal.ts";

interface MoveInFlags {
  dryRun?: true;
  json?: true;
}

export function addMoveIn(program: Command, terminal: Terminal): void {
  program
    .command("move-in")
    .description("Take over groups, history, tasks and the WhatsApp link of the old system (stop that one first).")
    .argument("[old-folder]", "the old system's folder; nothing in it is changed. Default: this home itself")
    .option("--dry-run", "tell what would come along, and do nothing")
    .option("--json", "as JSON")
    .action((folder: string | undefined, flags: MoveInFlags) => moveIn(terminal, folder, flags));
}

async function moveIn(terminal: Terminal, folder: string | undefined, flags: MoveInFlags): Promise<void> {
  const config = terminal.config();
  const { env } = terminal;
  const home = homePaths(config.home);
  const from = folder === undefined ? home.root : realFolder(folder);
  const options = { home, config, clock: systemClock, personsHome: env["HOME"] ?? homedir(), env, from };
  if (flags.dryRun) {
    const report = previewMove(options);
    terminal.stdout.write(flags.json ? json({ report }) : report);
    return;
  }
  using _lock = lockFor(home);
  const moved = from === home.root ? await takeOverOldHome(options) : await moveFrom(options);
  if (!moved)
    throw new CommandError(`There is no old system in ${home.root}. Name its folder: nanoclaw move-in <folder>`);
  terminal.stdout.write(flags.json ? json(moved) : done(moved));
  await logMovedIn(home, config, moved);
  warnOfSettings(terminal);
}

const done = (moved: MovedIn): string =>
  `${movedInWords(moved)}Next: read that file, then npm run nanoclaw -- doctor, and npm start.\n`;

function realFolder(folder: string): string {
  try {
    const path = realpathSync(resolve(folder));
    if (statSync(path).isDirectory()) return path;
  } catch {
    // said below
  }
  throw new CommandError(`${folder} is no folder that can be read. Name the old system's folder.`, 2);
}

function lockFor(home: Home): Disposable {
  makeHome(home);
  const locked = lockHome(home.store, "nanoclaw move-in");
  if ("heldBy" in locked) throw new HomeInUseError(home.root, locked.heldBy);
  return locked.lock;
}

/** What came with the old `.env` counts from now on. */
function warnOfSettings({ config, stderr }: Terminal): void {
  try {
    config();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(`Everything came along, but nothing starts before this is put right. ${error.message}\n`);
  }
}
