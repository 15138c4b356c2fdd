import type { Clock } from "../../domain/clock.ts";
import type { SendResult } from "../../domain/delivery.ts";
import { isLocal, type Folder, type Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import type { Pace } from "../../domain/pace.ts";
import { toWhatsAppText } from "../../domain/whatsapp-text.ts";
import type { Channel, Outgoing } from "../channel.ts";
import type { GroupFacts, WhatsAppLedger } from "./ledger.ts";
import type { Links, OpenLink } from "./links.ts";
import type { ServedLink } from "./serve-link.ts";
import type { Session } from "./session.ts";

export interface WhatsAppOptions {
  links: Links;
  ledger: WhatsAppLedger;
  pace: Pace;
  assistantName: string;
  /** The account is the assistant's alone: no name in front of what it says. */
  ownNumber: boolean;
  /** Default: WhatsApp's own. */
  url: string | undefined;
  inboxFolder(folder: Folder): string;
  clock: Clock;
  /** IANA zone in which the owner is told a time. */
  zone: string;
  log: Log;
  random(): number;
}

export interface WhatsAppChannel extends Channel {
  /**
   * Lets go of the link for a while, so that another program can change it. Resolves when that one
   * can have it; it is taken up again when that one is done, or did not come.
   */
  release(): Promise<void>;
  /** Groups that the account is in, registered or not. */
  groupNames(): readonly { jid: string; subject: string }[];
}

/** How often we look whether this machine was linked. */
const LOOK_MS = 1_000;
/** How long whoever asked for the link has to take it. */
const RELEASED_MS = 15_000;

/** WhatsApp, for as long as the host runs: with a link or while there is none. */
export function createWhatsAppChannel(options: WhatsAppOptions): WhatsAppChannel {
  const { clock, log } = options;
  const stopping = new AbortController();
  let life: Promise<void> | undefined;
  let state: ReturnType<Channel["state"]> = { connected: false, detail: "not linked yet: npm run auth", since: null };
  let session: Session | undefined;
  let served: ServedLink | undefined;
  let letGo: { asked: AbortController; done: Promise<void> } | undefined;
  let keepAwayUntil = -Infinity;
  /** What the link looked like when it was let go: another look means that whoever asked has come. */
  let letGoStamp: string | undefined;

  const onState = (connected: boolean, detail: string) => {
    if (detail !== state.detail) log.info({ connected, detail }, "WhatsApp");
    const since = connected ? (state.since ?? clock.now()) : null;
    state = { connected, detail, since };
  };

  const serve = async (link: OpenLink): Promise<void> => {
    const asked = new AbortController();
    const done = Promise.withResolvers<void>();
    letGo = { asked, done: done.promise };
    try {
      // Loading WhatsApp's client takes longer than everything else that a start does.
      const { serveLink } = await import("./serve-link.ts");
      served = serveLink(
        {
          ...options,
          link,
          textOf: textFor(options),
          onState,
          onSignal: options.pace.signal,
          onSession: (now) => (session = now),
        },
        AbortSignal.any([stopping.signal, asked.signal]),
      );
      await served.ended;
    } finally {
      served = undefined;
      link.close();
      letGo = undefined;
      done.resolve();
    }
  };

  /** @returns what must change before it is worth looking again; undefined: nothing. */
  const look = async (): Promise<string | undefined> => {
    const found = options.links.open();
    if (found.kind === "open") {
      // Before the first await: a start tells how it is without waiting for anything.
      onState(false, `connecting as +${/^\d*/.exec(found.link.account)?.[0] ?? ""}`);
      await serve(found.link);
    } else onState(false, words(found));
    return found.kind === "open" || found.kind === "held" ? undefined : options.links.stamp();
  };

  const work = async (): Promise<void> => {
    let seen: string | undefined;
    while (!stopping.signal.aborted) {
      const stamp = options.links.stamp();
      const isKeptAway = clock.monotonic() < keepAwayUntil && stamp === letGoStamp;
      const isWanted = !isKeptAway && stamp !== seen;
      try {
        if (isWanted) seen = await look();
      } catch (error) {
        onState(false, `something is wrong here: ${(error as Error).message}`);
        log.error({ error: (error as Error).message }, "WhatsApp cannot be served, trying again");
        seen = undefined;
      }
      await clock.sleep(LOOK_MS, stopping.signal);
    }
  };

  return {
    name: "whatsapp",
    owns: (chat) => !isLocal(chat),
    start: () => {
      life ??= work();
      return Promise.resolve();
    },
    send: (message) => send(options, session, (chat) => served?.isFresh(chat) ?? false, message),
    pause: options.pace.pause,
    typing: (chat, on) => session?.typing(chat, on),
    state: () => state,
    groupNames: () => served?.groupNames() ?? [],
    release: async () => {
      keepAwayUntil = clock.monotonic() + RELEASED_MS;
      const holding = letGo;
      holding?.asked.abort();
      await holding?.done;
      letGoStamp = options.links.stamp();
      if (holding) onState(false, "let go, so that it can be linked anew");
    },
    stop: async () => {
      stopping.abort();
      await life;
    },
  };
}

function words(found: Exclude<ReturnType<Links["open"]>, { kind: "open" }>): string {
  switch (found.kind) {
    case "none":
      return "not linked yet: npm run auth";
    case "refused":
      return `WhatsApp has unlinked this machine from +${/^\d*/.exec(found.account)?.[0] ?? ""}; link it again: npm run auth`;
    case "held":
      return `the link is in use by ${found.by}`;
    case "unusable":
      return found.reason;
    default:
      return found satisfies never;
  }
}

/** On a shared number people must see who wrote. */
const textFor =
  ({ ownNumber, assistantName }: WhatsAppOptions) =>
  (markdown: string): string => {
    const text = toWhatsAppText(markdown);
    return ownNumber || text === "" ? text : `${assistantName}: ${text}`;
  };

async function send(
  { ledger, pace }: WhatsAppOptions,
  session: Session | undefined,
  isFresh: (chat: Jid) => boolean,
  message: Outgoing,
): Promise<SendResult> {
  const may = ledger.mayWrite(message.chat);
  if (may === "unregistered") return { kind: "refused", reason: "nobody registered that chat" };
  if (may === "held" || !session) return { kind: "offline" };
  const closed = whyClosed(ledger.group(message.chat));
  // What was true a while ago may have changed: this connection has yet to hear of that group.
  if (closed !== undefined) return isFresh(message.chat) ? { kind: "refused", reason: closed } : { kind: "offline" };
  pace.sent(message.chat);
  const result = await session.send(message);
  if (result.kind === "rate") {
    pace.signal();
    return { kind: "offline" };
  }
  if (result.kind === "acknowledged") pace.acknowledged();
  return result;
}

function whyClosed(group: GroupFacts | undefined): string | undefined {
  if (!group) return undefined;
  if (!group.member) return "this account is not in that group any more";
  return group.announceOnly && !group.admin ? "only admins may write in that group" : undefined;
}
