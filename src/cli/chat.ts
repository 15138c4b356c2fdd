import type { Command } from "commander";
import { text as readWhole } from "node:stream/consumers";
import type { Reply } from "../channels/local/local-channel.ts";
import { systemClock } from "../clock.ts";
import { chatClient, type ChatClient, type MessageOutcome } from "./chat-client.ts";
import { hostOrOwn } from "./host-or-own.ts";
import type { Terminal } from "./terminal.ts";
import { CommandError } from "./outcome.ts";
import { runRepl } from "./repl.ts";
import { replyText } from "./reply-text.ts";

interface ChatOptions {
  group: string;
  json?: true;
}

export function addChat(program: Command, terminal: Terminal): void {
  program
    .command("chat")
    .description("Talk to the assistant. With no host running, this command is its own host until it ends.")
    .argument("[text...]", "what to say; without it: type in a terminal, or the whole standard input is one message")
    .option("--group <folder>", "the group to talk to", "main")
    .option("--json", "one JSON object per line")
    .addHelpText(
      "after",
      "\nWith text it ends when the answer is there and the one-time reminders made in it are out (with a\nrunning host: those due within two minutes; the host brings the others). Exit 1: it was not answered.",
    )
    .action((words: string[], options: ChatOptions) => chat(words, options, terminal));
}

async function chat(words: string[], options: ChatOptions, terminal: Terminal): Promise<void> {
  const config = terminal.config();
  const isInteractive = words.length === 0 && terminal.stdin.isTTY && terminal.stdout.isTTY && !options.json;
  const text = words.length > 0 ? words.join(" ") : isInteractive ? "" : (await readWhole(terminal.stdin)).trim();
  if (!isInteractive && text === "") throw new CommandError("There is nothing to say: give a text, or pipe one in.", 2);
  await using place = await hostOrOwn(config, terminal, { what: "nanoclaw chat", localOnly: true });
  if (isInteractive) return await runRepl(config, options.group, terminal, { ownHost: place.own !== undefined });
  const client = chatClient(config, options.group, place.connection);
  await sayOnce(client, text, { ...options, own: place.own !== undefined, terminal });
}

interface SayOptions {
  json?: true | undefined;
  own: boolean;
  terminal: Terminal;
}

/** Sends one message, prints what comes, and knows when nothing more is to be waited for. */
async function sayOnce(client: ChatClient, text: string, { json, own, terminal }: SayOptions): Promise<void> {
  const { stdout, stderr, interrupted } = terminal;
  const done = new AbortController();
  const over = AbortSignal.any([done.signal, interrupted]);
  let lastShown = 0;
  const { seq } = await client.send(text);
  const watching = (async () => {
    for await (const reply of client.replies(over, () => stderr.write("(the host stopped; waiting for it)\n"))) {
      stdout.write(json ? replyLine(reply) : `${replyText(reply)}\n`);
      lastShown = reply.seq;
    }
  })();

  let outcome: MessageOutcome | undefined;
  let announced = false;
  while (!over.aborted) {
    outcome = await client.outcome(seq).catch(() => outcome);
    if (outcome && isOver(outcome, lastShown, own)) break;
    if (outcome && !announced && outcome.state === "answered" && outcome.reminders.length > 0) {
      announced = true;
      stderr.write(waitingFor(outcome, own));
    }
    await systemClock.sleep(announced ? 200 : 50, over);
  }
  done.abort();
  await watching;
  if (outcome) tellEnd(outcome, { own, json, terminal });
}

const NEAR_MS = 2 * 60_000;

function isOver(outcome: MessageOutcome, lastShown: number, own: boolean): boolean {
  if (outcome.state === "running") return false;
  if (outcome.state === "waiting") return outcome.held && lastShown >= outcome.newestReply;
  if (lastShown < outcome.newestReply) return false;
  return !outcome.reminders.some(({ next_run }) => own || next_run === null || isNear(next_run));
}

const isNear = (time: string): boolean => Date.parse(time) - systemClock.now() < NEAR_MS;

const waitingFor = ({ reminders }: MessageOutcome, own: boolean): string => {
  const times = reminders.map(({ next_run }) => next_run ?? "now").join(", ");
  const leave = own ? "it stays and fires when a host runs: npm start" : "the running host brings it all the same";
  return `(waiting for the reminder at ${times}; Ctrl-C to leave: ${leave})\n`;
};

function tellEnd(outcome: MessageOutcome, { own, json, terminal }: SayOptions): void {
  const { stdout, stderr } = terminal;
  if (json) stdout.write(`${JSON.stringify({ type: "done", state: outcome.state })}\n`);
  if (own && outcome.recurring.length > 0) {
    stderr.write("(a repeated reminder fires only while a host runs: npm start)\n");
  } else if (!own && outcome.reminders.length > 0) {
    stderr.write("(the running host brings the reminder; see it with: npm run nanoclaw -- chat)\n");
  }
  if (outcome.state === "answered") return;
  if (terminal.interrupted.aborted && outcome.state !== "failed") {
    stderr.write("(left before the answer; the message is kept, and answered when a host runs)\n");
    return;
  }
  throw new CommandError(`Not answered. ${outcome.lines.join(" ")}`);
}

const replyLine = ({ seq, id, text, file, at, source, turn, task }: Reply): string =>
  `${JSON.stringify({ type: "reply", text, ...(file && { file }), seq, id, at, source, turn, task })}\n`;
