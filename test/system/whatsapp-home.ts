import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { establish } from "../../src/channels/whatsapp/establish.ts";
import { ask, connectHost } from "../../src/cli/connection.ts";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { silentLog } from "../../src/domain/log.ts";
import { homePaths, makeHome } from "../../src/home.ts";
import { startHost } from "../../src/main.ts";
import { openWhatsAppState } from "../../src/store/whatsapp-state.ts";
import type { Arrival } from "../whatsapp-server/messages.ts";
import { type Chat, isGroup, type LinkedDevice, type Person } from "../whatsapp-server/people.ts";
import { startWhatsAppServer, type ServerOptions, type WhatsAppServer } from "../whatsapp-server/whatsapp-server.ts";
import { scriptedRunner } from "./site.ts";
import { until } from "./until.ts";

/**
 * A linked home, the stand-in server, and a host in this process, whose turns are a script's: it keeps
 * what it is asked and says what it is told. Quicker than the program itself (`whatsapp-host.ts`).
 */
export interface WhatsAppHome extends AsyncDisposable {
  server: WhatsAppServer;
  path(...parts: string[]): string;
  /** Again, after a stop. Resolves when it is connected and has all that waited. */
  start(settings?: Record<string, string>): Promise<void>;
  stop(): Promise<void>;
  /** Links the home anew, to this phone. Not while the host runs. */
  link(by?: Person): Promise<void>;
  device(): LinkedDevice;
  ask<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Rows of the ledger as they stand on the disk. */
  ledger(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[];
  /** The same of the link's file. */
  state(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[];
  /** Writes to the ledger behind the host's back. */
  tamper(sql: string, ...values: SQLInputValue[]): void;
  /** Registers a chat; its folder is the name. */
  register(chat: Chat, folder: string, rules?: object): Promise<void>;
  /** What an agent in this group was asked, in order. */
  prompts(folder?: string): string[];
  /** Resolves to the newest prompt when there are that many. */
  prompt(count: number, folder?: string): Promise<string>;
  /** What the agent says from now on. */
  answers(text: string, folder?: string): void;
  /** Turns stay in their work until `letGo`. */
  hold(folder?: string): void;
  letGo(folder?: string): void;
  /** Resolves when no message waits, no turn runs and every answer is out. */
  quiet(): Promise<void>;
  /** What the people in this chat were sent by the host, each message once, in order. */
  said(chat: Chat): Arrival[];
  /** Resolves to the texts when the people in this chat have read that many messages. */
  texts(chat: Chat, count: number): Promise<string[]>;
  /** Rows of the ledger about the message with this id, once it is there. */
  row(id: string): Promise<Record<string, unknown>>;
  /** What the host told the owner on the local chat. */
  notices(): string[];
  log(): string;
}

export interface HomeOptions extends ServerOptions {
  settings?: Record<string, string>;
  /** Default: it is, and the host runs. */
  started?: boolean;
}

export async function openWhatsAppHome(options: HomeOptions = {}): Promise<WhatsAppHome> {
  const { settings = {}, started = true, ...serverOptions } = options;
  const server = await startWhatsAppServer(serverOptions);
  setDefaultCACertificates([...getCACertificates("default"), server.media.ca]);
  const home = mkdtempSync(join(tmpdir(), "nanoclaw-whatsapp-"));
  const own = {
    ...{ TZ: "UTC", NANOCLAW_HOME: home, NANOCLAW_FREE_DISK: "1", NANOCLAW_WHATSAPP_URL: server.url },
    ...{ NANOCLAW_AGENT: "offline", NANOCLAW_AGENT_RUNTIME: "host" },
    ...{ NANOCLAW_WHATSAPP_RATE: "0", NANOCLAW_WHATSAPP_CHAT_RATE: "0", ...settings },
  };
  const config = loadConfig({ env: own, defaultHome: home });
  const paths = homePaths(config.home);
  let host: AsyncDisposable | undefined;

  const path = (...parts: string[]) => join(config.home, ...parts);
  const inGroup = (folder: string, name: string) => path("groups", folder, name);
  const database = <T>(file: string, readOnly: boolean, work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(file, { readOnly });
    db.exec("PRAGMA busy_timeout = 10000");
    try {
      return work(db);
    } finally {
      db.close();
    }
  };
  const device = (): LinkedDevice => {
    const found = server.phone.devices.at(-1);
    if (!found) throw new Error("nothing is linked");
    return found;
  };
  const rowsOf =
    (file: string): WhatsAppHome["ledger"] =>
    (sql, ...values) =>
      database(file, true, (db) => db.prepare(sql).all(...values));
  const [ledger, state] = [rowsOf(paths.database), rowsOf(join(paths.auth, "state.db"))];
  const prompts = (folder = "main") =>
    readdirSync(path("groups", folder))
      .filter((name) => /^prompt-\d+$/.test(name))
      .sort((a, b) => Number(a.slice(7)) - Number(b.slice(7)))
      .map((name) => readFileSync(inGroup(folder, name), "utf8"));
  const said = (chat: Chat): Arrival[] => {
    const seen = new Map<string, Arrival>();
    for (const arrival of server.received) {
      if (arrival.chat === chat && !arrival.peer && !seen.has(arrival.id)) seen.set(arrival.id, arrival);
    }
    return [...seen.values()];
  };
  const site: WhatsAppHome = {
    ...{ server, path, device, ledger, state, prompts, said },
    start: async (changes = {}) => {
      host = await startHost({
        config: loadConfig({ env: { ...own, ...changes }, defaultHome: home }),
        clock: systemClock,
        env: process.env,
        what: "system test",
        runner: scriptedRunner,
      });
      writeFileSync(inGroup("main", "way"), "notes-prompts");
      await until(async () =>
        (await site.ask<Status>("GET", "/control/status")).channels.every((one) => one.connected),
      );
    },
    stop: async () => {
      await host?.[Symbol.asyncDispose]();
      host = undefined;
    },
    link: async (by = server.phone) => {
      makeHome(paths);
      const opened = openWhatsAppState(paths.auth, "system test");
      if (!("state" in opened)) throw new Error("the link is in use");
      using state = opened.state;
      const result = await establish({
        ...{ begin: state.begin, url: server.url, clock: systemClock, log: silentLog },
        signal: new AbortController().signal,
        on: (event) => void (event.type === "qr" && server.scanQr(event.qr, by)),
      });
      if (result.kind !== "linked") throw new Error(`it was not linked: ${result.kind}`);
    },
    ask: async (method, at, body) => {
      const connection = await connectHost(config);
      if (!connection) throw new Error("no host runs");
      return ask(connection, method, at, body);
    },
    tamper: (sql, ...values) => void database(paths.database, false, (db) => db.prepare(sql).run(...values)),
    register: async (chat, folder, rules = {}) => {
      const jid = isGroup(chat) ? chat.jid : chat.pn;
      await site.ask("POST", "/control/groups", { jid, folder, name: folder, ...rules });
      writeFileSync(inGroup(folder, "way"), "notes-prompts");
    },
    prompt: async (count, folder = "main") => {
      await until(() => prompts(folder).length >= count);
      return prompts(folder)[count - 1] ?? "";
    },
    answers: (text, folder = "main") => writeFileSync(inGroup(folder, "answer"), text),
    hold: (folder = "main") => appendFileSync(inGroup(folder, "wait"), ""),
    letGo: (folder = "main") => rmSync(inGroup(folder, "wait"), { force: true }),
    quiet: () => until(() => server.waiting === 0 && isHandedOver(state) && isIdle(ledger)),
    texts: async (chat, count) => {
      await server.until(() => said(chat).filter(({ text }) => text !== undefined).length >= count);
      return said(chat).map(({ text }) => text ?? "");
    },
    row: async (id) => {
      const find = () => ledger("SELECT * FROM messages WHERE id = ? ORDER BY seq", id)[0];
      await until(() => find() !== undefined);
      return find() ?? {};
    },
    notices: () =>
      ledger("SELECT content FROM outbox WHERE chat_jid = 'local:main' AND source = 'notice' ORDER BY seq").map(
        ({ content }) => String(content),
      ),
    log: () => {
      const file = path("logs", "nanoclaw.log");
      return existsSync(file) ? readFileSync(file, "utf8") : "";
    },
    [Symbol.asyncDispose]: async () => {
      await site.stop();
      await server[Symbol.asyncDispose]();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  if (started) {
    await site.link();
    await site.start();
  }
  return site;
}

interface Status {
  channels: { name: string; connected: boolean }[];
}

/** The ledger has what came; half a stanza is no message. */
function isHandedOver(state: WhatsAppHome["state"]): boolean {
  const open =
    "SELECT 1 FROM inbox WHERE done_at IS NULL GROUP BY message_key HAVING count(DISTINCT part) = max(parts)";
  return state(open).length === 0;
}

/** No turn runs or waits, no message that calls waits for one, and all answers are out. */
function isIdle(ledger: WhatsAppHome["ledger"]): boolean {
  const [found] = ledger(
    `SELECT (SELECT count(*) FROM turns WHERE status IN ('queued', 'running'))
          + (SELECT count(*) FROM outbox WHERE status = 'pending')
          + (SELECT count(*) FROM messages m JOIN registered_chats c ON c.jid = m.chat_jid
             WHERE m.seq > c.answered_seq AND m.decision = 'wakes') AS open`,
  );
  return found?.["open"] === 0;
}
