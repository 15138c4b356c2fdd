import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { kiroSetting, type Cli } from "./cli.ts";
import { asObject, asStrings, asText, parseObject, type Json } from "./json.ts";

export interface Server {
  name: string;
  tools: string[];
  call(tool: string, input: Json): Promise<{ text: string; failed: boolean }>;
  close(): void;
}

export interface Started {
  servers: Server[];
  failed: { name: string; reason: string; seconds: number }[];
}

/** All at once, each with the time the settings give it; `${NAME}` is expanded from our environment. */
export async function startServers(cli: Cli, entries: Json): Promise<Started> {
  const limit = Number(kiroSetting(cli, "mcp.noInteractiveTimeout") ?? 30_000);
  const started: Started = { servers: [], failed: [] };
  const wanted = Object.entries(entries).filter(([, entry]) => asObject(entry)["disabled"] !== true);
  const one = async ([name, entry]: [string, unknown]) => {
    const since = Date.now();
    try {
      started.servers.push(await startServer(cli, name, asObject(entry), limit));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      started.failed.push({ name, reason, seconds: (Date.now() - since) / 1000 });
    }
  };
  await Promise.all(wanted.map(one));
  return started;
}

async function startServer(cli: Cli, name: string, entry: Json, limit: number): Promise<Server> {
  if (typeof entry["command"] !== "string") throw new Error("remote MCP servers are not simulated");
  const expand = (text: string) => text.replaceAll(/\$\{(?:env:)?(\w+)\}/g, (_, key: string) => cli.env[key] ?? "");
  const own = Object.entries(asObject(entry["env"])).map(([key, value]) => [key, expand(String(value))] as const);
  const command = expand(entry["command"]);
  const child = spawn(command, asStrings(entry["args"]).map(expand), {
    cwd: cli.cwd,
    env: { ...cli.env, ...Object.fromEntries(own) },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const waiting = new Map<number, { done: (answer: Json) => void; failed: (error: Error) => void }>();
  const fail = (error: Error) => {
    for (const { failed } of waiting.values()) failed(error);
    waiting.clear();
  };
  child.on("error", fail).on("exit", (code) => fail(new Error(`Mcp error: connection closed (exit ${code})`)));
  child.stdin.on("error", () => undefined);
  const send = (message: Json) => child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
  createInterface(child.stdout).on("line", (line) => {
    const { id, method, result, error } = parseObject(line) ?? {};
    if (method !== undefined && id !== undefined) send(answerTo(method, id)); // the server asks us
    const asked = method === undefined ? waiting.get(Number(id)) : undefined;
    waiting.delete(Number(id));
    if (error !== undefined) asked?.failed(new Error(`Mcp error: ${asText(asObject(error)["message"])}`));
    else asked?.done(asObject(result));
  });
  let ids = 0;
  const ask = (method: string, params: Json, ms: number): Promise<Json> => {
    const id = ids++;
    return new Promise((done, failed) => {
      const timer = setTimeout(() => failed(new Error(`Mcp error: no answer to ${method} within ${ms} ms`)), ms);
      const settled = () => clearTimeout(timer);
      waiting.set(id, { done: (answer) => (settled(), done(answer)), failed: (error) => (settled(), failed(error)) });
      send({ id, method, params });
    });
  };
  try {
    const clientInfo = { name: "kiro-cli", version: cli.settings.version };
    await ask("initialize", { protocolVersion: "2025-06-18", capabilities: {}, clientInfo }, limit);
    send({ method: "notifications/initialized" });
    const off = asStrings(entry["disabledTools"]);
    const tools = (await listTools(ask, limit)).filter((tool) => !off.includes(tool));
    const timeout = Number(entry["timeout"] ?? 120_000);
    const call = async (tool: string, input: Json) =>
      readResult(await ask("tools/call", { name: tool, arguments: input }, timeout));
    return { name, tools, call, close: () => void child.kill() };
  } catch (error) {
    child.kill();
    throw error;
  }
}

type Ask = (method: string, params: Json, ms: number) => Promise<Json>;

async function listTools(ask: Ask, limit: number, cursor?: string): Promise<string[]> {
  const { tools, nextCursor } = await ask("tools/list", cursor === undefined ? {} : { cursor }, limit);
  const names = Array.isArray(tools) ? tools.map((tool) => asText(asObject(tool)["name"])) : [];
  return typeof nextCursor === "string" ? [...names, ...(await listTools(ask, limit, nextCursor))] : names;
}

function readResult(result: Json): { text: string; failed: boolean } {
  const content = Array.isArray(result["content"]) ? result["content"].map(asObject) : [];
  const text = content.map((each) => asText(each["text"]) || `[${asText(each["type"])}]`).join("\n");
  return { text, failed: result["isError"] === true };
}

function answerTo(method: unknown, id: unknown): Json {
  if (method === "ping") return { id, result: {} };
  return { id, error: { code: -32601, message: "Method not found" } };
}
