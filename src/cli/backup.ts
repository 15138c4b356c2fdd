import type { Command } from "commander";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { BackupError } from "../backup/backup-error.ts";
import { inMiB } from "../backup/free-space.ts";
import { assertState, makeBackup, type BackupReport } from "../backup/make-backup.ts";
import type { Checksums, LeftOut } from "../backup/manifest.ts";
import { noSink, readBackup, type WholeBackup } from "../backup/read-backup.ts";
import { chooseTarget } from "../backup/target.ts";
import { systemClock } from "../clock.ts";
import { assertWhole, homePaths } from "../home.ts";
import { allowlistPath } from "../runtime/extra-mounts.ts";
import { connectHost } from "./connection.ts";
import { json, safeForTerminal } from "./display.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

interface Options {
  force?: true;
  logs?: true;
  verify?: true;
  json?: true;
}

/** `backup`: everything that is state in one file. */
export function addBackup(program: Command, terminal: Terminal): void {
  program
    .command("backup")
    .description("Write one archive of everything: messages, groups, tasks, conversations, the WhatsApp link, .env.")
    .argument("[file]", "the archive, or a folder for it; without it, the home's own folder backups")
    .option("--force", "replace the file if it is there")
    .option("--logs", "with the log files")
    .option("--verify", "make no backup: read that file from end to end and say whether it is whole")
    .option("--json", "as JSON")
    .action(async (file: string | undefined, options: Options) => {
      if (!options.verify) return writeBackup(terminal, file, options);
      if (file === undefined) throw new CommandError("Which file? npm run nanoclaw -- backup --verify <file>", 2);
      await verifyBackup(terminal, file, options);
    });
}

async function writeBackup(terminal: Terminal, given: string | undefined, options: Options): Promise<void> {
  const { env, interrupted: signal, stdout, stderr } = terminal;
  const home = homePaths(terminal.homePath());
  assertWhole(home);
  assertState(home);
  const [now, force] = [systemClock.now(), options.force === true];
  const report = await makeBackup({
    ...{ home, now, signal, withLogs: options.logs === true },
    allowlist: allowlistPath(env["HOME"] ?? homedir()),
    target: chooseTarget({ home, given, force, now }),
    facts: { version: versionOf(terminal), zone: zoneOf(terminal), hostRunning: await isHostRunning(terminal) },
  });
  stdout.write(options.json ? json(asJson(report)) : describe(report));
  stderr.write(`${WARNING}\n`);
  if (missed(report.checksums).length > 0) throw new BackupError("The backup was written, but it is not complete.");
}

const WARNING =
  "Whoever has this file reads and writes as your WhatsApp account, has the keys from .env, and everybody's messages. Only this user may read it here; encrypt it before it leaves this machine (docs/backup.md).";

export async function verifyBackup(terminal: Terminal, file: string, options: { json?: true }): Promise<void> {
  const path = resolve(file);
  const whole = await readBackup(path, noSink, terminal.interrupted);
  const { manifest, checksums } = whole;
  const result = { file: path, whole: true, ...manifest, entries: checksums.entries.length, ...told(checksums) };
  terminal.stdout.write(options.json ? json(result) : describeWhole(path, whole));
}

export const versionOf = ({ root }: Terminal): string =>
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;

/** What a broken setting says about it is no reason to go without a backup. */
function zoneOf(terminal: Terminal): string {
  try {
    return terminal.config().zone;
  } catch {
    return Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}

const PATIENCE_MS = 3_000;

/** Only told, not relied on: one that does not answer is there all the same. */
async function isHostRunning(terminal: Terminal): Promise<boolean> {
  const patience = new AbortController();
  const silent = systemClock.sleep(PATIENCE_MS, patience.signal).then(() => true);
  try {
    const answers = connectHost(terminal.config()).then((host) => host !== undefined);
    return await Promise.race([answers, silent]);
  } catch {
    return false;
  } finally {
    patience.abort();
  }
}

const told = ({ leftOut, changed }: Checksums) => ({ leftOut, changed });

const asJson = ({ file, bytes, manifest, checksums, cleared }: BackupReport) => ({
  ...{ file, size: bytes, ...manifest, entries: checksums.entries.length, cleared },
  ...{ ...told(checksums), complete: missed(checksums).length === 0 },
});

const missed = ({ leftOut }: Checksums): LeftOut[] => leftOut.filter((one) => one.missed);

function describe({ file, bytes, manifest, checksums, cleared }: BackupReport): string {
  const how = manifest.hostRunning ? "while the host runs" : "no host runs";
  return [
    ...cleared.map((path) => `Removed what a backup that was cut off had left: ${path}`),
    `Backup written: ${file}`,
    `  ${inMiB(bytes)}, ${checksums.entries.length} entries, ${how}`,
    ...describeTold(checksums),
    `Check it:      npm run nanoclaw -- backup --verify ${file}`,
    `Bring it back: npm run nanoclaw -- restore ${file}`,
    "",
  ].join("\n");
}

function describeWhole(file: string, { manifest, checksums }: WholeBackup): string {
  const { created, version, bytes, hostRunning } = manifest;
  return [
    `${file} is whole.`,
    `  made ${created} by NanoClaw ${version}${hostRunning ? " while the host ran" : ""}`,
    `  ${checksums.entries.length} entries, about ${inMiB(bytes)} unpacked`,
    ...describeTold(checksums),
    "",
  ].join("\n");
}

const MOST_TOLD = 20;

export function describeTold({ leftOut, changed }: Pick<Checksums, "leftOut" | "changed">): string[] {
  const some = (lines: string[]) =>
    lines.length > MOST_TOLD
      ? [...lines.slice(0, MOST_TOLD), `  … and ${lines.length - MOST_TOLD} more (--json)`]
      : lines;
  return [
    ...some(leftOut.map(({ path, why }) => `  Not in it: ${safeForTerminal(path)}: ${why}`)),
    ...some(changed.map((path) => `  Changed while it was read, kept as it was read: ${safeForTerminal(path)}`)),
  ];
}
