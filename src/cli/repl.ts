import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { clearScreenDown, createInterface, cursorTo, moveCursor, type Interface } from "node:readline";
import type { Config } from "../config.ts";
import { chatClient } from "./chat-client.ts";
import { connectHost } from "./connection.ts";
import type { Terminal } from "./terminal.ts";
import { CommandError } from "./outcome.ts";
import { replyText } from "./reply-text.ts";

const PROMPT = "you> ";
const HISTORY_LINES = 500;

/** Typing and answers in one terminal: what arrives is written above the line that is being typed. */
export async function runRepl(
  config: Config,
  group: string,
  terminal: Terminal,
  { ownHost }: { ownHost: boolean },
): Promise<void> {
  const { stdin, stdout, interrupted } = terminal;
  const historyPath = join(config.home, "data", `chat-history-${group}`);
  const connection = await connectHost(config);
  if (!connection) throw new CommandError("The host does not answer; see: nanoclaw logs");
  const client = chatClient(config, group, connection);
  const line = createInterface({
    input: stdin,
    output: stdout,
    prompt: PROMPT,
    history: readHistory(historyPath),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
  });
  const show = (text: string) => writeAbove(line, stdout, text);
  const closed = new AbortController();
  const over = AbortSignal.any([closed.signal, interrupted]);
  line.on("history", (history) => keepHistory(historyPath, history));
  line.on("line", (typed) => {
    void send(typed.trim());
  });
  // Ctrl-C on a half-typed line clears it, as shells do; on an empty one it leaves.
  line.on("SIGINT", () => (line.line === "" ? line.close() : clearLine(line)));
  line.once("close", () => closed.abort());
  interrupted.addEventListener("abort", () => line.close(), { once: true });

  async function send(text: string): Promise<void> {
    if (text === "/quit" || text === "/exit") return line.close();
    try {
      if (text !== "") await client.send(text);
    } catch (error) {
      show(`! not taken: ${(error as Error).message}`);
    }
    if (!over.aborted) line.prompt(true);
  }

  stdout.write(`Type a message; Ctrl-D ${ownHost ? "stops NanoClaw" : "leaves the chat"}.\n`);
  line.prompt();
  const onLost = () => show("(the host stopped; your messages are taken again when it is back)");
  for await (const reply of client.replies(over, onLost)) show(replyText(reply));
  line.close();
}

/**
 * The typed line may wrap over several rows: all of them are cleared and drawn again below. Drawing
 * begins as many rows higher as the line had, so that many empty ones are put there first.
 */
function writeAbove(line: Interface, stdout: NodeJS.WriteStream, text: string): void {
  const { rows } = line.getCursorPos();
  moveCursor(stdout, 0, -rows);
  cursorTo(stdout, 0);
  clearScreenDown(stdout);
  stdout.write(`${text}\n${"\n".repeat(rows)}`);
  line.prompt(true);
}

function clearLine(line: Interface): void {
  line.write(null, { ctrl: true, name: "e" });
  line.write(null, { ctrl: true, name: "u" });
}

function readHistory(path: string): string[] {
  try {
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
  } catch {
    return []; // a convenience only
  }
}

function keepHistory(path: string, history: string[]): void {
  try {
    writeFileSync(path, history.join("\n"), { mode: 0o600 });
  } catch {
    // a convenience only
  }
}
