import { stripEscapes } from "./escapes.ts";
import { chunkText, readStreamEvent, type SessionUpdate, type StreamEvent } from "./stream-event.ts";
import { titleTool, toolName } from "./tool-lines.ts";
import { tidy } from "./transcript.ts";

export interface StreamListeners {
  /** The conversation this run turned out to be in; once. */
  session(id: string): void;
  text(text: string): void;
  tool(tool: string, status: "started" | "done" | "failed"): void;
  /** The model's turn is over; the process may take its time to leave. A message says what went wrong. */
  finished(message: string | undefined): void;
  /** A line that is Kiro's own words to a person, or another program's. Never the model's. */
  notice(line: string): void;
  /** An event of a kind that is not known here: it may tell of an agent or a limit. */
  otherEvent(json: string): void;
}

export interface StreamResult {
  /** Anything of the format was seen. */
  isStream: boolean;
  succeeded: boolean;
  /** What it said when it did not succeed. */
  problem: string | undefined;
  answer: string;
  session: string | undefined;
  calledTools: boolean;
  credits: number | undefined;
}

export interface StreamReader {
  line(line: string, cut: boolean): void;
  hasCalledTools(): boolean;
  textLength(): number;
  end(): StreamResult;
}

type Finished = StreamEvent["data"] & { failed: boolean };

/** Reads `--output-format stream-json`: a JSON object a line, among lines that may be anything. */
export function createStreamReader(listeners: StreamListeners): StreamReader {
  const talk = createTalk(listeners);
  let isStream = false;
  let session: string | undefined;
  let finished: Finished | undefined;
  let credits: number | undefined;
  const take = ({ type, data, json }: StreamEvent): void => {
    isStream = true;
    if (data.sessionId !== undefined && session === undefined) {
      session = data.sessionId;
      listeners.session(session);
    }
    if (data.meteringUsage) credits = data.meteringUsage.reduce((sum, { value }) => sum + value, 0);
    if (data.update) talk.update(data.update, data.sessionId);
    else if (type === "runFinished" || type === "runError") {
      finished = { ...data, failed: type === "runError" };
      listeners.finished(type === "runError" ? (data.message ?? json) : undefined);
    } else if (!usual.has(type)) listeners.otherEvent(json);
  };
  return {
    line(line, cut) {
      const event = cut ? undefined : readStreamEvent(line);
      if (event) take(event);
      // The rest of a line that is too long to be read is not looked for phrases: it may be anybody's.
      else if (!cut && line.trim() !== "") listeners.notice(line);
    },
    hasCalledTools: talk.hasCalledTools,
    textLength: talk.textLength,
    end: () => ({
      isStream,
      succeeded: finished?.failed === false && finished.status === "success" && finished.stopReason !== "cancelled",
      problem: problemOf(finished),
      answer: finalAnswer(finished, talk.spoken(finished?.sessionId ?? session)),
      session: finished?.sessionId ?? session,
      calledTools: talk.hasCalledTools(),
      credits,
    }),
  };
}

const usual = new Set(["runStarted", "metadata", "sessionUpdate"]);

function problemOf(finished: Finished | undefined): string | undefined {
  if (finished === undefined) return undefined;
  const { failed, message, stage, status, stopReason } = finished;
  if (failed) return `${message ?? "runError"}${stage === undefined ? "" : ` (stage ${stage})`}`;
  return `run finished: status ${status ?? "unknown"}, stop reason ${stopReason ?? "unknown"}`;
}

interface Talk {
  update(update: SessionUpdate, session: string | undefined): void;
  hasCalledTools(): boolean;
  textLength(): number;
  /** The last piece of text that no tool call follows within it. */
  spoken(session: string | undefined): string;
}

/** The model's words in pieces, cut where a tool was called: narration, narration, answer. */
function createTalk(listeners: StreamListeners): Talk {
  // Helpers of the agent may speak in sessions of their own; their words are not the answer.
  const pieces = new Map<string, string[][]>();
  const calls = new Map<string, string>();
  let length = 0;
  const of = (session: string | undefined): string[][] => {
    const key = session ?? "";
    const known = pieces.get(key) ?? [[]];
    pieces.set(key, known);
    return known;
  };
  const call = (update: SessionUpdate, session: string | undefined): void => {
    const id = update.toolCallId ?? `call ${calls.size}`;
    if (!calls.has(id)) {
      calls.set(id, toolOf(update));
      of(session).push([]);
      listeners.tool(toolOf(update), "started");
    }
    const running = calls.get(id);
    if (!running || (update.status !== "completed" && update.status !== "failed")) return;
    calls.set(id, "");
    listeners.tool(running, update.status === "completed" ? "done" : "failed");
  };
  return {
    update(update, session) {
      // A resumed conversation may be told again from its beginning.
      if (update._meta?.kiro?.replay === true) return;
      if (update.sessionUpdate === "user_message_chunk") pieces.set(session ?? "", [[]]);
      if (update.sessionUpdate === "tool_call" || update.sessionUpdate === "tool_call_update") call(update, session);
      if (update.sessionUpdate !== "agent_message_chunk") return;
      const text = chunkText(update);
      length += text.length;
      of(session).at(-1)?.push(text);
      listeners.text(text);
    },
    hasCalledTools: () => calls.size > 0,
    textLength: () => length,
    spoken(session) {
      const texts = of(pieces.has(session ?? "") ? session : undefined).map((piece) => clean(piece.join("")));
      return texts.findLast((text) => text !== "") ?? "";
    },
  };
}

function toolOf({ title, _meta }: SessionUpdate): string {
  const kiro = _meta?.kiro;
  if (kiro?.toolName !== undefined) return toolName(kiro.toolName, kiro.mcpServerName);
  return titleTool(title ?? "tool");
}

const clean = (text: string): string => tidy(stripEscapes(text).replaceAll("\r", "\n"));

/**
 * `finalText` may hold the last piece alone or all pieces joined: when it ends with the last piece,
 * that piece is the answer. Cut off, it is worth less than the pieces; and where it says something
 * else than the pieces, some of them were lost, or were an older turn's.
 */
function finalAnswer(finished: Finished | undefined, last: string): string {
  const whole = clean(finished?.finalText ?? "");
  if (whole === "" || finished?.finalTextTruncated === true) return last === "" ? whole : last;
  return last !== "" && whole.endsWith(last) ? last : whole;
}
