import {
  type AuthenticationState,
  type ConnectionState,
  initAuthCreds,
  makeWASocket,
  type MessageUpsertType,
  type UserFacingSocketConfig,
  type WAMessage,
  type WAMessageUpdate,
  type WASocket,
} from "baileys";
import { pino } from "pino";
import { createMemoryKeys } from "./memory-keys.ts";
import type { LinkedDevice } from "./people.ts";
import { textOf } from "./read-message.ts";
import { createWaiting } from "./waiting.ts";
import type { WhatsAppServer } from "./whatsapp-server.ts";

/** What a program on bare Baileys gets to see. */
export interface Seen {
  id: string;
  text: string | undefined;
  type: MessageUpsertType;
  message: WAMessage;
}

/** The real client, with nothing of ours around it but memory; it lives on over reconnects. */
export interface BareClient extends Disposable {
  readonly auth: AuthenticationState;
  /** Of the present connection. */
  readonly socket: WASocket;
  readonly seen: Seen[];
  /** What `messages.update` brought: states of own messages, edits, deletions. */
  readonly changes: WAMessageUpdate[];
  /** Status codes of lost connections. */
  readonly ends: number[];
  readonly updates: Partial<ConnectionState>[];
  /** Ids that the server acknowledged. */
  readonly acked: string[];
  /** Ids that it refused, with the code. */
  readonly refused: Map<string, string>;
  /** The last state of an own message: 0 refused, 3 delivered. It comes with the echo when it is quick. */
  statusOf(id: string): number | undefined;
  connect(): void;
  until(condition: () => boolean): Promise<void>;
  /** Resolves when it is connected and logged in. */
  open(): Promise<void>;
  /** Resolves to the status code when the connection has ended. */
  ended(): Promise<number>;
  /** The first QR code of this connection. */
  qr(): Promise<string>;
}

export function createBareClient(url: string, config: Partial<UserFacingSocketConfig> = {}): BareClient {
  const auth: AuthenticationState = { creds: initAuthCreds(), keys: createMemoryKeys() };
  const { changed, until } = createWaiting();
  const [seen, changes]: [Seen[], WAMessageUpdate[]] = [[], []];
  const [ends, updates, acked]: [number[], Partial<ConnectionState>[], string[]] = [[], [], []];
  const refused = new Map<string, string>();
  let socket: WASocket | undefined;
  const connect = () => {
    updates.length = 0;
    const own = makeWASocket({ auth, waWebSocketUrl: url, logger: pino({ level: "silent" }), ...config });
    socket = own;
    own.ev.on("creds.update", (update) => {
      Object.assign(auth.creds, update);
      changed();
    });
    own.ev.on("connection.update", (update) => {
      updates.push(update);
      if (update.connection === "close") ends.push(statusOf(update));
      changed();
    });
    own.ev.on("messages.upsert", ({ messages, type }) => {
      for (const message of messages) seen.push(toSeen(message, type));
      changed();
    });
    own.ev.on("messages.update", (news) => {
      changes.push(...news);
      changed();
    });
    own.ws.on("CB:ack,class:message", ({ attrs }: { attrs: Record<string, string> }) => {
      const { id = "", error } = attrs;
      if (error === undefined) acked.push(id);
      else refused.set(id, error);
      changed();
    });
  };
  const client: BareClient = {
    ...{ auth, seen, changes, ends, updates, acked, refused, connect, until },
    get socket() {
      if (!socket) throw new Error("not connected yet");
      return socket;
    },
    statusOf: (id) => {
      const changed = changes.findLast(({ key, update }) => key.id === id && update.status !== undefined);
      return changed?.update.status ?? seen.find((one) => one.id === id)?.message.status ?? undefined;
    },
    open: () => until(() => updates.some(({ connection }) => connection === "open")),
    ended: async () => {
      await until(() => updates.some(({ connection }) => connection === "close"));
      return ends.at(-1) ?? 0;
    },
    qr: async () => {
      await until(() => updates.some(({ qr }) => qr !== undefined));
      return updates.find(({ qr }) => qr !== undefined)?.qr ?? "";
    },
    [Symbol.dispose]: () => void socket?.end(undefined),
  };
  connect();
  return client;
}

function toSeen(message: WAMessage, type: MessageUpsertType): Seen {
  return { id: message.key.id ?? "", text: message.message ? textOf(message.message) : undefined, type, message };
}

function statusOf({ lastDisconnect }: Partial<ConnectionState>): number {
  const error = lastDisconnect?.error as { output?: { statusCode: number } } | undefined;
  return error?.output?.statusCode ?? 0;
}

/** A client whose QR code the person scanned, logged in and live. */
export async function linkBareClient(
  server: WhatsAppServer,
  by = server.phone,
  config: Partial<UserFacingSocketConfig> = {},
): Promise<{ client: BareClient; device: LinkedDevice }> {
  const client = createBareClient(server.url, config);
  const device = await server.scanQr(await client.qr(), by);
  await client.ended();
  client.connect();
  await client.open();
  await server.until(() => device.online);
  return { client, device };
}
