import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { createHostRequests } from "./host-requests.ts";
import { createOutgoingFiles, sendingFolders } from "./outgoing-files.ts";
import { createToolServer } from "./server.ts";

const environmentSchema = z.object({
  NANOCLAW_IPC_DIR: z.string().min(1),
  NANOCLAW_TURN: z.string().min(1),
  NANOCLAW_ATTEMPT: z.coerce.number().int().min(1),
  NANOCLAW_CHAT_JID: z.string().min(1),
});

await main();

/** The server lives as long as its standard input: the agent that started it closes that at its end. */
async function main(): Promise<void> {
  const environment = environmentSchema.safeParse(process.env);
  if (!environment.success) {
    const names = environment.error.issues.map((issue) => issue.path.join(".")).join(", ");
    process.stderr.write(`nanoclaw MCP server: missing or invalid in the environment: ${names}\n`);
    process.exitCode = 2;
    return;
  }
  const { NANOCLAW_IPC_DIR, NANOCLAW_TURN, NANOCLAW_ATTEMPT, NANOCLAW_CHAT_JID } = environment.data;
  const requests = createHostRequests({
    ipcDir: NANOCLAW_IPC_DIR,
    turn: NANOCLAW_TURN,
    attempt: NANOCLAW_ATTEMPT,
    chat: NANOCLAW_CHAT_JID,
  });
  const files = createOutgoingFiles({ ipcDir: NANOCLAW_IPC_DIR, folders: sendingFolders(process.env) });
  await createToolServer(requests, files).connect(new StdioServerTransport());
}
