import type { Reply } from "../channels/local/local-channel.ts";
import { randomName } from "../domain/ids.ts";
import type { Config } from "../config.ts";
import { MESSAGE_MAX_BYTES, messageTooLong } from "../domain/message.ts";
import { ask, connectHost, streamEvents, type Connection } from "./connection.ts";
import { CommandError } from "./outcome.ts";

/** What became of a message, as the control API tells it. */
export interface MessageOutcome {
  state: "ignored" | "context" | "waiting" | "running" | "answered" | "failed";
  lines: string[];
  /** The person was told that it waits for something that only they can cure. */
  held: boolean;
  /** The turn's last reply; 0 when there is none. */
  lastReply: number;
  /** One-time reminders made in this turn and still to come, and repeated ones. */
  reminders: { task_id: string; next_run: string | null }[];
  recurring: { task_id: string }[];
  /** The newest reply of the whole chat. */
  newestReply: number;
}

export interface ChatClient {
  /** Stores the message; resolves when the host has it. */
  send(text: string): Promise<{ seq: number }>;
  outcome(seq: number): Promise<MessageOutcome>;
  /**
   * Replies that nobody has seen yet, then those that come. Survives a restart of the host; ends
   * when the signal aborts.
   */
  replies(signal: AbortSignal, onLost: () => void): AsyncGenerator<Reply>;
}

/** The local chat of a group, through the socket of the host that runs. */
export function chatClient(config: Config, group: string, connection: Connection): ChatClient {
  const path = `/chat/${encodeURIComponent(group)}`;
  return {
    send: async (text) => {
      // The host says so, too, but hangs up on whoever still writes, and its words may be lost.
      const bytes = Buffer.byteLength(text);
      if (bytes > MESSAGE_MAX_BYTES) throw new CommandError(messageTooLong(bytes));
      // The id is ours: were the answer lost, sending again would store nothing twice.
      return ask(connection, "POST", `${path}/messages`, { id: `local-${randomName(20)}`, text });
    },
    outcome: (seq) => ask(connection, "GET", `/control/messages/${seq}`),
    replies: async function* (signal, onLost) {
      let after: number | "shown" = "shown";
      while (!signal.aborted) {
        for await (const reply of repliesAfter(config, `${path}/events?after=${after}`, signal)) {
          yield reply;
          after = reply.seq;
          await ask(connection, "POST", `${path}/shown`, { seq: reply.seq }).catch(() => {}); // it is shown again at worst
        }
        if (!signal.aborted) onLost();
        await waitForHost(config, signal);
      }
    },
  };
}

async function* repliesAfter(config: Config, path: string, signal: AbortSignal): AsyncGenerator<Reply> {
  for await (const { event, data } of streamEvents(config, path, signal)) {
    if (event === "reply") yield JSON.parse(data) as Reply;
  }
}

const LOOK_MS = 500;

async function waitForHost(config: Config, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await connectHost(config).catch(() => undefined))) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
