import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import type { Agent } from "./agents.ts";
import type { Cli } from "./cli.ts";
import { asObject, asText, type Json } from "./json.ts";

/** docs/kiro-facts.md 7: JSON on stdin, 30 s; what they print is context; exit 2 of `preToolUse` blocks the tool. */
export async function runHooks(
  cli: Cli,
  agent: Agent,
  event: string,
  about: Json,
): Promise<{ said: string; blocked: boolean }> {
  const hooks = asObject(agent.config["hooks"])[event];
  const said: string[] = [];
  let blocked = false;
  for (const hook of Array.isArray(hooks) ? hooks.map(asObject) : []) {
    const matcher = asText(hook["matcher"]);
    if (matcher !== "" && matcher !== "*" && matcher !== about["tool_name"]) continue;
    const input = JSON.stringify({ hook_event_name: event, cwd: cli.cwd, ...about });
    const { code, out } = await runHook(cli, asText(hook["command"]), input, Number(hook["timeout_ms"] ?? 30_000));
    said.push(out);
    blocked ||= event === "preToolUse" && code === 2;
  }
  if (said.length > 0) cli.err(said.join(""));
  return { said: said.join(""), blocked };
}

async function runHook(
  cli: Cli,
  command: string,
  input: string,
  timeout: number,
): Promise<{ code: number; out: string }> {
  const child = spawn("/bin/sh", ["-c", command], {
    cwd: cli.cwd,
    env: cli.env,
    timeout,
    stdio: ["pipe", "pipe", "ignore"],
  });
  child.stdin.on("error", () => undefined).end(input);
  const exited = new Promise<number>((done) =>
    child.on("error", () => done(127)).on("exit", (code) => done(code ?? 1)),
  );
  const out = await text(child.stdout);
  return { code: await exited, out };
}
