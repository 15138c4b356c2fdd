import type { Command } from "commander";
import { join } from "node:path";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { GroupView } from "../control/groups.ts";
import { parseDuration } from "../domain/duration.ts";
import { localJid, parseFolder } from "../domain/ids.ts";
import { homePaths } from "../home.ts";
import { ask, connect } from "./connection.ts";
import { safeForTerminal } from "./display.ts";
import { endOfLines, followLines, linesBackwards, openLogFiles } from "./log-files.ts";
import { isOfGroup, isTooOld, readableLine, type LineFilter } from "./log-line.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

interface LogOptions {
  follow?: true;
  lines?: string;
  json?: true;
  errors?: true;
  service?: true;
  group?: string;
  since?: string;
}

export function addLogs(program: Command, terminal: Terminal): void {
  program
    .command("logs")
    .description("What the host wrote down.")
    .option("-f, --follow", "go on with what is written from now on")
    .option("-n, --lines <number>", "how many lines of the past (default: 50; with --since all)")
    .option("--since <time>", "only what is not older, e.g. 10m, 2h, 1d")
    .option("--group <folder>", "only what concerns this group")
    .option("--errors", "only errors, which are kept longer")
    .option("--service", "what the host said before it had a log, as launchd or systemd kept it")
    .option("--json", "the lines as they are")
    .action((options: LogOptions) => logs(options, terminal));
}

async function logs(options: LogOptions, terminal: Terminal): Promise<void> {
  const config = terminal.config();
  const count = wantedLines(options);
  const filter = await wantedFilter(options, config);
  const folder = homePaths(config.home).logs;
  const following: Promise<void>[] = [];
  let isThere = false;
  for (const name of namesOf(options)) {
    const show = options.json ? (line: string) => line : options.service ? said(name) : readableLine;
    const write = (line: string) => void (line !== "" && terminal.stdout.write(`${show(line)}\n`));
    const path = join(folder, name);
    await using files = await openLogFiles(path);
    isThere ||= files.handles.length > 0;
    const end = files.handles[0] ? await endOfLines(files.handles[0]) : 0;
    (await pastLines(files.handles, options.follow ? end : undefined, count, filter)).forEach(write);
    if (!options.follow) continue;
    const wanted = (line: string) => isOfGroup(line, filter) && write(line);
    following.push(followLines(path, end, wanted, systemClock, terminal.interrupted));
  }
  if (!isThere && !options.follow) throw new CommandError(noneYet(options, folder));
  await Promise.all(following);
}

function namesOf({ errors, service }: LogOptions): string[] {
  if (service) return ["service.out.log", "service.err.log"];
  return [errors ? "nanoclaw.error.log" : "nanoclaw.log"];
}

/** Neither has lines of ours. */
const said = (name: string) => (line: string) => `${name.split(".")[1] ?? ""}  ${safeForTerminal(line)}`;

const noneYet = ({ service }: LogOptions, folder: string): string =>
  service
    ? `The service has said nothing yet: there is no service.out.log in ${folder}. Install it with: npm run nanoclaw -- service install`
    : `There is no log yet at ${join(folder, "nanoclaw.log")}; a host that runs writes it.`;

function wantedLines({ lines, since }: LogOptions): number {
  const count = Number(lines ?? (since === undefined ? 50 : Number.MAX_SAFE_INTEGER));
  if (!Number.isSafeInteger(count) || count < 0) throw new CommandError(`--lines ${lines}: that is no count.`, 2);
  return count;
}

async function wantedFilter({ since, group, service, errors }: LogOptions, config: Config): Promise<LineFilter> {
  if (service && (errors || since !== undefined || group !== undefined)) {
    throw new CommandError("--service goes without --errors, --since and --group: its lines are plain text.", 2);
  }
  const ago = since === undefined ? Infinity : parseDuration(since);
  if (ago === undefined) throw new CommandError(`--since ${since}: say for example 10m, 2h or 1d.`, 2);
  return {
    since: systemClock.now() - ago,
    group: group === undefined ? undefined : { folder: group, chats: await chatsOf(group, config) },
  };
}

/** A log can also be read where nothing else works. */
async function chatsOf(name: string, config: Config): Promise<ReadonlySet<string>> {
  const folder = parseFolder(name);
  if (!folder.ok) throw new CommandError(folder.problem, 2);
  const own = localJid(folder.value);
  const groups = await askGroups(config);
  if (!groups) return new Set([own]);
  const group = groups.find((one) => one.folder === name);
  if (!group && groups.length > 0) {
    throw new CommandError(`There is no group "${name}". There are: ${groups.map((one) => one.folder).join(", ")}.`);
  }
  return new Set([own, ...(group?.chats ?? []).map(({ jid }) => jid)]);
}

async function askGroups(config: Config): Promise<GroupView[] | undefined> {
  try {
    using connection = await connect(config, 5_000);
    return await ask<GroupView[]>(connection, "GET", "/control/groups");
  } catch {
    return undefined;
  }
}

type Files = Awaited<ReturnType<typeof openLogFiles>>["handles"];

/**
 * The newest lines that are wanted, oldest first; on into older files while there are too few.
 * @param newestEnd where somebody goes on reading; undefined: nobody does.
 */
async function pastLines(
  files: Files,
  newestEnd: number | undefined,
  count: number,
  filter: LineFilter,
): Promise<string[]> {
  const found: string[] = [];
  for (const [index, file] of files.entries()) {
    const end = (index === 0 ? newestEnd : undefined) ?? (await file.stat()).size;
    for await (const line of linesBackwards(file, end)) {
      if (found.length >= count) return found.reverse();
      if (line === "") continue;
      if (isTooOld(line, filter)) return found.reverse();
      if (isOfGroup(line, filter)) found.push(line);
    }
  }
  return found.reverse();
}
