import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import { z } from "zod";
import { mainTools, toolNames } from "../protocol/index.ts";
import { createHostRequests } from "./host-requests.ts";
import { createOutgoingFiles, sendingFolders } from "./outgoing-files.ts";
import { createToolServer } from "./server.ts";

const environmentSchema = z.object({
  NANOCLAW_IPC_DIR: z.string().min(1),
  NANOCLAW_TURN: z.string().min(1),
  NANOCLAW_ATTEMPT: z.coerce.number().int().min(1),
  NANOCLAW_CHAT_JID: z.string().min(1),
  /** `false`: the tools that only main may use are not shown; the host would refuse them. */
  NANOCLAW_IS_MAIN: z.enum(["true", "false"]).default("true"),
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
  const { NANOCLAW_IPC_DIR, NANOCLAW_TURN, NANOCLAW_ATTEMPT, NANOCLAW_CHAT_JID, NANOCLAW_IS_MAIN } = environment.data;
  const requests = createHostRequests({
    ipcDir: NANOCLAW_IPC_DIR,
    turn: NANOCLAW_TURN,
    attempt: NANOCLAW_ATTEMPT,
    chat: NANOCLAW_CHAT_JID,
  });
  const files = createOutgoingFiles({ ipcDir: NANOCLAW_IPC_DIR, folders: sendingFolders(process.env) });
  const shown = NANOCLAW_IS_MAIN === "true" ? toolNames : toolNames.filter((tool) => !mainTools.includes(tool));
  await createToolServer(requests, files, shown).connect(new StdioServerTransport());
}
