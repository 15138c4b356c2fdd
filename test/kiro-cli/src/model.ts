import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { matches, toolsOf, type Agent, type Tool } from "./agents.ts";
import { Exit, leave, type Cli, type Engine } from "./cli.ts";
import { runHooks } from "./hooks.ts";
import { asStrings, parseObject, type Json } from "./json.ts";
import { forEver } from "./login.ts";
import type { Server } from "./mcp.ts";
import { lastLine, readScript, type Step } from "./script.ts";
import type { Session } from "./sessions.ts";
import { newCall, type Call, type Shape } from "./shapes.ts";

export interface Run {
  cli: Cli;
  engine: Engine;
  agent: Agent;
  model: string;
  session: Session;
  shape: Shape;
  servers: readonly Server[];
  trustAll: boolean;
  trusted: readonly string[];
  /** What the hooks put into the context. */
  context: string;
  loggedOut(way: number): Promise<void>;
}

interface Speech {
  answer: string;
  /** Spoken since the last tool. */
  fresh: boolean;
  lastTool: string | undefined;
  stop: { reason: string; status: string };
}

/** docs/kiro-facts.md 8, "Messages to recognise", and how issues quote them. */
const FAILURES: Readonly<Record<string, string>> = {
  "rate-limit": "Kiro rate limit reached: Request quota exceeded. Please wait a moment and try again.",
  "too-many": "Too many requests, please wait before trying again. (request_id: 00000000-0000-0000-0000-000000000000)",
  throttled: "The request was throttled by the service (request_id: 00000000-0000-0000-0000-000000000000)",
  "monthly-limit": "Monthly request limit reached - The limits reset on 12/01.",
  "monthly-usage": "The monthly usage limit has been reached (request_id: 00000000-0000-0000-0000-000000000000)",
  trouble: "Kiro is having trouble responding right now: service error",
  "token-expired": "TokenExpiredError: the login has expired",
  "api-key": "Authentication failed. Your API key may be invalid or expired.",
  history: "-32603 Internal error: invalid conversation history received",
};

const SPEAKING = new Set("say narrate recall remember tool shell read env system bytes fail".split(" "));

/** Answers the prompt by its script words; returns what it said, for the session. */
export async function answer(run: Run, prompt: string): Promise<string> {
  const speech: Speech = {
    answer: "",
    fresh: false,
    lastTool: undefined,
    stop: { reason: "end_turn", status: "success" },
  };
  const steps = readScript(prompt);
  if (run.cli.settings.fail !== undefined) steps.push({ word: "fail", text: run.cli.settings.fail });
  if (steps.every(({ word }) => !SPEAKING.has(word))) {
    steps.push({ word: "say", text: `I read: ${lastLine(prompt)} (${run.session.turns.length} earlier turns)` });
  }
  for (const step of steps) await perform(run, speech, step);
  if (!speech.fresh && speech.lastTool !== undefined) say(run, speech, `Done: ${speech.lastTool}`);
  run.shape.finish(speech.stop.reason, speech.stop.status);
  return speech.answer;
}

function say(run: Run, speech: Speech, text: string): void {
  const piece = speech.fresh ? `\n${text}` : text;
  speech.answer += piece;
  speech.fresh = true;
  run.shape.text(piece);
}

async function perform(run: Run, speech: Speech, { word, text }: Step): Promise<void> {
  const { cli, session } = run;
  const speak = (words: string) => say(run, speech, words);
  const actions: Record<string, () => void | Promise<void>> = {
    say: () => speak(text.replaceAll("\\n", "\n")),
    narrate: () => speak(text.replaceAll("\\n", "\n")),
    remember: () => speak(`I will remember: ${text}`),
    recall: () =>
      speak(
        session.turns
          .map(({ user }) => user)
          .join("\n")
          .replaceAll("!!", "‼") || "Nothing yet.",
      ),
    env: () => speak(cli.env[text] === undefined ? `${text} is not set` : `${text}=${cli.env[text]}`),
    system: () => speak(systemOf(run)),
    bytes: () => speak("0123456789abcde\n".repeat(Math.ceil(Number(text) / 16)).slice(0, Number(text))),
    tool: () => callTool(run, speech, text),
    shell: () => useTool(run, speech, newCall({ name: "shell" }, { command: text }), () => shell(run, text)),
    read: () => useTool(run, speech, newCall({ name: "read" }, { path: text }), () => readPath(run, text)),
    sleep: async () => void (await sleep(Number(text))),
    stdout: () => cli.out(`${text}\n`),
    stderr: () => cli.err(`${text}\n`),
    stop: () => {
      const [reason = "end_turn", status = "success"] = text.split(" ");
      speech.stop = { reason, status };
    },
    "last-words": () =>
      void process.once("SIGTERM", () => {
        speak(text);
        process.exit(143);
      }),
    deaf: () => void process.on("SIGTERM", () => cli.err("[warn] SIGTERM is ignored\n")),
    fail: () => fail(run, speech, text),
  };
  await actions[word]?.();
}

function systemOf({ cli, agent, model, servers, context }: Run): string {
  const tools = servers.flatMap(({ name, tools }) => tools.map((tool) => ({ server: name, name: tool })));
  const all = [...tools, { name: "read" }, { name: "write" }, { name: "shell" }] as Tool[];
  const seen = all.filter((tool) => matches(toolsOf(cli, agent), tool, true));
  return [
    `agent: ${agent.name}`,
    `model: ${model}`,
    `tools: ${seen.map(({ server, name }) => (server === undefined ? name : `@${server}/${name}`)).join(", ")}`,
    `steering: ${agent.steering.join(", ")}`,
    `skills: ${agent.skills.join(", ")}`,
    `resources: ${agent.resources.join(", ")}`,
    `context: ${context.trim()}`,
    `prompt: ${agent.prompt}`,
  ].join("\n");
}

type Done = { text: string; failed: boolean };

async function callTool(run: Run, speech: Speech, text: string): Promise<void> {
  const [, name = "", tool = "", json = "{}"] = /^(\S+)\s+(\S+)\s*([\s\S]*)$/.exec(text) ?? [];
  const input: Json = parseObject(json || "{}") ?? { unreadable: json };
  const server = run.servers.find((each) => each.name === name && each.tools.includes(tool));
  const call = newCall({ server: name, name: tool }, input);
  if (server === undefined) return say(run, speech, `I have no tool @${name}/${tool}.`);
  await useTool(run, speech, call, () =>
    server.call(tool, input).catch((error: unknown) => ({ text: String(error), failed: true })),
  );
}

/** docs/kiro-facts.md 7: `tools` says what there is, `allowedTools` and the trust flags what may run unasked. */
async function useTool(run: Run, speech: Speech, call: Call, work: () => Promise<Done> | Done): Promise<void> {
  const { cli, agent, shape } = run;
  if (!matches(toolsOf(cli, agent), call, true)) return say(run, speech, `I have no tool ${call.name}.`);
  speech.fresh = false;
  shape.tool(call);
  const about = {
    tool_name: call.server === undefined ? call.name : `@${call.server}/${call.name}`,
    tool_input: call.input,
  };
  const mayRun = run.trustAll || matches([...asStrings(agent.config["allowedTools"]), ...run.trusted], call, false);
  if (!mayRun || (await runHooks(cli, agent, "preToolUse", about)).blocked) {
    shape.denied(call);
    speech.lastTool = `${call.name}: I could not use it, but I am sure that all went well.`;
    return;
  }
  const { text, failed } = await work();
  shape.toolDone(call, text, failed);
  speech.lastTool = `${call.name}: ${text.trim()}`;
  await runHooks(cli, agent, "postToolUse", { ...about, tool_response: { success: !failed, result: [text] } });
}

function shell({ cli }: Run, command: string): Done {
  const { stdout, stderr, status } = spawnSync("/bin/sh", ["-c", command], {
    cwd: cli.cwd,
    env: cli.env,
    encoding: "utf8",
  });
  return { text: stdout + stderr, failed: status !== 0 };
}

function readPath({ cli }: Run, path: string): Done {
  try {
    return { text: readFileSync(resolve(cli.cwd, path), "utf8"), failed: false };
  } catch (error) {
    return { text: String(error), failed: true };
  }
}

async function fail(run: Run, speech: Speech, text: string): Promise<void> {
  const [kind = "", detail] = text.split(/\s+/);
  const { cli, shape } = run;
  const message = FAILURES[kind];
  if (message !== undefined) throw new Exit(shape.fail("prompt", message, kind !== "history"));
  const ways: Record<string, () => void | Promise<void>> = {
    crash: () => {
      cli.err(
        "thread 'main' panicked at crates/chat-cli/src/cli/chat/mod.rs:1:1:\ncalled `Option::unwrap()` on a `None` value\n",
      );
      process.exit(101);
    },
    oom: async () => {
      process.kill(process.pid, "SIGKILL");
      await forEver();
    },
    half: () => {
      say(run, speech, "This is the first half of an ans");
      process.exit(Number(detail ?? 1));
    },
    hang: forEver,
    empty: () => {
      shape.finish("end_turn", "success");
      throw new Exit(0);
    },
    silent: () => process.exit(0),
  };
  if (kind.startsWith("logged-out")) {
    await run.loggedOut(Number(kind.at(-1)) || 2);
    return;
  }
  if (ways[kind] === undefined) leave(cli, 1, `the stand-in knows no failure "${text}"`);
  await ways[kind]();
}
