import { type AuthenticationCreds } from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { SendResult } from "../../domain/delivery.ts";
import type { Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import type { Outgoing } from "../channel.ts";
import type { Closed } from "./after-close.ts";
import { connect, type ConnectionEvent, type WebVersion } from "./connection.ts";
import type { GroupCache } from "./group-cache.ts";
import type { LinkStore } from "./link-store.ts";
import { createSends } from "./sends.ts";

export interface SessionOptions {
  store: LinkStore;
  creds: AuthenticationCreds;
  url: string | undefined;
  version: WebVersion | undefined;
  groups: GroupCache;
  textOf(markdown: string): string;
  clock: Clock;
  log: Log;
  onStored(): void;
  onOpen(): void;
  onLate(messageId: string): void;
}

/** One connection that sends and receives, from its start to its end. */
export interface Session {
  closed: Promise<Closed>;
  send(message: Outgoing): Promise<SendResult | { kind: "rate" }>;
  typing(chat: Jid, on: boolean): void;
  end(): Promise<void>;
}

export function startSession(options: SessionOptions): Session {
  const { groups, log } = options;
  const over = new AbortController();
  let open = false;
  const quietly = (what: string, work: Promise<unknown>) =>
    void work.catch((error: unknown) => log.debug({ error: (error as Error).message }, what));
  const on = (event: ConnectionEvent) => {
    if (event.type !== "open") return;
    open = true;
    groups.follow(connection.socket, over.signal);
    options.onOpen();
  };
  const connection = connect({ ...options, on, knownGroup: groups.known });
  const { socket } = connection;
  // With almost any change of the creds Baileys sends a presence without a type: that means online.
  socket.ev.on("creds.update", () => {
    if (open) quietly("Presence could not be sent", socket.sendPresenceUpdate("unavailable"));
  });
  const sends = createSends({ ...options, socket });
  const closed = connection.closed.then((why) => {
    open = false;
    over.abort();
    sends.cut();
    return why;
  });
  return {
    closed,
    send: (message) => (open ? sends.send(message) : Promise.resolve({ kind: "offline" })),
    typing: (chat, isOn) => {
      if (open) quietly("Typing could not be shown", socket.sendPresenceUpdate(isOn ? "composing" : "paused", chat));
    },
    end: connection.end,
  };
}
