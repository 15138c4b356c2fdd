import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import type { Reply } from "../../src/channels/local/local-channel.ts";
import { connectHost, streamEvents } from "../../src/cli/connection.ts";
import { loadConfig, type Config } from "../../src/config.ts";
import { compileCache, shareCompileCache } from "./compile-cache.ts";

const PROGRAM = fileURLToPath(new URL("crash-host.ts", import.meta.url));

/** A home whose host may be killed at any time, and a client that never gives up. */
export interface CrashSite extends AsyncDisposable {
  home: string;
  config: Config;
  /** Starts the host and waits until it serves, or until it killed itself before. */
  start(point?: string, nth?: number): Promise<ChildProcess>;
  /** Sends until a host has taken it; the id makes repeats harmless. */
  say(group: string, id: string, text: string): Promise<number>;
  /** Every reply that a client following the group's chat was shown, in order. */
  shown(group: string): Reply[];
  /** Follows the chat for as long as the site exists. */
  watch(group: string): void;
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Processes that still run for this home. */
  leftOver(): string[];
}

export function crashSite(settings: Record<string, string>): CrashSite {
  const home = mkdtempSync(join(tmpdir(), "nanoclaw-crash-"));
  shareCompileCache(home);
  const own = { NANOCLAW_HOME: home, LOG_LEVEL: "debug", TZ: "UTC", ...settings };
  const config = loadConfig({ env: own, defaultHome: home });
  const closed = new AbortController();
  const replies = new Map<string, Reply[]>();
  const watching: Promise<void>[] = [];
  let host: ChildProcess | undefined;

  const request = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    for (;;) {
      try {
        const connection = await connectHost(config);
        const answer = await connection?.request(method, path, body);
        if (answer && answer.status < 300) return answer.body as T;
        if (answer && answer.status < 500) throw new Error(JSON.stringify(answer.body));
      } catch (error) {
        if (error instanceof Error && error.message.startsWith("{")) throw error;
      }
      if (closed.signal.aborted) throw new Error("closed");
      await delay(50);
    }
  };

  const follow = async (group: string) => {
    const seen: Reply[] = [];
    replies.set(group, seen);
    while (!closed.signal.aborted) {
      try {
        const path = `/chat/${group}/events?after=${seen.at(-1)?.seq ?? 0}`;
        for await (const { event, data } of streamEvents(config, path, closed.signal)) {
          if (event === "reply") seen.push(JSON.parse(data) as Reply);
        }
      } catch {
        // the host is down
      }
      await delay(20);
    }
  };

  return {
    home,
    config,
    request,
    start: async (point = "", nth = 1) => {
      host = spawn(process.execPath, [PROGRAM, point, String(nth)], {
        env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...own },
        stdio: ["ignore", "pipe", "inherit"],
      });
      const child = host;
      await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), once(child, "exit")]);
      return child;
    },
    say: async (group, id, text) =>
      (await request<{ seq: number }>("POST", `/chat/${group}/messages`, { id, text })).seq,
    shown: (group) => replies.get(group) ?? [],
    watch: (group) => void watching.push(follow(group)),
    leftOver: () => processesOf(home),
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      if (host && host.exitCode === null && host.signalCode === null) {
        host.kill("SIGKILL");
        await once(host, "exit");
      }
      await Promise.all(watching);
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits until the condition holds; the test's own time limit is the only one. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(50);
}

function processesOf(home: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const told = readFileSync(`/proc/${pid}/environ`, "utf8") + readFileSync(`/proc/${pid}/cmdline`, "utf8");
        return told.includes(home) ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8")}`] : [];
      } catch {
        return []; // it ended meanwhile
      }
    });
}
