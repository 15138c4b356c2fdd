import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { text as readAll } from "node:stream/consumers";
import { findAgent, type Agent } from "./agents.ts";
import { helpOf, type Options } from "./arguments.ts";
import { Exit, hasBug, kiroSetting, leave, type Cli, type Engine } from "./cli.ts";
import { runHooks } from "./hooks.ts";
import { asText } from "./json.ts";
import { keyIsTaken, loggedOut, openDatabase, renewed, unpackV3, type Credential } from "./login.ts";
import { startServers, type Started } from "./mcp.ts";
import { answer } from "./model.ts";
import { createStore, newestOf, newSession, type Session, type Store } from "./sessions.ts";
import { createShape, type Shape } from "./shapes.ts";

export async function chat(cli: Cli, options: Options, program: string): Promise<void> {
  const { flags } = options;
  if (flags.has("--help")) return cli.out(helpOf(cli, "chat"));
  checkSibling(cli, program);
  if (flags.has("--list-models")) return listModels(cli);
  const db = await openDatabase(cli);
  const engine = engineOf(cli, flags);
  if (flags.has("--list-sessions")) return listSessions(cli, db, flags.get("--format") ?? "plain");
  if (flags.has("--delete-session")) return deleteSession(cli, db, flags.get("--delete-session") ?? "");
  if (!flags.has("--no-interactive")) leave(cli, 2, "interactive chat is not simulated");
  const prompt = options.input ?? (process.stdin.isTTY ? "" : await readAll(process.stdin));
  if (prompt.trim() === "") leave(cli, 1, "Input must be supplied when running in non-interactive mode");
  await runTurn(cli, db, engine, flags, prompt);
}

/** Since 2.15 `kiro-cli` starts the sibling it finds next to its own path (docs/kiro-facts.md 1). */
function checkSibling(cli: Cli, program: string): void {
  if (!cli.since("2.15.0") || !program.endsWith("/kiro-cli")) return;
  if (!existsSync(join(dirname(program), "kiro-cli-chat"))) leave(cli, 1, "No such file or directory: kiro-cli-chat");
}

/** docs/kiro-facts.md 1 and 2: the flags, then the environment, then what the version is used to. */
function engineOf(cli: Cli, flags: Options["flags"]): Engine {
  const named = flags.get("--agent-engine")?.replace("kas", "v3");
  if (named !== undefined) return named as Engine;
  if (flags.has("--v3")) return "v3";
  if (flags.has("--v2")) return "v2";
  if (flags.has("--classic")) return "v1";
  const wished = cli.since("2.8.0") ? cli.env.KIRO_AGENT_ENGINE : undefined;
  if (wished === "v1" || wished === "v2" || wished === "v3") return wished;
  return cli.settings.engine ?? (cli.since("2.28.0") ? "v2" : "v1");
}

async function runTurn(
  cli: Cli,
  db: DatabaseSync,
  engine: Engine,
  flags: Options["flags"],
  prompt: string,
): Promise<void> {
  const streamJson = flags.get("--output-format") === "stream-json";
  const trustAll = flags.has("--trust-all-tools");
  const shape = createShape(cli, { engine, streamJson, trustAll, wrap: flags.get("--wrap") ?? "auto" });
  if (streamJson && engine === "v1") {
    const message = "--output-format stream-json is not supported on the v1 engine. Pass --agent-engine v2 (or v3).";
    throw new Exit(shape.fail("engine", message, false));
  }
  if (trustAll && hasBug(cli, engine, "trust-all-refused")) {
    leave(cli, 1, `the following arguments are not supported with --agent-engine=${engine}: --trust-all-tools`);
  }
  if (engine === "v3") unpackV3(cli);
  const credential = await authenticated(cli, db, engine);
  const resumed = flags.has("--resume") || flags.has("--resume-id");
  const agent = findAgent(cli, engine, flags.get("--agent"), resumed);
  const store = createStore(cli, db, engine);
  const session = sessionFor(cli, engine, store, shape, flags);
  const model = modelFor(cli, engine, agent, flags, (message) => {
    if (engine === "v2") shape.start(session.id);
    throw new Exit(shape.fail("prompt", message, false));
  });
  const started = await mcpFor(cli, engine, agent, credential, flags.has("--require-mcp-startup"));
  const context = await runHooks(cli, agent, "agentSpawn", { session_id: session.id });
  const more = await runHooks(cli, agent, "userPromptSubmit", { session_id: session.id, prompt });
  shape.start(session.id);
  if (engine !== "v3" && /^\/[a-z]/.test(prompt)) return runCommand(shape, prompt);
  store.begin(session, prompt);
  leaveChildren(cli, engine);
  try {
    if (credential?.kind === "key" && !keyIsTaken(cli, credential.value)) {
      const message = "Authentication failed. Your API key may be invalid or expired.";
      throw new Exit(shape.fail("prompt", message, true));
    }
    const run = {
      ...{ cli, engine, agent, model, session, shape, trustAll, servers: started.servers },
      trusted: (flags.get("--trust-tools") ?? "").split(",").filter((name) => name !== ""),
      context: context.said + more.said,
      loggedOut: (way: number) => loggedOut(cli, db, engine, way),
    };
    session.turns.push({ user: prompt, answer: await answer(run, prompt) });
    await runHooks(cli, agent, "stop", { session_id: session.id });
  } finally {
    // After an error of the service too: then the prompt is dropped.
    if (session.turns.length > 0 || engine === "v2") store.end(session);
    for (const server of started.servers) server.close();
  }
}

async function authenticated(cli: Cli, db: DatabaseSync, engine: Engine): Promise<Credential> {
  const found = renewed(cli, db, engine, cli.settings.refresh === true);
  if (found !== undefined) return found;
  await loggedOut(cli, db, engine);
  return renewed(cli, db, engine, false);
}

/** The table of docs/kiro-facts.md 5. */
function sessionFor(cli: Cli, engine: Engine, store: Store, shape: Shape, flags: Options["flags"]): Session {
  const id = flags.get("--resume-id");
  const bug = (name: Parameters<typeof hasBug>[2]) => hasBug(cli, engine, name);
  const broken = (why: string): never => {
    throw new Exit(shape.fail("session", `Failed to start session: ${why}`, false));
  };
  if (id !== undefined && !bug("resume-id-ignored")) {
    const found = store.load(id);
    if (typeof found === "string") return broken(found);
    if (found === undefined && !bug("unknown-id-silent")) return broken(`session not found: ${id}`);
    return found ?? newSession(engine);
  }
  if (!flags.has("--resume") || bug("resume-broken")) return newSession(engine);
  const newest = newestOf(store);
  if (typeof newest === "string") return broken(newest);
  if (newest === undefined && engine === "v2") {
    cli.err("No saved sessions found for this directory. Starting new session.\n"); // #9968
  }
  return newest ?? newSession(engine);
}

type Refuse = (message: string) => never;

function modelFor(cli: Cli, engine: Engine, agent: Agent, flags: Options["flags"], refuse: Refuse): string {
  const wished = flags.get("--model") || asText(agent.config["model"]) || asText(kiroSetting(cli, "chat.defaultModel"));
  const { models } = cli.settings;
  if (wished === "" || models.includes(wished)) return wished || "auto";
  if (engine === "v3") {
    cli.out(`The model '${wished}' is not available here. Available models: ${models.join(", ")}\n`);
    cli.err(`Error: The model '${wished}' is not available\n`);
    throw new Exit(1);
  }
  return refuse(`Model '${wished}' does not exist. Available models: ${models.join(", ")}`);
}

async function mcpFor(
  cli: Cli,
  engine: Engine,
  agent: Agent,
  credential: Credential,
  required: boolean,
): Promise<Started> {
  if (credential?.kind === "key" && hasBug(cli, engine, "mcp-off-with-key")) {
    cli.err("WARNING: Failed to retrieve MCP settings; MCP functionality disabled\n"); // #10024
    return { servers: [], failed: [] };
  }
  const started = await startServers(cli, agent.servers);
  for (const { name, reason, seconds } of started.failed) {
    cli.err(`✗ ${name} has failed to load after ${seconds.toFixed(2)} s\n - ${reason}\n`);
    cli.err(" - run with Q_LOG_LEVEL=trace and see $TMPDIR/kiro-log/kiro-chat.log for detail\n");
  }
  const strict = required && (engine !== "v3" || cli.since("2.22.0"));
  if (strict && started.failed.length > 0) {
    for (const server of started.servers) server.close();
    leave(cli, 3, "One or more mcp server did not load correctly");
  }
  return started;
}

/** #10076: V1 and V2 take a prompt that begins with `/` for a command, V3 asks the model. */
function runCommand(shape: Shape, prompt: string): void {
  const [command] = prompt.split(/\s/);
  if (command !== "/usage") throw new Exit(shape.fail("prompt", `unrecognized subcommand '${command}'`, true));
  shape.text("Plan: KIRO PRO | 1 usage breakdowns");
  shape.finish("end_turn", "success");
}

/** V3's Node processes that stay behind and hold the pipes (docs/kiro-facts.md 3). */
function leaveChildren(cli: Cli, engine: Engine): void {
  if (engine !== "v3" || !hasBug(cli, engine, "children-left")) return;
  spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)", "acp-server.js"], { stdio: "inherit" }).unref();
}

function listModels(cli: Cli): void {
  const lines = cli.settings.models.map((name) => `${name === "auto" ? "*" : " "} ${name}  1.00x credits`);
  cli.out(`Available models (* = default):\n${lines.join("\n")}\n`);
}

function listSessions(cli: Cli, db: DatabaseSync, format: string): void {
  const engines: Engine[] = ["v1", "v2", "v3"];
  const all = engines.flatMap((engine) => createStore(cli, db, engine).list());
  const sessions = all.sort((one, other) => other.updatedAt - one.updatedAt);
  if (format !== "plain") {
    const shown = sessions.map(({ sessionId, source, title, updatedAt }) => ({ sessionId, source, title, updatedAt }));
    const indent = format === "json-pretty" ? 2 : 0;
    return cli.out(`${JSON.stringify(shown.length === 0 ? [] : [{ cwd: cli.cwd, sessions: shown }], null, indent)}\n`);
  }
  if (sessions.length === 0) return cli.err("No saved chat sessions\n");
  for (const { sessionId, title, messages, updatedAt } of sessions) {
    const seconds = Math.round((Date.now() - updatedAt) / 1000);
    cli.err(`Chat SessionId: ${sessionId}\n  ${seconds} seconds ago | ${title} | ${messages} msgs\n`);
  }
}

function deleteSession(cli: Cli, db: DatabaseSync, id: string): void {
  const engines: Engine[] = ["v1", "v2", "v3"];
  if (!engines.some((engine) => createStore(cli, db, engine).remove(id))) leave(cli, 1, `session not found: ${id}`);
  cli.err(`Deleted chat session ${id}\n`);
}
