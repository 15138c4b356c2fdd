import { Client, InMemoryTransport, type CallToolResult } from "@modelcontextprotocol/client";
import type { ToolClient, ToolOutcome } from "../backends/backend.ts";
import { createHostRequests, type Requester } from "./host-requests.ts";
import { createOutgoingFiles } from "./outgoing-files.ts";
import { createToolServer } from "./server.ts";

// Longer than the host is given, so that the reason comes from where the waiting is done.
const CALL_LIMIT_MS = 90_000;

/** The MCP tools for an agent inside the runner's own process: the same server, without pipes. */
export async function connectTools(
  requester: Requester,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<ToolClient> {
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "nanoclaw-runner", version: "1.0.0" });
  const files = createOutgoingFiles({ ...requester, folders });
  await createToolServer(createHostRequests(requester), files).connect(theirs);
  await client.connect(ours);
  return {
    async call(name, args) {
      const options = { signal, timeout: CALL_LIMIT_MS };
      return toOutcome(await client.callTool({ name, arguments: args }, options));
    },
  };
}

function toOutcome(result: CallToolResult): ToolOutcome {
  if (!result.isError) return { ok: true, result: result.structuredContent };
  const texts = result.content.map((part) => (part.type === "text" ? part.text : ""));
  return { ok: false, error: texts.join("\n") };
}
