import { stripEscapes, terminalLine } from "./escapes.ts";
import { createStreamReader, type StreamResult } from "./event-stream.ts";
import { createLineReader } from "./lines.ts";
import { createTail, type Tail } from "./tail.ts";
import { createTranscriptReader, tidy, type Transcript } from "./transcript.ts";
import type { Watch } from "./watch.ts";

export type Said =
  | ({ shape: "stream" } & StreamResult)
  /** A classic transcript, or nothing but the model's words. */
  | { shape: "text"; transcript: Transcript; plain: string; calledTools: boolean };

export interface StdoutReader {
  push(bytes: Buffer): void;
  finish(): Said;
  tail(): string;
}

interface LineHandler {
  line(line: string, cut: boolean): void;
  partial(start: string): void;
  /** Lines that are nobody's answer, for the log; undefined where words cannot be told from them. */
  beside?: Tail;
  /** Characters of words so far. */
  words(): number;
  finish(): Said;
}

/** An event's envelope is some twenty times the words in it, and tools' results pass by as well. */
const ENVELOPE = 32;

/** Reads what kiro-cli writes to stdout, in the form that was asked for. */
export function readStdout(watch: Watch): StdoutReader {
  const { streamJson, outputBytes, progress } = watch.options;
  const handler = streamJson ? eventHandler(watch) : textHandler(watch);
  const most = streamJson ? outputBytes * ENVELOPE : outputBytes;
  const tail = createTail();
  const lines = createLineReader({ longest: outputBytes, onLine: handler.line, onPartial: handler.partial });
  let flooded = false;
  return {
    push(bytes) {
      progress.alive();
      tail.push(bytes);
      if (!flooded) lines.push(bytes);
      flooded ||= tail.bytes() > most || handler.words() > outputBytes;
      if (flooded) watch.cut("flood");
    },
    finish() {
      lines.end();
      return handler.finish();
    },
    tail: () => (handler.beside ?? tail).text(),
  };
}

const news = /"[\w.]*\/?(?:agent\/(?:not_found|config_error)|error\/rate_limit)"/;

function eventHandler(watch: Watch): LineHandler {
  const { expected, needsMemory, progress } = watch.options;
  const beside = createTail();
  const stream = createStreamReader({
    session(id) {
      const isOther = expected !== null && id !== expected;
      if (isOther && needsMemory && !stream.hasCalledTools()) watch.cut("other-session");
      else progress.session(id);
    },
    text: progress.text,
    tool: progress.tool,
    finished(message) {
      watch.over();
      if (message !== undefined) watch.notice(terminalLine(message.replaceAll("\n", " ")));
    },
    notice(line) {
      beside.push(Buffer.from(`${line}\n`));
      watch.notice(terminalLine(line));
    },
    // Other events may carry the model's words: only these kinds are news of Kiro's.
    otherEvent: (json) => news.test(json.slice(0, 500)) && watch.notice(json),
  });
  return {
    beside,
    line: stream.line,
    partial: (start) => start.trimStart().startsWith("{") || watch.notice(terminalLine(start)),
    words: stream.textLength,
    finish: () => ({ shape: "stream", ...stream.end() }),
  };
}

/** How a login begins that waits for a person; nothing but a line or two can stand before it. */
const login =
  /^(?:Confirm the following code in the browser|Failed to open browser for authentication|error: You are not logged in)|Opening browser\.\.\. \| Press/;
const LINES_BEFORE_LOGIN = 3;

function textHandler(watch: Watch): LineHandler {
  const transcript = createTranscriptReader(watch.options.progress);
  const all: string[] = [];
  let length = 0;
  let spoken = 0;
  const look = (line: string): void => {
    if (line.trim() === "" || transcript.hasBegun()) return;
    if (spoken < LINES_BEFORE_LOGIN && login.test(line)) watch.notice(line);
    else watch.perhapsWords(line);
  };
  return {
    line(raw) {
      const line = terminalLine(raw);
      look(line);
      if (line.trim() !== "") spoken += 1;
      transcript.line(raw);
      all.push(raw);
      length += raw.length;
    },
    partial: (start) => spoken < LINES_BEFORE_LOGIN && login.test(terminalLine(start)) && look(terminalLine(start)),
    words: () => length,
    finish() {
      const read = transcript.end();
      return {
        shape: "text",
        transcript: read,
        plain: tidy(stripEscapes(all.join("\n"))),
        calledTools: read.calledTools,
      };
    },
  };
}
