import type { Command } from "commander";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { restoreBackup, type RestoreReport } from "../backup/restore-backup.ts";
import { systemClock } from "../clock.ts";
import { ConfigError, loadConfig } from "../config.ts";
import { homePaths } from "../home.ts";
import { allowlistPath } from "../runtime/extra-mounts.ts";
import { describeTold, verifyBackup } from "./backup.ts";
import { json } from "./display.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

interface Options {
  replace?: true;
  force?: true;
  check?: true;
  json?: true;
}

/** `restore`: a home as it was at a backup. */
export function addRestore(program: Command, terminal: Terminal): void {
  program
    .command("restore")
    .description("Bring back what a backup holds. Checks all of it first; a damaged one changes nothing.")
    .argument("<file>", "the archive")
    .option("--replace", "put what is in the home aside, into a folder there, and take the backup instead")
    .option("--force", "the same as --replace")
    .option("--check", "restore nothing: say whether the file is whole")
    .option("--json", "as JSON")
    .action((file: string, options: Options) =>
      options.check ? verifyBackup(terminal, file, options) : restore(terminal, file, options),
    );
}

async function restore(terminal: Terminal, file: string, options: Options): Promise<void> {
  const { env, interrupted: signal, stdout } = terminal;
  makeRoot(terminal.homePath());
  const home = homePaths(terminal.homePath());
  const report = await restoreBackup({
    ...{ file: resolve(file), home, signal, now: systemClock.now() },
    replace: options.replace === true || options.force === true,
    allowlist: allowlistPath(env["HOME"] ?? homedir()),
    ageLimit: (folder) => ageLimitIn(terminal, folder),
  });
  stdout.write(options.json ? json(report) : describe(report));
}

function makeRoot(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(`The home ${path} cannot be made: ${(error as Error).message}.`);
  }
}

/** By the settings that come with the backup; its start says what is wrong with them. */
function ageLimitIn({ env }: Terminal, folder: string): number {
  const read = (from: NodeJS.ProcessEnv) => loadConfig({ env: from, defaultHome: folder });
  try {
    return read({ ...env, NANOCLAW_HOME: folder }).settings.NANOCLAW_MESSAGE_AGE_LIMIT;
  } catch (error) {
    if (error instanceof ConfigError) return DAY_MS;
    throw error;
  }
}

const DAY_MS = 24 * 60 * 60_000;

function describe(report: RestoreReport): string {
  const { home, version, created, aside, passedOver } = report;
  return [
    `Restored to ${home}: the backup of ${created}, made by NanoClaw ${version}.`,
    ...describeTold(report),
    ...(aside === null ? [] : [`What was there before lies in ${aside}; remove it when nothing is missing.`]),
    ...allowlistWords[report.allowlist],
    ...(passedOver > 0
      ? [`Messages that waited for an answer and are too old for one by now; they are context: ${passedOver}.`]
      : []),
    ...(report.linked ? linkedNext : []),
    "What happened after the backup is not here: a reminder of that time may come again, and what was not answered then is answered now.",
    "Next: npm start",
    "",
  ].join("\n");
}

const linkedNext = [
  "The old machine must not run NanoClaw any more: two with one WhatsApp link throw each other out (440).",
  'If phones show "Waiting for this message" for long, link this machine anew: npm run auth -- --force',
];

const allowlistWords: Record<RestoreReport["allowlist"], string[]> = {
  none: [],
  same: [],
  restored: ["The list of folders that groups may see is in its place (~/.config/nanoclaw/mount-allowlist.json)."],
  kept: [
    "The list of folders that groups may see differs from the backup's and was kept (~/.config/nanoclaw/mount-allowlist.json).",
  ],
};
