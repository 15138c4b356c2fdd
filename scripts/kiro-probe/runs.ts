import { stripEscapes } from "../../container/agent-runner/src/backends/kiro/escapes.ts";
import { createStreamReader } from "../../container/agent-runner/src/backends/kiro/event-stream.ts";
import { readStreamEvent } from "../../container/agent-runner/src/backends/kiro/stream-event.ts";
import { createTranscriptReader, readFooter } from "../../container/agent-runner/src/backends/kiro/transcript.ts";
import type { Outcome } from "./run-command.ts";

/** An engine, and how it is asked to speak. */
export interface Way {
  name: string;
  engine: "classic" | "v2" | "v3";
  args: string[];
  stream: boolean;
}

/** One command and what was seen of it. */
export interface Run extends Outcome {
  name: string;
  args: readonly string[];
  input: string;
  way: Way | undefined;
  /** What the probe's MCP server was asked. */
  asked: string[];
  /** What came or changed in the session stores. */
  stores: string[];
}

/** A run as the runner's own readers understand it. */
export interface Reading {
  succeeded: boolean;
  answer: string;
  session?: string | undefined;
  /** Of the event stream: everything that was said, and how often which event came. */
  finalText?: string | undefined;
  events?: string;
}

const ignore = () => {};

export function readRun({ stdout, stderr, code, way }: Run): Reading {
  const lines = stdout.split("\n");
  if (way?.stream) return readStream(lines);
  const plain = stripEscapes(stdout).trim();
  if (way?.engine !== "classic") return { succeeded: code === 0 && plain !== "", answer: plain };
  const reader = createTranscriptReader({ text: ignore, tool: ignore });
  for (const line of lines) reader.line(line);
  const { answer, credits } = reader.end();
  return { succeeded: credits !== undefined || hasFooter(stderr), answer };
}

const linesOf = (text: string): string[] => stripEscapes(text).split("\n");

export const hasFooter = (text: string): boolean => linesOf(text).some((line) => readFooter(line) !== undefined);

function readStream(lines: readonly string[]): Reading {
  const events = lines.flatMap((line) => readStreamEvent(line) ?? []);
  const unheard = { session: ignore, text: ignore, tool: ignore, finished: ignore, notice: ignore, otherEvent: ignore };
  const reader = createStreamReader(unheard);
  for (const line of lines) reader.line(line, false);
  const { succeeded, answer, session } = reader.end();
  const finalText = events.findLast(({ type }) => type === "runFinished")?.data.finalText;
  const counts = Object.entries(Object.groupBy(events, ({ type }) => type));
  const counted = counts.map(([type, all]) => `${type} ×${all?.length ?? 0}`).join(", ");
  return { succeeded, answer, session, finalText, events: counted };
}

/** What it said itself, errors among its events included; not the model's words in events. */
function ownWords({ stdout, stderr }: Run): string[] {
  const words = linesOf(`${stdout}\n${stderr}`).flatMap((line) => {
    const event = readStreamEvent(line);
    return event ? (event.data.message ?? []) : line.trim();
  });
  return words.filter((line) => line !== "");
}

/** What Kiro says when the account or MCP is the matter (kiro-cli.md 8). */
const troubles =
  /not logged in|Failed to open browser|Confirm the following code|Authentication failed|API key may be|rate limit|request limit|usage limit|having trouble responding|Too many requests|TokenExpired|MCP functionality disabled|has failed to load after/i;

export const troublesOf = (run: Run): string[] =>
  [...new Set(ownWords(run).filter((line) => troubles.test(line)))].map(quoted);

export const quoted = (text: string): string => {
  const line = text.trim().replaceAll(/\s+/g, " ");
  return `“${line.length > 160 ? `${line.slice(0, 160)}…` : line}”`;
};

/** The exit, and the line that says most about it. */
export function endOf(run: Run): string {
  const lines = ownWords(run);
  const told = lines.findLast((line) => /error|fail|not |invalid/i.test(line)) ?? lines.at(-1);
  return told === undefined ? exitOf(run) : `${exitOf(run)}, ${quoted(told)}`;
}

export const exitOf = ({ code, signal, ended }: Run): string =>
  `${signal ?? `exit ${code}`}${ended === undefined ? "" : ` (${ended})`}`;
