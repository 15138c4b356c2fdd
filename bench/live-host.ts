import { randomUUID } from "node:crypto";
import { ask, connectHost, streamEvents } from "../src/cli/connection.ts";
import { systemClock } from "../src/clock.ts";
import { loadConfig } from "../src/config.ts";
import { startHost, type HostOptions } from "../src/main.ts";
import { plainEnv } from "./home.ts";

export interface LiveHost extends AsyncDisposable {
  /** Posts a message and waits for the reply's event, as a chat does; resolves to the reply. */
  say(text: string): Promise<string>;
  /** Posts a message and does not wait. */
  post(group: string, text: string): Promise<void>;
  addGroup(folder: string): Promise<void>;
}

const REPLY_LIMIT_MS = 60_000;

/** The real host in this process, spoken to through its socket. */
export async function liveHost(
  home: string,
  { runner, settings }: { runner?: HostOptions["runner"]; settings?: Record<string, string> } = {},
): Promise<LiveHost> {
  const env = { ...plainEnv(home), LOG_LEVEL: "error", ...settings };
  const config = loadConfig({ env, defaultHome: home });
  await using parts = new AsyncDisposableStack();
  parts.use(await startHost({ config, clock: systemClock, env, what: "the benchmark", ...(runner && { runner }) }));
  const connection = await connectHost(config);
  if (!connection) throw new Error("the host's socket does not answer");
  const closing = new AbortController();
  const waiting: ((text: string) => void)[] = [];
  let heard = () => {};
  const listening = new Promise<void>((resolve) => (heard = resolve));
  const reading = (async () => {
    for await (const { event, data } of streamEvents(config, "/chat/main/events?after=now", closing.signal)) {
      if (event === "open") heard();
      if (event === "reply") waiting.shift()?.((JSON.parse(data) as { text: string }).text);
    }
  })();
  parts.defer(() => reading);
  parts.defer(() => closing.abort());
  await listening;
  const owned = parts.move();
  const post = async (group: string, text: string) =>
    void (await ask(connection, "POST", `/chat/${group}/messages`, { id: randomUUID(), text }));
  return {
    post,
    addGroup: async (folder) =>
      void (await ask(connection, "POST", "/control/groups", { jid: `local:${folder}`, folder, name: folder })),
    say: async (text) => {
      const reply = new Promise<string>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`no reply to "${text}"`)), REPLY_LIMIT_MS);
        waiting.push((said) => {
          clearTimeout(timer);
          resolve(said);
        });
      });
      await post("main", text);
      return reply;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
