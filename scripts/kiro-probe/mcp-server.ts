// The MCP server of the probe's own agent: one tool. What it was asked goes to the file PROBE_LOG.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Message {
  id?: number | string;
  method?: string;
  params?: { protocolVersion?: string };
}

const tool = { name: "get_word", description: "Gives the word of the test.", inputSchema: { type: "object" } };
const note = (line: string) => appendFileSync(process.env["PROBE_LOG"] ?? "/dev/null", `${line}\n`);

note("started");
createInterface(process.stdin).on("line", (line) => {
  const { id, method = "", params } = JSON.parse(line) as Message;
  note(method);
  if (id === undefined) return;
  const results: Record<string, unknown> = {
    initialize: {
      protocolVersion: params?.protocolVersion ?? "2025-06-18",
      capabilities: { tools: {} },
      serverInfo: { name: "probe", version: "1" },
    },
    ping: {},
    "tools/list": { tools: [tool] },
    "tools/call": { content: [{ type: "text", text: "KESTREL" }] },
  };
  const unknown = { error: { code: -32601, message: "Method not found" } };
  const answer = Object.hasOwn(results, method) ? { result: results[method] } : unknown;
  process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", id, ...answer })}\n`);
});
