import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openSite, type Site } from "./site.ts";
import { until } from "./until.ts";

const server = fileURLToPath(new URL("../../container/agent-runner/src/mcp/main.ts", import.meta.url));

interface ToolAnswer {
  isError?: boolean;
  structuredContent?: unknown;
}

/** The MCP server as an agent of the running turn has it. */
function tools(site: Site) {
  const turn = String(site.ledger("SELECT id FROM turns WHERE status = 'running'")[0]?.["id"]);
  const env = {
    ...{ NANOCLAW_TURN: turn, NANOCLAW_ATTEMPT: "1", NANOCLAW_CHAT_JID: "local:main" },
    NANOCLAW_IPC_DIR: site.path("ipc", "main"),
    NANOCLAW_GROUP_DIR: site.path("groups", "main"),
    NANOCLAW_GLOBAL_DIR: site.path("groups", "global"),
    NANOCLAW_EXTRA_DIR: site.path("groups", "extra"),
  };
  const program = spawn(process.execPath, [server], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const tell = (message: object) => program.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  const ask = async (method: string, params: object): Promise<ToolAnswer> => {
    tell({ id: 1, method, params });
    const { value } = await lines.next();
    return (JSON.parse(String(value)) as { result: ToolAnswer }).result;
  };
  return {
    begin: async () => {
      const clientInfo = { name: "test", version: "1" };
      await ask("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo });
      tell({ method: "notifications/initialized" });
    },
    sendFile: (args: object) => ask("tools/call", { name: "send_file", arguments: args }),
    [Symbol.asyncDispose]: async () => {
      program.stdin.end();
      if (program.exitCode === null) await once(program, "exit");
    },
  };
}

it("a file that an agent sends is in the chat, with its caption, and stays there after a restart", async () => {
  await using site = await openSite({ scripted: true });
  site.behave("answers-late");
  const seen = site.watch();
  const seq = await site.say("send me the plan");
  await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
  mkdirSync(site.path("groups", "main", "out"));
  writeFileSync(site.path("groups", "main", "out", "plan.pdf"), "%PDF the plan");
  await using agent = tools(site);
  await agent.begin();

  expect(await agent.sendFile({ path: "../../store/messages.db" })).toMatchObject({ isError: true });
  expect(await agent.sendFile({ path: "out/plan.pdf", chat: "local:nobody" })).toMatchObject({ isError: true });
  const made = await agent.sendFile({ path: "out/plan.pdf", caption: "**Here**", name: "The plan.pdf" });
  const { message_id } = made.structuredContent as { message_id: string };
  // What the agent does with its own afterwards changes nothing.
  writeFileSync(site.path("groups", "main", "out", "plan.pdf"), "changed");
  writeFileSync(site.path("groups", "main", "go"), "");
  expect(await site.answered(seq)).toEqual(["**Here**", "you said send me the plan"]);

  await until(() => seen.length === 2);
  const path = site.path("data", "outbox", "main", message_id);
  const file = { path, name: "The plan.pdf", mime: "application/pdf", bytes: 13 };
  expect(seen[0]).toMatchObject({ id: message_id, text: "**Here**", file });
  expect(seen[1]).toMatchObject({ file: null });
  expect(readdirSync(site.path("ipc", "main", "outgoing"))).toEqual([]);
  await site.stop();
  await site.start();
  expect(existsSync(path) && readFileSync(path, "utf8")).toBe("%PDF the plan");
  expect(site.ledger("SELECT content FROM messages WHERE id = ?", message_id)).toEqual([
    { content: "[file: The plan.pdf]\n**Here**" },
  ]);
});
