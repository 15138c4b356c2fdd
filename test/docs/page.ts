import { mkdirSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { installKiroCli } from "../kiro-cli/bundle.ts";
import { makeClone } from "./clone.ts";
import { saysAsShown } from "./compare-output.ts";
import { openPhone } from "./phone.ts";
import { putIn } from "./placeholders.ts";
import { isShell, readPage, type Block, type Words } from "./read-page.ts";
import { openShell, type Said, type Shell } from "./shell.ts";
import { nameOf, splitCommands } from "./split-commands.ts";

/** One command of a page that is to be run. */
export interface Step {
  /** `<page>:<line>: <command>` */
  name: string;
  command: string;
  words: Words;
  /** The first and the last one of its block. */
  isFirst: boolean;
  isLast: boolean;
  /** What the page shows of the block's output. */
  shown: string | undefined;
}

/** The commands of a page in order, but those that are marked as not runnable. */
export function stepsOf(page: string, markdown: string): Step[] {
  const blocks = readPage(basename(page), markdown);
  return blocks.flatMap((block, index) => {
    const next = blocks[index + 1];
    if (next?.words["output"] !== undefined && !isShell(block)) {
      throw new Error(`${page}:${next.line}: output of no commands`);
    }
    if (!isShell(block) || block.words["not-run"] !== undefined) return [];
    return stepsOfBlock(page, block, next?.words["output"] === undefined ? undefined : next.text);
  });
}

function stepsOfBlock(page: string, { line, words, text }: Block, shown: string | undefined): Step[] {
  const commands = splitCommands(text);
  return commands.map((command, index) => ({
    name: `${page}:${line + 1 + command.line}: ${nameOf(command)}`,
    command: command.text,
    words,
    isFirst: index === 0,
    isLast: index === commands.length - 1,
    shown,
  }));
}

/** A person who works through a page in a fresh clone. */
export interface OpenPage extends AsyncDisposable {
  /** Resolves to what is wrong with it. */
  run(step: Step): Promise<string | undefined>;
  /** Ends what the page started; to what ended badly. */
  end(): Promise<string[]>;
}

export interface PageOptions {
  settings?: Record<string, string>;
  /** The image that the pages call nanoclaw-agent:latest. */
  image?: string;
  /** One command's. */
  limitMs?: number;
}

export async function openPage(steps: readonly Step[], options: PageOptions = {}): Promise<OpenPage> {
  const { settings, image, limitMs = 90_000 } = options;
  const needs = (word: string) => steps.some(({ words }) => words[word] !== undefined);
  await using parts = new AsyncDisposableStack();
  const clone = parts.use(makeClone(settings));
  const phone = needs("whatsapp") ? parts.use(await openPhone(join(clone.root, "store", "auth"))) : undefined;
  const env = { ...clone.env, ...phone?.env };
  if (needs("kiro")) env["PATH"] = `${kiroCli(clone.home)}${delimiter}${env["PATH"]}`;
  const shell = parts.use(openShell(clone.root, env));
  const state = { host: false };
  const opened = parts.move();
  let block = "";
  return {
    end: () => shell.endStarted(),
    run: async (step) => {
      if (step.isFirst) {
        block = "";
        await prepare(step.words, { shell, phone, state });
      }
      const command = putIn(step.command, {
        home: clone.root,
        group: phone?.plans.jid,
        ...(image !== undefined && { image }),
      });
      if (step.words["background"] !== undefined) {
        if (/\bstart\b/.test(command)) state.host = true;
        const output = await shell.start(command, new RegExp(step.words["background"] || BANNER, "m"));
        return problemWith({ ...step, words: {} }, { exit: 0, output }, output);
      }
      const said = await within(limitMs, shell, command);
      block += said.output;
      return problemWith(step, said, block);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function problemWith({ words, isLast, shown }: Step, { exit, output }: Said, block: string): string | undefined {
  const expected = isLast ? Number(words["exits"] ?? 0) : 0;
  if (exit !== expected) return `it exits with ${exit}, not ${expected}, and says:\n${output}`;
  if (!isLast || shown === undefined || saysAsShown(shown, block)) return undefined;
  return `it does not say what the page shows, but:\n${block}`;
}

interface Place {
  shell: Shell;
  phone: Awaited<ReturnType<typeof openPhone>> | undefined;
  state: { host: boolean };
}

/** The last line of what a host says when it runs. */
const BANNER = "^Next: .*\\n";

/** What a block takes for granted. */
async function prepare(words: Words, { shell, phone, state }: Place): Promise<void> {
  const whatsApp = words["whatsapp"];
  if (phone && whatsApp === "" && !phone.device()) await must(shell, "npm run auth -- --json");
  if (phone && whatsApp === "logged-out") {
    const device = phone.device();
    if (device) phone.server.unlink(device);
  }
  if (words["kiro"] === "logged-in") await must(shell, "kiro-cli login --use-device-flow");
  if (words["host"] === undefined) return;
  if (!state.host) await shell.start("npm start", new RegExp(BANNER, "m"));
  state.host = true;
  if (phone?.device()) await phone.server.until(() => phone.device()?.online === true);
}

async function must(shell: Shell, command: string): Promise<void> {
  const { exit, output } = await shell.run(command);
  if (exit !== 0) throw new Error(`${command}: ${output}`);
}

async function within(limitMs: number, shell: Shell, command: string): Promise<Said> {
  const over = new AbortController();
  const late = delay(limitMs, undefined, { signal: over.signal }).then((): Said => ({
    exit: NaN,
    output: `(nothing more within ${limitMs / 1_000} s)\n${shell.soFar()}`,
  }));
  try {
    return await Promise.race([shell.run(command), late]);
  } finally {
    over.abort();
    late.catch(() => {}); // it was not needed
  }
}

/** In a folder for PATH. */
function kiroCli(home: string): string {
  const folder = join(home, ".local", "bin");
  mkdirSync(folder, { recursive: true });
  installKiroCli(folder);
  return folder;
}
