import { randomUUID } from "node:crypto";
import type { Tool } from "./agents.ts";
import { hasBug, kiroSetting, type Cli, type Engine } from "./cli.ts";
import type { Json } from "./json.ts";

export interface Call extends Tool {
  id: string;
  input: Json;
}

/** How a run shows itself (docs/kiro-facts.md 3). */
export interface Shape {
  start(sessionId: string): void;
  text(piece: string): void;
  tool(call: Call): void;
  toolDone(call: Call, output: string, failed: boolean): void;
  denied(call: Call): void;
  finish(stopReason: string, status: string): void;
  /** The code to end with. */
  fail(stage: string, message: string, falseZero: boolean): number;
}

export interface Look {
  engine: Engine;
  streamJson: boolean;
  trustAll: boolean;
  wrap: string;
}

export function createShape(cli: Cli, look: Look): Shape {
  if (look.streamJson) return streamShape(cli, look.engine);
  return look.engine === "v1" ? decoratedShape(cli, look) : plainShape(cli, look.engine);
}

const ESC = "\u001b";

/** NO_COLOR leaves empty escapes, it does not remove them. */
function painter(cli: Cli): (code: string, text: string) => string {
  if (cli.env.NO_COLOR) return (_, text) => `${ESC}[m${text}${ESC}[m`;
  return (code, text) => `${ESC}[${code}m${text}${ESC}[0m`;
}

function decoratedShape(cli: Cli, { trustAll, wrap }: Look): Shape {
  const paint = painter(cli);
  const plain = kiroSetting(cli, "chat.disableMarkdownRendering") === true;
  const said = { open: false, first: true, since: Date.now() };
  const close = () => {
    if (said.open) cli.out("\n");
    said.open = false;
  };
  const text = (piece: string) => {
    if (!said.open) cli.out(paint("38;5;141", "> "));
    said.open = true;
    const shown = plain ? piece : rendered(piece, paint);
    cli.out(wrap === "never" ? shown : folded(shown));
  };
  return {
    start: () => {
      if (!trustAll) return;
      cli.err(`${paint("32", "All tools are now trusted (")}${paint("31", "!")}${paint("32", ").")} `);
      cli.err("Kiro will execute tools without asking for confirmation.\n");
      cli.err("Agents can sometimes do unexpected things so understand the risks.\n\n");
    },
    text,
    tool: (call) => {
      close();
      cli.out(`${toolLine(call, paint)}\n`);
    },
    toolDone: (call, output, failed) => {
      if (call.name === "shell") cli.out(`${output.replace(/\n?$/, "\n")}`);
      if (call.name === "read" && !failed)
        cli.out(` ✓ Successfully read ${Buffer.byteLength(output)} bytes from ${String(call.input["path"])}\n`);
      if (failed) cli.out(` ${paint("31", "✗")} Tool execution failed: ${output}\n`);
      cli.out(` - Completed in ${paint("32", "0.1s")}\n\n`);
    },
    denied: ({ name }) => {
      cli.out(`Command ${paint("35", name)} is rejected because it matches one or more rules on the denied list:\n`);
      cli.out("  - non-interactive mode (no user to approve)\n\n");
    },
    finish: () => {
      close();
      const credits = `\n ▸ Credits: 0.07 • Time: ${Math.ceil((Date.now() - said.since) / 1000)}s\n`;
      (hasBug(cli, "v1", "footer-on-stdout") ? cli.out : cli.err)(paint("38;5;244", credits));
    },
    // The loop leaves normally after an error of the service (docs/kiro-facts.md 4).
    fail: (stage, message, falseZero) => {
      close();
      cli.err(`${paint("31", message)}\n`);
      return falseZero ? 0 : 1;
    },
  };
}

function toolLine({ server, name, input }: Call, paint: (code: string, text: string) => string): string {
  if (server !== undefined) {
    const lines = JSON.stringify(input, null, 2)
      .split("\n")
      .map((line) => ` ⋮  ${line}`);
    return `Running tool ${paint("35", name)} with the param (from mcp server: ${server})\n${lines.join("\n")}`;
  }
  if (name === "read") return `Reading file: ${paint("35", String(input["path"]))}, all lines (using tool: read)`;
  return `I will run the following command: ${paint("35", String(input["command"]))} (using tool: ${name})\n`;
}

/** q:cli/chat/parse.rs: V1 renders Markdown, and what it renders is gone, unless `chat.disableMarkdownRendering`. */
function rendered(text: string, paint: (code: string, text: string) => string): string {
  const outside = (part: string) =>
    part
      .replaceAll(/`([^`\n]+)`/g, (_, code: string) => paint("32", code))
      .replaceAll(/^((?:> ?)+)/gm, (marks) => paint("38;5;244", "│ ".repeat(marks.replaceAll(" ", "").length)))
      .replaceAll(
        /(^|\s)\*\*([^*\n]+)\*\*/gm,
        (_, before: string, bold: string) => `${before}${ESC}[1m${bold}${ESC}[22m`,
      )
      .replaceAll(/\[([^\]\n]+)\]\(([^)\n]+)\)/g, (_, label: string, url: string) => paint("34", `${label} ${url}`));
  const block = (language: string, code: string) => `${language && paint("1", `${language}\n`)}${paint("32", code)}`;
  const parts = text.split(/^```(.*)\n([\s\S]*?)\n?^```$/m);
  return parts.map((part, at) => [outside(part), block(part, parts[at + 1] ?? ""), ""][at % 3]).join("");
}

function folded(text: string): string {
  const fold = (line: string) => line.replaceAll(/(.{1,78})(?: +|$)/g, "$1\n").replace(/\n$/, "");
  return text.split("\n").map(fold).join("\n");
}

const titleOf = ({ server, name, input }: Call): string => {
  if (server !== undefined) return `Running: @${server}/${name}`;
  return name === "read" ? `Reading ${String(input["path"])}:1` : `Running: ${String(input["command"])}`;
};

const DENIED =
  "[denied] tool permission approval is not supported in non-interactive mode. Use --trust-all-tools to auto-approve.\n";

/** V2 and V3: the model's text alone on stdout, pieces joined without anything between. */
function plainShape(cli: Cli, engine: Engine): Shape {
  return {
    start: (sessionId) => {
      if (engine === "v3") cli.err(`[INFO] session ${sessionId} ready\n`);
    },
    text: cli.out,
    tool: (call) => {
      cli.err(`[tool] ${titleOf(call)}\n`);
      if (engine === "v3") cli.err("[tool] status: InProgress\n");
    },
    toolDone: (_call, _output, failed) => cli.err(`[tool] status: ${failed ? "Failed" : "Completed"}\n\n`),
    denied: () => cli.err(`${DENIED}[tool] status: Failed\n`),
    finish: () => {
      cli.out("\n");
      if (engine === "v3") cli.err("[INFO] GenerateAssistantResponseCommand done\n");
    },
    fail: (_stage, message, falseZero) => {
      cli.err(`error: ${message}\n`);
      return falseZero && message.includes("API key") ? 0 : 1;
    },
  };
}

/** As captured on 2.21.1, 2.27 and 2.29: `finalText` is all text of the run, joined. */
function streamShape(cli: Cli, engine: Engine): Shape {
  const run = { sessionId: null as string | null, text: "", since: Date.now() };
  const emit = (type: string, data: Json) => cli.out(`${JSON.stringify({ type, data })}\n`);
  const update = (kind: string, more: Json) =>
    emit("sessionUpdate", { sessionId: run.sessionId, update: { sessionUpdate: kind, ...more } });
  const rawOutput = (output: string) => ({ rawOutput: { items: [{ Text: output }] } });
  const usage = (more: Json) => {
    if (engine === "v2") emit("metadata", { sessionId: run.sessionId, contextUsagePercentage: 3.1, ...more });
    else update("session_info_update", { title: "stand-in" });
  };
  return {
    start: (sessionId) => {
      run.sessionId = sessionId;
      emit("runStarted", { payloadSchema: "acp", acpProtocolVersion: 1, engine });
      if (engine === "v3") update("available_commands_update", { availableCommands: [] });
      usage({});
    },
    text: (piece) => {
      run.text += piece;
      const size = Math.max(24, Math.ceil(piece.length / 200));
      const chunks = [...piece].flatMap((_, at, all) => (at % size === 0 ? [all.slice(at, at + size).join("")] : []));
      for (const chunk of chunks) update("agent_message_chunk", { content: { type: "text", text: chunk } });
    },
    tool: (call) => {
      const server = call.server === undefined ? {} : { mcpServerName: call.server };
      const kiro = engine === "v2" ? { toolName: call.name, ...server } : { toolOrigin: call.server ?? "default" };
      const kind = call.server !== undefined ? "other" : call.name === "read" ? "read" : "execute";
      update("tool_call", {
        ...{ toolCallId: call.id, title: titleOf(call), kind, rawInput: call.input },
        _meta: { kiro },
      });
    },
    toolDone: (call, output, failed) => {
      const status = failed ? "failed" : "completed";
      update("tool_call_update", { toolCallId: call.id, status, title: titleOf(call), ...rawOutput(output) });
    },
    denied: (call) => {
      cli.err(DENIED);
      update("tool_call_update", { toolCallId: call.id, status: "failed", ...rawOutput("denied") });
    },
    finish: (stopReason, status) => {
      usage({ meteringUsage: [{ value: 0.07, unit: "credit" }], turnDurationMs: Date.now() - run.since });
      const finalText = run.text.slice(0, cli.settings.finalTextLimit);
      const finalTextTruncated = finalText.length < run.text.length;
      emit("runFinished", { sessionId: run.sessionId, status, stopReason, finalText, finalTextTruncated });
    },
    fail: (stage, message) => {
      emit("runError", { sessionId: run.sessionId, stage, message });
      return 1;
    },
  };
}

export const newCall = (tool: Tool, input: Json): Call => ({ ...tool, input, id: `tooluse_${randomUUID()}` });
