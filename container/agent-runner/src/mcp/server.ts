import { McpServer, type CallToolResult, type ServerContext } from "@modelcontextprotocol/server";
import { toolArguments, toolDescriptions, toolNames, toolResults } from "../protocol/index.ts";
import type { ToolArguments, ToolName } from "../protocol/index.ts";
import type { ToolOutcome } from "../backends/backend.ts";
import type { Enclosure, HostRequests } from "./host-requests.ts";
import type { OutgoingFiles } from "./outgoing-files.ts";

/** The MCP server `nanoclaw`: the tools of the protocol, each call carried to the host. */
export function createToolServer(
  requests: HostRequests,
  files: OutgoingFiles,
  shown: readonly ToolName[] = toolNames,
): McpServer {
  const server = new McpServer({ name: "nanoclaw", version: "1.0.0" });
  for (const tool of shown) {
    const config = {
      description: toolDescriptions[tool],
      inputSchema: toolArguments[tool],
      outputSchema: toolResults[tool],
    };
    server.registerTool(tool, config, async (args: unknown, context: ServerContext) =>
      toResult(tool, await requests.call(tool, args, context.mcpReq.signal, enclosureOf(tool, args, files))),
    );
  }
  return server;
}

function enclosureOf(tool: ToolName, args: unknown, files: OutgoingFiles): Enclosure | undefined {
  if (tool !== "send_file") return undefined;
  const { path } = args as ToolArguments<"send_file">; // the server has parsed them
  return { put: (id) => files.copy(path, id), remove: files.discard };
}

function toResult(tool: ToolName, outcome: ToolOutcome): CallToolResult {
  if (!outcome.ok) return refusal(outcome.error);
  const parsed = toolResults[tool].safeParse(outcome.result);
  if (!parsed.success) return refusal("It was done, but the host's result has an unknown form.");
  return { content: [{ type: "text", text: JSON.stringify(parsed.data) }], structuredContent: parsed.data };
}

const refusal = (reason: string): CallToolResult => ({ isError: true, content: [{ type: "text", text: reason }] });
