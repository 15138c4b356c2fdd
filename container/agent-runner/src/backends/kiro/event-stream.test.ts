import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createStreamReader } from "./event-stream.ts";
import { createLineReader } from "./lines.ts";

const id = "6a1f0c1e-5f0e-4b8e-9d57-0d9b5d1f7a01";
const line = (type: string, data: object): string => JSON.stringify({ type, data });
const update = (kind: string, more: object, sessionId = id): string =>
  line("sessionUpdate", { sessionId, update: { sessionUpdate: kind, ...more } });
const chunk = (text: string, session = id): string =>
  update("agent_message_chunk", { content: { type: "text", text } }, session);
const started = line("runStarted", { payloadSchema: "acp", acpProtocolVersion: 1, engine: "v2" });
const metadata = line("metadata", { sessionId: id, contextUsagePercentage: 3.1 });
const tool = update("tool_call", {
  toolCallId: "t1",
  title: "Running: @nanoclaw/send_message",
  kind: "other",
  rawInput: { text: "hi" },
  _meta: { kiro: { toolName: "send_message", mcpServerName: "nanoclaw" } },
});
const toolDone = update("tool_call_update", {
  toolCallId: "t1",
  status: "completed",
  rawOutput: { items: [{ Text: "> sent" }] },
});
const finished = (data: object): string =>
  line("runFinished", { sessionId: id, status: "success", stopReason: "end_turn", finalTextTruncated: false, ...data });

function read(lines: readonly string[], { cuts = [], longest = 100_000, eol = "\n" }: Reading = {}) {
  const heard: string[] = [];
  const notices: string[] = [];
  const reader = createStreamReader({
    session: (session) => void heard.push(`session ${session}`),
    text: (text) => void heard.push(`text ${text}`),
    tool: (name, status) => void heard.push(`${name} ${status}`),
    finished: (message) => void heard.push(message === undefined ? "finished" : `failed: ${message}`),
    notice: (notice) => void notices.push(notice),
    otherEvent: (json) => void notices.push(`event ${json}`),
  });
  const input = createLineReader({ longest, onLine: reader.line });
  const bytes = Buffer.from(lines.map((text) => text + eol).join(""));
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    input.push(bytes.subarray(at, at + cut));
    at += cut;
  }
  input.end();
  return { ...reader.end(), heard, notices };
}

interface Reading {
  cuts?: readonly number[];
  longest?: number;
  eol?: string;
}

describe("an event stream", () => {
  test("proves success and gives session, words, tools and cost", () => {
    const cost = line("metadata", { sessionId: id, meteringUsage: [{ value: 0.07, unit: "credit" }, { value: 0.2 }] });
    const all = [started, metadata, chunk("I'll "), chunk("tell."), tool, toolDone, chunk("Told."), cost];
    const { heard, ...result } = read([...all, finished({ finalText: "I'll tell.Told." })]);
    expect(result).toEqual({
      isStream: true,
      succeeded: true,
      problem: "run finished: status success, stop reason end_turn",
      answer: "Told.",
      session: id,
      calledTools: true,
      credits: 0.27,
      notices: [],
    });
    expect(heard).toEqual([
      `session ${id}`,
      "text I'll ",
      "text tell.",
      "send_message started",
      "send_message done",
      "text Told.",
      "finished",
    ]);
  });

  test.each([
    ["holds the last piece only", { finalText: "Told." }],
    ["holds all pieces joined", { finalText: "I'll tell.Told." }],
    ["is missing", {}],
    ["is cut off", { finalText: "I'll te", finalTextTruncated: true }],
    ["is null", { finalText: null }],
  ])("takes narration off whether the final text %s", (_name, data) => {
    expect(read([started, chunk("I'll tell."), tool, toolDone, chunk("Told."), finished(data)]).answer).toBe("Told.");
  });

  test("believes the final text when pieces were lost, or were an older turn's", () => {
    const long = chunk("x".repeat(500));
    expect(read([started, chunk("A"), long, finished({ finalText: "A, B and C" })], { longest: 300 }).answer).toBe(
      "A, B and C",
    );
    const replayed = update("agent_message_chunk", {
      content: { type: "text", text: "old" },
      _meta: { kiro: { replay: true } },
    });
    expect(read([replayed, chunk("new"), finished({ finalText: "new" })]).answer).toBe("new");
    const asked = update("user_message_chunk", { content: { type: "text", text: "question" } });
    expect(read([asked, chunk("old"), asked, chunk("new"), finished({})]).answer).toBe("new");
  });

  test("does not take the words of a helper's session for the answer", () => {
    const lines = [metadata, chunk("Asking a helper."), tool, chunk("helper", "other"), toolDone, chunk("Done.")];
    expect(read([...lines, finished({})]).answer).toBe("Done.");
  });

  test("keeps paragraphs, code and quotes; takes escapes away", () => {
    const text = "> quote\n\n```\n  a\n\n  b\n```\n\u001b[31mred\u001b[0m";
    expect(read([...[...text].map((letter) => chunk(letter)), finished({ finalText: text })]).answer).toBe(
      "> quote\n\n```\n  a\n\n  b\n```\nred",
    );
  });

  test("falls back to the narration, and knows an answer without words", () => {
    expect(read([chunk("I'll tell."), tool, toolDone, finished({ finalText: "I'll tell." })]).answer).toBe(
      "I'll tell.",
    );
    expect(read([tool, toolDone, finished({ finalText: "" })])).toMatchObject({ answer: "", calledTools: true });
  });

  test.each([
    ["an error", [line("runError", { stage: "prompt", message: "no" })], "no (stage prompt)"],
    ["another status", [finished({ status: "error" })], "run finished: status error, stop reason end_turn"],
    [
      "a cancelled turn",
      [finished({ stopReason: "cancelled" })],
      "run finished: status success, stop reason cancelled",
    ],
    ["no end", [chunk("half")], undefined],
    ["an error after success", [finished({}), line("runError", { message: "late" })], "late"],
  ])("%s is no success", (_name, lines, problem) => {
    expect(read([started, ...lines])).toMatchObject({ succeeded: false, problem });
  });

  test("lines that are no events are passed on, and nothing is lost around them", () => {
    const noise = ["Confirm the following code in the browser", "{half", "[1,2]", '{"level":"info"}', ""];
    const { answer, notices } = read([...noise, started, chunk("Hello"), ...noise, finished({ finalText: "Hello" })]);
    expect(answer).toBe("Hello");
    expect(notices).toEqual([...noise.slice(0, 4), ...noise.slice(0, 4)]);
  });

  test("events of unknown kinds and with unknown fields are let pass", () => {
    const odd = [line("somethingNew", { sessionId: 7 }), update("plan", { entries: [] }), '{"type":"runStarted"}'];
    const tool3 = update("tool_call", { toolCallId: "x", title: "Read File", _meta: { kiro: { toolName: null } } });
    const { heard, answer } = read([...odd, tool3, chunk("ok"), finished({ finalText: "ok", extra: {} })]);
    expect(answer).toBe("ok");
    expect(heard).toContain("Read File started");
  });

  test("a line of many megabytes is not kept", () => {
    const huge = update("tool_call_update", { toolCallId: "t1", rawOutput: "x".repeat(3_000_000) });
    const result = read([started, tool, huge, chunk("fine"), finished({ finalText: "fine" })], { longest: 10_000 });
    expect(result).toMatchObject({ answer: "fine", succeeded: true, notices: [] });
  });

  test("is the same wherever it is cut, with either line end", () => {
    const lines = [started, "noise", metadata, chunk("Zoë "), chunk("🎂"), tool, toolDone, chunk("Füße"), finished({})];
    const expected = read(lines);
    expect(read(lines, { eol: "\r\n" })).toEqual(expected);
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 60 }), (cuts) => {
        expect(read(lines, { cuts })).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });
});
