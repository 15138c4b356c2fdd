import { terminalLine } from "./escapes.ts";
import { createLineReader } from "./lines.ts";
import { createTail } from "./tail.ts";
import { statusToolLine } from "./tool-lines.ts";
import { readFooter } from "./transcript.ts";
import type { Watch } from "./watch.ts";

export interface StderrReader {
  push(bytes: Buffer): void;
  finish(): { footer: number | undefined; calledTools: boolean };
  tail(): string;
}

const LONGEST_LINE = 4_000;
const MOST_WARNINGS = 40;
/** Worth a line in the host's log. */
const warning =
  /^\s*(?:warning\b|error\b|\[(?:warn|denied|error)\]|✗)|MCP functionality disabled|has failed to load after|Mcp error/i;
/** What an engine says that was to go on with the newest conversation, and had none. */
const nothingSaved = /^No saved sessions found for this directory/;

/** Reads what kiro-cli writes to stderr: everything but the model's words. */
export function readStderr(watch: Watch): StderrReader {
  const { streamJson, outputBytes, needsMemory, progress } = watch.options;
  const tail = createTail();
  let footer: number | undefined;
  let calledTools = false;
  let tool = "";
  let warnings = 0;
  const take = (line: string): void => {
    const said = statusToolLine(line);
    if (said?.kind === "started") tool = said.tool;
    calledTools ||= said !== undefined;
    // Events tell the same, and better.
    if (said && !streamJson) progress.tool(tool, said.kind);
    if (line.startsWith("[tool]")) return;
    const credits = streamJson ? undefined : readFooter(line);
    if (credits !== undefined) {
      footer = credits;
      watch.over();
    }
    if (warning.test(line) && (warnings += 1) <= MOST_WARNINGS) progress.log(`kiro-cli: ${line}`);
    if (nothingSaved.test(line) && needsMemory && !calledTools) watch.cut("other-session");
    watch.notice(line);
  };
  const lines = createLineReader({
    longest: LONGEST_LINE,
    onLine: (line) => take(terminalLine(line)),
    onPartial: (start) => start.startsWith("[tool]") || watch.notice(terminalLine(start)),
  });
  return {
    push(bytes) {
      progress.alive();
      tail.push(bytes);
      lines.push(bytes);
      if (tail.bytes() > outputBytes) watch.cut("flood");
    },
    finish() {
      lines.end();
      return { footer, calledTools };
    },
    tail: tail.text,
  };
}
