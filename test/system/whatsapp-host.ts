import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { ask, connectHost } from "../../src/cli/connection.ts";
import { loadConfig } from "../../src/config.ts";
import { homePaths } from "../../src/home.ts";
import type { Arrival } from "../whatsapp-server/messages.ts";
import type { Chat, LinkedDevice } from "../whatsapp-server/people.ts";
import type { ServerOptions } from "../whatsapp-server/whatsapp-server.ts";
import type { Command } from "./command.ts";
import { until } from "./until.ts";
import { openWhatsAppSite, type WhatsAppSite } from "./whatsapp-site.ts";

/** A home that is linked to the stand-in server, and the real program as a process. */
export interface WhatsAppHost extends WhatsAppSite {
  /** Starts the host; resolves when it serves its socket. */
  start(env?: Record<string, string>): Promise<Command>;
  /** Ends it by this signal; resolves when it is gone. */
  end(signal?: NodeJS.Signals): Promise<void>;
  device(): LinkedDevice;
  /** Resolves when the host is connected and what waited was delivered. */
  online(): Promise<void>;
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Rows of the ledger as they stand on the disk. */
  ledger(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[];
  /** What the people in this chat were sent by the host, each message once, in order. */
  said(chat: Chat): Arrival[];
  /** Resolves to the texts when the people in this chat have read that many messages. */
  texts(chat: Chat, count: number): Promise<string[]>;
}

export interface HostSiteOptions extends ServerOptions {
  settings?: Record<string, string>;
  /** Default: it is. */
  linked?: boolean;
}

export async function openWhatsAppHost(options: HostSiteOptions = {}): Promise<WhatsAppHost> {
  const { settings = {}, linked = true, ...serverOptions } = options;
  const site = await openWhatsAppSite(serverOptions);
  const own = {
    NANOCLAW_AGENT: "offline",
    NANOCLAW_AGENT_RUNTIME: "host",
    NANOCLAW_WHATSAPP_RATE: "0",
    NANOCLAW_WHATSAPP_CHAT_RATE: "0",
    NODE_EXTRA_CA_CERTS: site.server.media.caFile,
    ...settings,
  };
  const config = loadConfig({ env: { NANOCLAW_HOME: site.home, TZ: "UTC" }, defaultHome: site.home });
  const { server } = site;
  let host: Command | undefined;
  if (linked) await site.link();

  const device = (): LinkedDevice => {
    const found = server.phone.devices.at(-1);
    if (!found) throw new Error("nothing is linked");
    return found;
  };
  const connection = async () => {
    const found = await connectHost(config);
    if (!found) throw new Error("no host runs");
    return found;
  };
  const said = (chat: Chat): Arrival[] => {
    const seen = new Map<string, Arrival>();
    for (const arrival of server.received) {
      if (arrival.chat === chat && !arrival.peer && !seen.has(arrival.id)) seen.set(arrival.id, arrival);
    }
    return [...seen.values()];
  };
  const end = async (signal: NodeJS.Signals = "SIGTERM") => {
    host?.child.kill(signal);
    await host?.ended;
    host = undefined;
  };
  return {
    ...{ ...site, device, end, said },
    start: async (env = {}) => {
      const command = site.run(["start"], { ...own, ...env });
      host = command;
      let isOver = false;
      void command.ended.then(() => (isOver = true));
      await until(async () => isOver || (await connectHost(config).catch(() => undefined)) !== undefined);
      if (isOver) throw new Error(`the host ended: ${command.stdout()}${command.stderr()}`);
      return command;
    },
    online: () => server.until(() => device().online),
    ask: async (method, path, body) => ask(await connection(), method, path, body),
    ledger: (sql, ...values) => {
      const database = new DatabaseSync(homePaths(config.home).database, { readOnly: true });
      try {
        return database.prepare(sql).all(...values);
      } finally {
        database.close();
      }
    },
    texts: async (chat, count) => {
      await server.until(() => said(chat).filter(({ text }) => text !== undefined).length >= count);
      return said(chat).map(({ text }) => text ?? "");
    },
    [Symbol.asyncDispose]: async () => {
      await end("SIGKILL");
      await site[Symbol.asyncDispose]();
    },
  };
}
