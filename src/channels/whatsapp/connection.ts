import {
  makeWASocket,
  proto,
  type AuthenticationCreds,
  type ConnectionState,
  type GroupMetadata,
  type UserFacingSocketConfig,
  type WASocket,
} from "baileys";
import type { EventEmitter } from "node:events";
import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { Closed } from "./after-close.ts";
import { createAuthState, saveCreds } from "./auth-state.ts";
import { baileysLog } from "./baileys-log.ts";
import type { LinkStore } from "./link-store.ts";
import { keepKeysOffConsole } from "./quiet-console.ts";
import { createRawInbox } from "./raw-inbox.ts";
import { watchSilence } from "./watch-silence.ts";

export type ConnectionEvent =
  | { type: "qr"; qr: string }
  /** The server did not take the number, or what the phone's owner typed was another code. */
  | { type: "code-refused"; what: "number" | "code" }
  | { type: "agreed" }
  | { type: "open" }
  /** The phone's first history is in, or is not to be expected any more. */
  | { type: "synced" };

export interface ConnectionOptions {
  store: LinkStore;
  creds: AuthenticationCreds;
  /** Default: WhatsApp's own. */
  url?: string | undefined;
  /** Default: as long as WhatsApp lets a code live. */
  qrTimeout?: number | undefined;
  clock: Clock;
  log: Log;
  /** Must not throw. */
  on(event: ConnectionEvent): void;
  /** A message was stored; what it says is in the store. */
  onStored?: () => void;
  /** What is known of a group without asking. */
  knownGroup?: (jid: string) => GroupMetadata | undefined;
  /** Default: the version of WhatsApp Web that Baileys brings along. */
  version?: WebVersion | undefined;
}

export type WebVersion = [number, number, number];

/** One connection, from its start to its end; it is never made anew. */
export interface Connection {
  readonly socket: WASocket;
  /** Never rejects. Resolves for `end`, too. */
  closed: Promise<Closed>;
  /** For the phone to type; only after the first `qr`. */
  requestCode(number: string): Promise<string>;
  /** May be repeated. */
  end(): Promise<void>;
}

/** What the store has not taken must not be told to the server, so the connection ends with it. */
type Fault = { error: Error | undefined };

export function connect(options: ConnectionOptions): Connection {
  const { store, creds, clock, log } = options;
  keepKeysOffConsole(console);
  const over = new AbortController();
  const fault: Fault = { error: undefined };
  const fail = (error: Error): void => {
    fault.error ??= error;
    void socket.end(fault.error);
  };
  const careful = endsWith(store, over.signal, fail);
  const inbox = createRawInbox({ store: careful, creds, clock, onStored: options.onStored ?? (() => {}) });
  const socket = makeWASocket({
    auth: createAuthState(careful, creds),
    // Tried again by the next connection, which begins with what is on the disk.
    transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 0 },
    logger: baileysLog(log),
    makeSignalRepository: inbox.makeSignalRepository,
    // A device that is online keeps the phone from ringing.
    markOnlineOnConnect: false,
    syncFullHistory: false,
    // A phone that could not read a message asks for it again, perhaps after a restart of ours.
    getMessage: ({ id }) => Promise.resolve(sentMessage(store, id)),
    ...given(options),
  });
  socket.ws.on("CB:message", inbox.see);
  catchRejections(socket.ws, log);
  const silence = watchSilence(clock, over.signal, () => void socket.end(new Error("nothing was heard for a minute")));
  socket.ws.on("frame", silence.heard);
  watchCode(socket.ws, () => creds.pairingCode !== undefined && creds.account === undefined, options.on);

  const guarded = (work: () => void) => {
    try {
      work();
    } catch (error) {
      fail(error as Error);
    }
  };
  const { promise: closed, resolve } = Promise.withResolvers<Closed>();
  socket.ev.on("creds.update", () =>
    guarded(() => {
      saveCreds(store, creds);
      if (creds.accountSyncCounter > 0) options.on({ type: "synced" });
    }),
  );
  socket.ev.on("connection.update", (update) => {
    if (update.connection === "close") {
      over.abort();
      resolve(closedBy(update, fault));
    } else guarded(() => tell(update, options));
  });
  return {
    ...{ socket, closed },
    requestCode: (number) => socket.requestPairingCode(number),
    end: async () => {
      void socket.end(undefined);
      await closed;
    },
  };
}

/**
 * What the disk does not take or give must not be receipted, nor refused: the connection ends before
 * either can leave. A connection that is over changes nothing any more, as the next one has gone on.
 */
function endsWith(store: LinkStore, over: AbortSignal, end: (error: Error) => void): LinkStore {
  const carefully = <T>(work: () => T): T => {
    try {
      if (over.aborted) throw new Error("this connection is over");
      return work();
    } catch (error) {
      end(error as Error);
      throw error;
    }
  };
  return {
    ...store,
    readKeys: (names) => carefully(() => store.readKeys(names)),
    plainOf: (hash) => carefully(() => store.plainOf(hash)),
    commit: (changes) => carefully(() => store.commit(changes)),
  };
}

/** Baileys asks for groups and privacy settings in listeners whose rejection nobody catches: it would end the process. */
function catchRejections(ws: EventEmitter, log: Log): void {
  for (const event of ["CB:ib,,dirty", "CB:ib,,offline_preview", "CB:ib,,offline", "CB:ib,,edge_routing"]) {
    for (const listener of ws.listeners(event) as ((...args: unknown[]) => unknown)[]) {
      ws.off(event, listener);
      ws.on(event, (...args: unknown[]) => {
        void Promise.try(() => listener(...args)).catch((error: unknown) => {
          log.debug({ event, error: (error as Error).message }, "baileys: a listener failed");
        });
      });
    }
  }
}

function given({ url, qrTimeout, knownGroup, version }: ConnectionOptions): Partial<UserFacingSocketConfig> {
  return {
    ...(url === undefined ? {} : { waWebSocketUrl: url }),
    ...(qrTimeout === undefined ? {} : { qrTimeout }),
    ...(version === undefined ? {} : { version }),
    ...(knownGroup === undefined ? {} : { cachedGroupMetadata: (jid: string) => Promise.resolve(knownGroup(jid)) }),
  };
}

function sentMessage(store: LinkStore, id: string | null | undefined): proto.IMessage | undefined {
  const bytes = typeof id === "string" ? store.sent(id) : undefined;
  return bytes && proto.Message.decode(bytes);
}

function tell({ qr, isNewLogin, connection }: Partial<ConnectionState>, options: ConnectionOptions): void {
  const { store, creds, clock, log, on } = options;
  if (qr !== undefined) on({ type: "qr", qr });
  if (isNewLogin) on({ type: "agreed" });
  if (connection === "open") {
    store.markOpened(clock.now());
    log.info({}, "Connected to WhatsApp");
    on({ type: "open" });
    if (creds.accountSyncCounter > 0) on({ type: "synced" });
  }
}

interface Emitter {
  on(event: string, listener: () => void): unknown;
}

/** Baileys waits for no answer to its request, and logs the refusal of a code. */
function watchCode(ws: Emitter, isWaiting: () => boolean, on: ConnectionOptions["on"]): void {
  let typed = false;
  ws.on("CB:notification,type:link_code_companion_reg", () => (typed = true));
  ws.on("CB:iq,type:error", () => {
    if (isWaiting()) on({ type: "code-refused", what: typed ? "code" : "number" });
  });
}

/** What Baileys calls an end that the server itself announced. */
const ANNOUNCED = /^(Stream Errored|Connection Failure|Connection Terminated by Server|Multi-device beta)/;

function closedBy({ lastDisconnect }: Partial<ConnectionState>, fault: Fault): Closed {
  const error = lastDisconnect?.error as (Error & { output?: { statusCode: number } }) | undefined;
  const detail = error?.message ?? "ended";
  if (error === undefined || error === fault.error) return { code: undefined, byServer: false, detail };
  return { code: error.output?.statusCode ?? 500, byServer: ANNOUNCED.test(detail), detail };
}
