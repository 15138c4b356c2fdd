import type { Reply } from "../channels/local/local-channel.ts";
import { chatClient, type MessageOutcome } from "../cli/chat-client.ts";
import { ask, streamEvents } from "../cli/connection.ts";
import { safeForTerminal } from "../cli/display.ts";
import { hostOrOwn } from "../cli/host-or-own.ts";
import { CommandError } from "../cli/outcome.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import type { Outcome } from "./outcome.ts";
import { hostNow, runningService, untilServed } from "./served.ts";
import type { Setup, State, Step } from "./step.ts";
import { Cancelled } from "./ui.ts";

export const testStep: Step = {
  name: "test",
  title: "A message there and back, through the local chat",
  look,
  run,
};

/** The offline agent knows reminders alone, and this word. */
const HELP = "help";
const PROMPT = "This is a test of the installation: answer with one short sentence.";
const LIMIT_MS = 180_000;
const LOOK_MS = 100;

/** For a service that was only just started; its own step waits longer. */
const PATIENCE_MS = 5_000;

/** An own host would answer in the service's place, and tell nothing about it. */
async function look(setup: Setup): Promise<State> {
  const service = await runningService(setup);
  if (!service) return { kind: "todo", detail: "" };
  await setup.passing.close();
  if ((await hostNow(setup)) || (await untilServed(setup, service, PATIENCE_MS))) return { kind: "todo", detail: "" };
  const cure = "npm run nanoclaw -- service status  says why";
  return { kind: "impossible", detail: "the service runs, but does not answer", cure, waitsFor: "service" };
}

async function run(setup: Setup): Promise<Outcome> {
  const { terminal, passing, ui } = setup;
  await passing.close();
  const config = setup.config();
  await using place = await hostOrOwn(config, terminal, { what: "nanoclaw setup", localOnly: true });
  const { agent } = await ask<{ agent: string }>(place.connection, "GET", "/control/status");
  ui.progress(`waiting for the answer of ${agent} …`);
  const startedAt = systemClock.monotonic();
  const seen = await sendAndWait(setup, place.connection, agent === "offline" ? HELP : PROMPT);
  ui.progress(null);
  if (terminal.interrupted.aborted) throw new Cancelled();
  return verdict(seen, { agent, tookMs: systemClock.monotonic() - startedAt, isOwn: place.own !== undefined });
}

interface Seen {
  outcome: MessageOutcome;
  replies: Reply[];
}

/** Only replies from now on are read: what nobody has seen before the test stays unseen. */
async function sendAndWait(
  { terminal: { interrupted }, config: read }: Setup,
  connection: Parameters<typeof chatClient>[2],
  prompt: string,
): Promise<Seen> {
  const config = read();
  const chat = chatClient(config, "main", connection);
  const over = new AbortController();
  const stop = AbortSignal.any([over.signal, interrupted, AbortSignal.timeout(LIMIT_MS)]);
  const [shown, newest] = [await position(config, "shown"), await position(config, "now")];
  const replies: Reply[] = [];
  const following = follow(config, newest, replies, stop);
  const { seq } = await chat.send(prompt);
  let outcome = await chat.outcome(seq);
  const isOpen = () => outcome.state === "running" || (outcome.state === "waiting" && !outcome.held);
  const isShown = () => outcome.lastReply <= newest || replies.some((reply) => reply.seq >= outcome.lastReply);
  while ((isOpen() || !isShown()) && !stop.aborted) {
    await systemClock.sleep(LOOK_MS, stop);
    outcome = await chat.outcome(seq);
  }
  over.abort();
  await following;
  const last = Math.max(newest, ...replies.map((reply) => reply.seq));
  if (shown === newest) await ask(connection, "POST", "/chat/main/shown", { seq: last });
  return { outcome, replies };
}

/** Where the chat stands: its newest reply, or the newest that was shown. */
async function position(config: Config, after: "now" | "shown"): Promise<number> {
  const over = new AbortController();
  for await (const { event, data } of streamEvents(config, `/chat/main/events?after=${after}`, over.signal)) {
    if (event !== "open") continue;
    over.abort();
    return (JSON.parse(data) as { after: number }).after;
  }
  throw new CommandError("The host closed the local chat.");
}

async function follow(config: Config, after: number, replies: Reply[], signal: AbortSignal): Promise<void> {
  try {
    for await (const { event, data } of streamEvents(config, `/chat/main/events?after=${after}`, signal)) {
      if (event === "reply") replies.push(JSON.parse(data) as Reply);
    }
  } catch {
    // closed with the host
  }
}

interface How {
  agent: string;
  tookMs: number;
  isOwn: boolean;
}

function verdict({ outcome, replies }: Seen, { agent, tookMs, isOwn }: How): Outcome {
  const answer = replies.findLast((reply) => reply.seq <= outcome.lastReply)?.text ?? "";
  const seconds = `${(tookMs / 1_000).toFixed(1)} s`;
  if (outcome.state === "answered") {
    const who =
      agent === "offline"
        ? "the built-in offline agent answered (no language model: reminders only)"
        : `${agent} answered`;
    return { status: "done", detail: `${who} in ${seconds}: ${JSON.stringify(shortened(answer))}` };
  }
  const notice = replies.findLast(({ source }) => source === "notice")?.text;
  const why = shortened(notice ?? outcome.lines.join(" "), 400);
  const waits =
    outcome.state === "failed" ? "" : isOwn ? "; it is answered when a host runs" : "; it stays in the line";
  return { status: "failed", detail: `no answer from ${agent} within ${seconds}: ${why}${waits}`, cure: doctor };
}

const doctor = "npm run nanoclaw -- doctor  says what is missing";

function shortened(text: string, most = 120): string {
  const plain = safeForTerminal(text).replaceAll(/\s+/g, " ").trim();
  return plain.length > most ? `${plain.slice(0, most - 1)}…` : plain;
}
