import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reply } from "../channels/local/local-channel.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { askEngine } from "../containers.ts";
import { homePaths, installId } from "../home.ts";
import { startHost } from "../main.ts";
import { chatClient } from "./chat-client.ts";
import type { Check } from "./check.ts";
import { connect, streamEvents } from "./connection.ts";

export interface TrialTurn {
  config: Config;
  env: NodeJS.ProcessEnv;
  prompt: string;
  interrupted: AbortSignal;
}

/** What is asked where nobody names another prompt: an answer alone would not show that our tools are there. */
export const TRIAL_PROMPT =
  'This only tests the connection. Call the tool send_message of the MCP server nanoclaw once, with the text "tools work", then answer with the single word: ready';

const LIMIT_MS = 180_000;
const LOOK_MS = 250;
const name = "kiro turn";

/** One whole turn in a home made for it, gone afterwards: the same way as every message, and nothing of it stays. */
export async function tryTurn({ config, env, prompt, interrupted }: TrialTurn): Promise<Check> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-doctor-")));
  const trial: Config = { ...config, home, settings: { ...config.settings, NANOCLAW_AGENT: "kiro" } };
  const startedAt = performance.now();
  try {
    const seen = await runTrial(trial, env, prompt, interrupted);
    return verdict(seen, performance.now() - startedAt);
  } catch (error) {
    return { name, state: "wrong", detail: (error as Error).message, cure: "as the message says" };
  } finally {
    await forget(trial, env);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

interface Seen {
  replies: Reply[];
  lines: string[];
  isAnswered: boolean;
}

async function runTrial(
  config: Config,
  env: NodeJS.ProcessEnv,
  prompt: string,
  interrupted: AbortSignal,
): Promise<Seen> {
  await using _host = await startHost({ config, env, clock: systemClock, what: "nanoclaw doctor" });
  using connection = await connect(config);
  const chat = chatClient(config, "main", connection);
  const over = new AbortController();
  const replies: Reply[] = [];
  const following = follow(config, replies, over.signal);
  const { seq } = await chat.send(prompt);
  const until = performance.now() + LIMIT_MS;
  let outcome = await chat.outcome(seq);
  // A turn that waits was told why; here nobody waits for the cure.
  while (["waiting", "running"].includes(outcome.state) && replies.at(-1)?.source !== "notice") {
    if (interrupted.aborted || performance.now() > until) break;
    await systemClock.sleep(LOOK_MS, over.signal);
    outcome = await chat.outcome(seq);
  }
  await systemClock.sleep(LOOK_MS, over.signal);
  over.abort();
  await following;
  return { replies, lines: outcome.lines, isAnswered: outcome.state === "answered" };
}

async function follow(config: Config, replies: Reply[], signal: AbortSignal): Promise<void> {
  try {
    for await (const { event, data } of streamEvents(config, "/chat/main/events?after=0", signal)) {
      if (event === "reply") replies.push(JSON.parse(data) as Reply);
    }
  } catch {
    // closed with the host
  }
}

function verdict({ replies, lines, isAnswered }: Seen, took: number): Check {
  const notice = replies.find(({ source }) => source === "notice")?.text;
  if (!isAnswered) {
    const detail = notice ?? `no answer: ${lines.join(" ")}`;
    return { name, state: "wrong", detail, cure: "as the message says; npm run nanoclaw -- why tells more" };
  }
  const seconds = (took / 1_000).toFixed(1);
  if (replies.some(({ source }) => source === "send_message")) {
    return { name, state: "ok", detail: `an answer and a call of our tools in ${seconds} s` };
  }
  const detail = `it answered in ${seconds} s, but our MCP server "nanoclaw" was not called: reminders and messages will not work`;
  const cure = "with an API key, allow MCP servers in the organisation's Kiro settings, or use kiro-cli login";
  return { name, state: "wrong", detail, cure };
}

/** The engine keeps a network per home. */
async function forget(config: Config, env: NodeJS.ProcessEnv): Promise<void> {
  if (config.settings.NANOCLAW_AGENT_RUNTIME === "host") return;
  await askEngine(config.settings, env, systemClock)
    .forget(installId(homePaths(config.home)))
    .catch(() => {}); // without an engine there is none
}
