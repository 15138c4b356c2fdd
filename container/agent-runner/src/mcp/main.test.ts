import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { expect, test } from "vitest";
import { createExchange, okay, refuse, type Exchange } from "../../test/exchange.ts";
import { toolNames } from "../protocol/index.ts";

const program = new URL("main.ts", import.meta.url).pathname;

async function connect(exchange: Exchange, more: Record<string, string> = {}): Promise<Client & AsyncDisposable> {
  const env = {
    ...more,
    NANOCLAW_IPC_DIR: exchange.dir,
    NANOCLAW_TURN: "abcdefghijkl",
    NANOCLAW_ATTEMPT: "2",
    NANOCLAW_CHAT_JID: "local:main",
  };
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StdioClientTransport({ command: process.execPath, args: [program], env }));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

test("shows every tool of the protocol with its arguments and results", async () => {
  using exchange = createExchange();
  await using client = await connect(exchange);
  const { tools } = await client.listTools();
  expect(tools.map((tool) => tool.name)).toEqual(toolNames);
  for (const tool of tools) {
    expect(tool.inputSchema.additionalProperties).toBe(false);
    expect(tool.outputSchema).toBeDefined();
    expect(tool.description).not.toBe("");
  }
});

test("a group's agent is not shown what only main may use", async () => {
  using exchange = createExchange();
  await using client = await connect(exchange, { NANOCLAW_IS_MAIN: "false" });
  const names = (await client.listTools()).tools.map((tool) => tool.name);
  expect(names).toEqual(toolNames.filter((name) => !name.endsWith("_group") && name !== "list_groups"));
});

test("carries a call to the host and its result back, letters and all", async () => {
  using exchange = createExchange();
  exchange.answerWith(() => okay({ message_id: "Zoë-🎂" }));
  await using client = await connect(exchange);
  const result = await client.callTool({ name: "send_message", arguments: { text: "„Grüße“ 🎂 \u2028 \n" } });
  expect(result.structuredContent).toEqual({ message_id: "Zoë-🎂" });
  expect(result.content).toEqual([{ type: "text", text: '{"message_id":"Zoë-🎂"}' }]);
  expect(exchange.requests).toEqual([
    {
      ...{ protocol: 1, turn: "abcdefghijkl", attempt: 2, chat: "local:main" },
      ...{ tool: "send_message", args: { text: "„Grüße“ 🎂 \u2028 \n" } },
    },
  ]);
});

test("two calls at once each get their own response", async () => {
  using exchange = createExchange();
  exchange.answerWith((request) => okay({ message_id: (request.args as { text: string }).text }));
  await using client = await connect(exchange);
  const send = (text: string) => client.callTool({ name: "send_message", arguments: { text } });
  const results = await Promise.all([send("one"), send("two"), send("three")]);
  expect(results.map((result) => result.structuredContent)).toEqual(
    ["one", "two", "three"].map((message_id) => ({ message_id })),
  );
});

test("passes on a refusal with the host's reason", async () => {
  using exchange = createExchange();
  exchange.answerWith(() => refuse("Only the main group may do that."));
  await using client = await connect(exchange);
  const result = await client.callTool({ name: "send_message", arguments: { text: "x", chat: "other" } });
  expect(result).toMatchObject({ isError: true, content: [{ text: "Only the main group may do that." }] });
});

test.each([
  ["no JSON", "{half"],
  ["another form", JSON.stringify({ fine: true })],
  ["a result of another tool", okay({ tasks: [] })],
  ["a file that is too large", " ".repeat(300 * 1024)],
])("says that it cannot read %s", async (_name, response) => {
  using exchange = createExchange();
  exchange.answerWith(() => response);
  await using client = await connect(exchange);
  const result = await client.callTool({ name: "send_message", arguments: { text: "x" } });
  expect(result.isError).toBe(true);
  expect(JSON.stringify(result.content)).toMatch(/could not be read|unknown form/);
});

test("wrong arguments never reach the host", async () => {
  using exchange = createExchange();
  await using client = await connect(exchange);
  const result = await client.callTool({ name: "cancel_task", arguments: { task_id: "7" } });
  expect(result.isError).toBe(true);
  expect(exchange.requests).toEqual([]);
});
