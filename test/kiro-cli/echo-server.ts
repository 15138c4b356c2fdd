// An MCP server for the self-check: one tool, which tells what it was given.
import { createInterface } from "node:readline";

interface Message {
  id?: number;
  method: string;
  params?: { name?: string; arguments?: unknown };
}

if (process.argv.includes("--broken")) process.exit(9);
createInterface(process.stdin).on("line", (line) => {
  const { id, method, params } = JSON.parse(line) as Message;
  if (id === undefined) return;
  const results: Record<string, unknown> = {
    initialize: {
      protocolVersion: "2025-06-18",
      capabilities: { tools: {} },
      serverInfo: { name: "echo", version: "1" },
    },
    "tools/list": { tools: [{ name: "echo", inputSchema: { type: "object" } }] },
    "tools/call": { content: [{ type: "text", text: `${process.env.WHO} ${JSON.stringify(params?.arguments)}` }] },
  };
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, result: results[method] })}\n`);
});
