// Stands in for the runner: a turn of the real host in which tool calls are timed. Its answer is the figures.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createFrameWriter } from "../container/agent-runner/src/frame-writer.ts";
import { openJournal } from "../container/agent-runner/src/journal.ts";
import { createHostRequests } from "../container/agent-runner/src/mcp/host-requests.ts";
import { readyLine, turnInputSchema, type TurnInput } from "@nanoclaw/agent-runner/protocol";
import { startEcho } from "./echo-client.ts";
import { alternate, timed } from "./measure.ts";

const ROUNDS = 200;
const ipcDir = process.env["NANOCLAW_IPC_DIR"] ?? "";
const server = fileURLToPath(new URL("../container/agent-runner/src/mcp/main.ts", import.meta.url));

process.stdout.write(readyLine());
const lines = createInterface({ input: process.stdin });
const [line] = (await once(lines, "line")) as [string];
const input = turnInputSchema.parse(JSON.parse(line));
const journal = openJournal(ipcDir, input.turn, input.attempt);
const frames = createFrameWriter({
  token: input.frameToken,
  journal,
  echo: (text) => void process.stdout.write(text),
});
const figures = JSON.stringify(await measure(input));
frames.write({ type: "answer", answer: { status: "ok", text: figures, session: null } });
frames.write({ type: "closed" });
journal.close();
process.exit(0);

async function measure({ turn, attempt, chat }: TurnInput) {
  const requests = createHostRequests({ ipcDir, turn, attempt, chat: chat.jid });
  await using echo = await startEcho();
  await using mcp = await connectServer({ turn, attempt, chat: chat.jid });
  return await alternate(ROUNDS, {
    files: () => timed(async () => assertDone((await requests.call("list_tasks", {})).ok)),
    mcp: () =>
      timed(async () => assertDone(!(await mcp.client.callTool({ name: "list_tasks", arguments: {} })).isError)),
    echo: () => timed(() => echo.call(JSON.stringify({ tool: "list_tasks", args: {} }))),
  });
}

function assertDone(ok: boolean): void {
  if (!ok) throw new Error("the host refused a tool call");
}

async function connectServer({ turn, attempt, chat }: { turn: string; attempt: number; chat: string }) {
  const client = new Client({ name: "bench", version: "1.0.0" });
  const env = {
    NANOCLAW_IPC_DIR: ipcDir,
    NANOCLAW_TURN: turn,
    NANOCLAW_ATTEMPT: String(attempt),
    NANOCLAW_CHAT_JID: chat,
  };
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [server], env }));
  return { client, [Symbol.asyncDispose]: () => client.close() };
}
