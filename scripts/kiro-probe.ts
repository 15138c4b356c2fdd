// Asks a real kiro-cli what the runner rests on, and what nobody knows yet: docs/kiro-probe.md.
import { constants, accessSync, writeFileSync } from "node:fs";
import { homedir, hostname, userInfo } from "node:os";
import { resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { findProgram } from "../container/agent-runner/src/backends/kiro/find-program.ts";
import { probe, questions } from "./kiro-probe/probe.ts";
import { prompts } from "./kiro-probe/prompts.ts";

const USAGE = `npm run kiro:probe -- [options]

  --list             only shows the questions, and how many prompts each sends
  --only a,b         asks only these
  --yes              does not ask before prompts are sent, which cost credits
  --out <file>       writes the report there, not to stdout
  --kiro-cli <path>  another kiro-cli than the one on PATH
  --help
`;

const options = {
  list: { type: "boolean" },
  only: { type: "string" },
  yes: { type: "boolean" },
  out: { type: "string" },
  "kiro-cli": { type: "string" },
  help: { type: "boolean" },
} as const;

/** Returns the exit code. */
async function main(): Promise<number> {
  const values = readArguments();
  if (typeof values === "string") return fail(`${values}\n\n${USAGE}`, 2);
  if (values.help) return say(USAGE);
  if (values.list) return say(questions.map(({ id, prompts, asks }) => `${id} (${prompts}): ${asks}\n`).join(""));
  const only = values.only?.split(",").filter(Boolean) ?? [];
  const unknown = only.filter((id) => !questions.some((question) => question.id === id));
  if (unknown.length > 0) return fail(`There is no question ${unknown.join(", ")}; --list shows them.\n`, 2);
  const program = await findKiro(values["kiro-cli"]);
  if (program === undefined) {
    return fail("There is no kiro-cli: install it, or name it with --kiro-cli <path>.\n", 1);
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const report = await probe({
    ...{ program, env: process.env, home: homedir(), platform: process.platform, prompts, only },
    ...{ user: userInfo().username, host: hostname(), limitMs: 90_000, totalMs: 10 * 60_000, signal: stop.signal },
    now: () => Date.now(),
    confirm: (announcement) => confirm(announcement, values.yes === true, stop.signal),
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  if (report === undefined) return 1;
  if (values.out === undefined) return say(report);
  writeFileSync(values.out, report);
  return 0;
}

function readArguments() {
  try {
    return parseArgs({ options, strict: true }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function findKiro(named: string | undefined): Promise<string | undefined> {
  if (named === undefined) return (await findProgram("kiro-cli", process.env["PATH"]))?.path;
  try {
    accessSync(named, constants.X_OK);
    return resolve(named);
  } catch {
    return undefined;
  }
}

async function confirm(announcement: string, yes: boolean, signal: AbortSignal): Promise<boolean> {
  process.stderr.write(`${announcement}\n`);
  if (yes) return true;
  if (!process.stdin.isTTY) return fail("Nobody can be asked here: say --yes.\n", 0) !== 0;
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await asking.question("Go on? [y/N] ", { signal }).catch(() => "");
  asking.close();
  return /^y(es)?$/i.test(answer.trim());
}

function say(text: string): number {
  process.stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  return 0;
}

function fail(text: string, code: number): number {
  process.stderr.write(text);
  return code;
}

process.exitCode = await main();
