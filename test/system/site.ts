import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import type { Reply } from "../../src/channels/local/local-channel.ts";
import { chatClient, type MessageOutcome } from "../../src/cli/chat-client.ts";
import { ask, connectHost, streamEvents, type Connection } from "../../src/cli/connection.ts";
import { systemClock } from "../../src/clock.ts";
import { loadConfig, type Config } from "../../src/config.ts";
import type { Clock } from "../../src/domain/clock.ts";
import { homePaths } from "../../src/home.ts";
import { startHost } from "../../src/main.ts";
import { shareCompileCache } from "./compile-cache.ts";
import { processesOf } from "./processes.ts";
import { until } from "./until.ts";

const RUNNER = fileURLToPath(new URL("fixtures/runner.mjs", import.meta.url));
/** Runs turns as the `way` file in the group's folder says; see there for the ways. */
export const scriptedRunner = [process.execPath, RUNNER] as const;

export interface SiteOptions {
  home?: string;
  settings?: Record<string, string>;
  clock?: Clock;
  /** Over the process's own: what the host sees of the person's environment. */
  env?: Record<string, string>;
  /** Default: the real runner with the offline agent. */
  scripted?: boolean;
}

/** A home with a host in this process, and its clients. */
export interface Site extends AsyncDisposable {
  home: string;
  config: Config;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Resolves to the message's seq when the host has taken it. */
  say(text: string, group?: string): Promise<number>;
  outcome(seq: number): Promise<MessageOutcome>;
  /** Waits until nothing runs or waits for this message any more; to its replies. */
  answered(seq: number): Promise<string[]>;
  /** Every reply that a client that follows the chat was shown, in order. */
  watch(group?: string): Reply[];
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Rows of the ledger as they stand on the disk. */
  ledger(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[];
  /** How the scripted runner behaves in a group from now on. */
  behave(way: string, group?: string): void;
  path(...parts: string[]): string;
  /** Waits until no process of this home is left but this one. */
  untilNoneLeft(): Promise<void>;
}

export const tempHome = (): string => mkdtempSync(join(tmpdir(), "nanoclaw-system-"));

export async function openSite(options: SiteOptions = {}): Promise<Site> {
  const home = options.home ?? tempHome();
  if (options.home === undefined) shareCompileCache(home);
  // Some of these homes are on tiny disks.
  const own = { TZ: "UTC", NANOCLAW_AGENT_RUNTIME: "host", NANOCLAW_FREE_DISK: "1" };
  const env = { ...own, ...options.settings, NANOCLAW_HOME: home };
  const config = loadConfig({ env, defaultHome: home });
  const closed = new AbortController();
  const watching: Promise<void>[] = [];
  let host: AsyncDisposable | undefined;

  const path = (...parts: string[]) => join(config.home, ...parts);
  const connection = async (): Promise<Connection> => {
    const found = await connectHost(config);
    if (!found) throw new Error("no host runs");
    return found;
  };
  const ledger: Site["ledger"] = (sql, ...values) => {
    const database = new DatabaseSync(homePaths(config.home).database, { readOnly: true });
    try {
      return database.prepare(sql).all(...values);
    } finally {
      database.close();
    }
  };
  const site: Site = {
    ...{ home: config.home, config, path, ledger },
    start: async () => {
      host = await startHost({
        config,
        clock: options.clock ?? systemClock,
        env: { ...process.env, ...options.env },
        what: "system test",
        ...(options.scripted ? { runner: scriptedRunner } : {}),
      });
    },
    stop: async () => {
      await host?.[Symbol.asyncDispose]();
      host = undefined;
    },
    say: async (text, group = "main") => (await chatClient(config, group, await connection()).send(text)).seq,
    outcome: async (seq) => chatClient(config, "main", await connection()).outcome(seq),
    answered: async (seq) => {
      await until(async () => !["waiting", "running"].includes((await site.outcome(seq)).state));
      return ledger(
        `SELECT o.content FROM messages m
           JOIN turns t ON t.kind = 'message' AND t.chat_jid = m.chat_jid AND m.seq BETWEEN t.from_seq AND t.to_seq
           JOIN outbox o ON o.turn_id = t.id
         WHERE m.seq = ? ORDER BY o.seq`,
        seq,
      ).map(({ content }) => String(content));
    },
    watch: (group = "main") => {
      const seen: Reply[] = [];
      watching.push(follow(config, group, seen, closed.signal));
      return seen;
    },
    ask: async (method, at, body) => ask(await connection(), method, at, body),
    behave: (way, group = "main") => writeFileSync(path("groups", group, "way"), way),
    untilNoneLeft: () => until(() => processesOf(config.home).length === 0),
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      await site.stop();
      await Promise.all(watching);
      if (options.home === undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await site.start();
  return site;
}

/** Goes on after a restart of the host where it was. */
async function follow(config: Config, group: string, seen: Reply[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const path = `/chat/${group}/events?after=${seen.at(-1)?.seq ?? 0}`;
      for await (const { event, data } of streamEvents(config, path, signal)) {
        if (event === "reply") seen.push(JSON.parse(data) as Reply);
      }
    } catch {
      // the host is down
    }
    await delay(20);
  }
}
