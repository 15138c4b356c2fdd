import type { Command } from "commander";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { systemClock } from "../clock.ts";
import { homePaths } from "../home.ts";
import { safeForTerminal } from "./display.ts";
import type { Terminal } from "./terminal.ts";
import { CommandError } from "./outcome.ts";

interface LogOptions {
  follow?: true;
  lines: string;
  json?: true;
}

const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 250;

export function addLogs(program: Command, terminal: Terminal): void {
  program
    .command("logs")
    .description("What the host wrote down.")
    .option("-f, --follow", "go on with what is written from now on")
    .option("-n, --lines <number>", "how many lines of the past", "50")
    .option("--json", "the lines as they are")
    .action((options: LogOptions) => logs(options, terminal));
}

async function logs(options: LogOptions, terminal: Terminal): Promise<void> {
  const count = Number(options.lines);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new CommandError(`--lines ${options.lines}: that is no count.`, 2);
  const path = join(homePaths(terminal.config().home).logs, "nanoclaw.log");
  const write = (line: string) => terminal.stdout.write(`${options.json ? line : readable(line)}\n`);
  const past = await readFrom(path, 0);
  if (!past && !options.follow) throw new CommandError(`There is no log yet at ${path}; a host that runs writes it.`);
  const lines = past?.text.split("\n").filter(Boolean) ?? [];
  lines.slice(lines.length - Math.min(count, lines.length)).forEach(write);
  if (options.follow) await follow(path, past?.end ?? 0, write, terminal.interrupted);
}

/** A file that became shorter was rotated: the new one is read from its beginning. */
async function follow(path: string, from: number, write: (line: string) => void, signal: AbortSignal): Promise<void> {
  let end = from;
  let rest = "";
  while (!signal.aborted) {
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size < end) end = 0;
    const news = size > end ? await readFrom(path, end) : undefined;
    if (news) {
      const lines = (rest + news.text).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(write);
      end = news.end;
    }
    await systemClock.sleep(POLL_MS, signal);
  }
}

async function readFrom(path: string, start: number): Promise<{ text: string; end: number } | undefined> {
  const file = await open(path).catch(() => undefined);
  if (!file) return undefined;
  try {
    const decoder = new StringDecoder("utf8");
    const buffer = Buffer.alloc(CHUNK_BYTES);
    let text = "";
    let end = start;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, end);
      if (bytesRead === 0) return { text, end };
      text += decoder.write(buffer.subarray(0, bytesRead));
      end += bytesRead;
    }
  } finally {
    await file.close();
  }
}

const LEVELS: Record<number, string> = { 10: "trace", 20: "debug", 30: "info", 40: "WARN", 50: "ERROR", 60: "FATAL" };

function readable(line: string): string {
  try {
    const { time, level, msg, ...rest } = JSON.parse(line) as { time: string; level: number; msg: string };
    const data = Object.entries(rest).map(
      ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    return safeForTerminal(`${time} ${(LEVELS[level] ?? "").padEnd(5)} ${msg}  ${data.join(" ")}`.trimEnd());
  } catch {
    return safeForTerminal(line); // half a line after a crash
  }
}
