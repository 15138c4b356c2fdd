import { jidNormalizedUser, type AuthenticationCreds } from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { Folder, Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import type { Away } from "../../domain/message.ts";
import type { Closed } from "./after-close.ts";
import { decodeCreds } from "./auth-state.ts";
import type { WebVersion } from "./connection.ts";
import { createFetchMedia } from "./fetch-media.ts";
import { createGroupCache, type GroupCache, type GroupName } from "./group-cache.ts";
import { createInboxReader, type InboxReader } from "./inbox-reader.ts";
import type { Account, WhatsAppLedger } from "./ledger.ts";
import type { OpenLink } from "./links.ts";
import { beat } from "./serve-link-beat.ts";
import { latestVersion } from "./serve-link-version.ts";
import { startSession, type Session } from "./session.ts";
import { createTrouble } from "./trouble.ts";

export interface ServeOptions {
  link: OpenLink;
  ledger: WhatsAppLedger;
  /** Default: WhatsApp's own. */
  url: string | undefined;
  ownNumber: boolean;
  textOf(markdown: string): string;
  /** Where a group's received files go. */
  inboxFolder(folder: Folder): string;
  clock: Clock;
  zone: string;
  log: Log;
  random(): number;
  /** The connection to send by; undefined while there is none. */
  onSession(session: Session | undefined): void;
  /** In words, for `status`. */
  onState(connected: boolean, detail: string): void;
  /** The server does not like what we do. */
  onSignal(): void;
}

export interface ServedLink {
  /** Resolves when it is over with this link: unlinked, moved away, or told to stop. */
  ended: Promise<void>;
  groupNames(): readonly GroupName[];
  /** What is known of this group was heard by this link, not by one before it. */
  isFresh(jid: Jid): boolean;
}

interface Life extends ServeOptions {
  creds: AuthenticationCreds;
  groups: GroupCache;
  reader: InboxReader;
  /** Since when we could not be reached, as far as the present connection knows. */
  away: { period: Away | null };
  session: Session | undefined;
  stop: AbortSignal;
  giveUp(): void;
}

/** Stays connected with one link, whatever ends the connections. */
export function serveLink(options: ServeOptions, signal: AbortSignal): ServedLink {
  const creds = decodeCreds(options.link.creds);
  const account = () => accountOf(creds);
  const over = new AbortController();
  const groups = createGroupCache({ ...options, account });
  const away: Life["away"] = { period: null };
  const reader = createInboxReader({
    ...{ ...options, account, store: options.link.store, away: () => away.period },
    me: () => ({ id: creds.me?.id ?? "", lid: creds.me?.lid ?? "" }),
    fetchMedia: createFetchMedia(options),
  });
  const stop = AbortSignal.any([signal, over.signal]);
  const life: Life = {
    ...{ ...options, creds, groups, reader, away, stop, session: undefined, giveUp: () => over.abort() },
  };
  return { groupNames: groups.names, isFresh: groups.isFresh, ended: live(life) };
}

async function live(life: Life): Promise<void> {
  const { reader, ledger, creds } = life;
  // What an earlier process received and did not live to hand over comes first.
  ledger.opened(accountOf(creds));
  reader.start();
  const beats = beat({ ...life, isConnected: () => life.session !== undefined });
  try {
    await stayConnected(life);
  } finally {
    life.giveUp();
    await Promise.all([beats, reader.stop()]);
  }
}

const accountOf = ({ me }: AuthenticationCreds): Account => ({
  pn: jidNormalizedUser(me?.id) as Jid,
  lid: me?.lid ? jidNormalizedUser(me.lid) : null,
});

const numberOf = (creds: AuthenticationCreds): string => accountOf(creds).pn.split("@")[0] ?? "";

async function stayConnected(life: Life): Promise<void> {
  const { link, clock, stop, creds } = life;
  const trouble = createTrouble({ ...life, number: numberOf(creds) });
  let version: WebVersion | undefined;
  while (!stop.aborted) {
    const { closed, lasted } = await oneConnection(life, version);
    if (stop.aborted) return;
    const remedy = trouble.after(closed, lasted);
    if (remedy.kind === "unlinked") return quietly(life, () => link.store.markRefused(remedy.code));
    // A page of WhatsApp's says nothing of another server.
    if (remedy.newVersion && life.url === undefined) version = (await latestVersion(clock, stop)) ?? version;
    await clock.sleep(remedy.delay, stop);
  }
}

/** Whoever leaves the loop for a full disk comes back at once, with the pauses forgotten. */
function quietly<T>({ log }: Life, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    log.error({ error: (error as Error).message }, "Cannot read or write what is noted of WhatsApp");
    return undefined;
  }
}

/** @returns how long it was open, in ms; null: never. */
async function oneConnection(life: Life, version: WebVersion | undefined) {
  const { link, ledger, creds, clock, stop, away } = life;
  const from = quietly(life, ledger.lastAlive);
  away.period = from === undefined ? null : { from, to: clock.now() };
  let openedAt: number | null = null;
  life.onState(false, `connecting as +${numberOf(creds)}`);
  const session = startSession({
    ...{ ...life, store: link.store, version },
    onStored: life.reader.wake,
    onLate: ledger.acknowledged,
    onOpen: () => {
      openedAt = clock.monotonic();
      if (from !== undefined) away.period = { from, to: clock.now() };
      ledger.opened(accountOf(creds));
      ledger.alive(clock.now());
      life.session = session;
      life.onSession(session);
      life.onState(true, `as +${numberOf(creds)}`);
    },
  });
  const closed = await endedOr(session, stop);
  life.session = undefined;
  life.onSession(undefined);
  return { closed, lasted: openedAt === null ? null : clock.monotonic() - openedAt };
}

async function endedOr(session: Session, stop: AbortSignal): Promise<Closed> {
  const end = () => void session.end();
  stop.addEventListener("abort", end, { once: true });
  if (stop.aborted) end();
  try {
    return await session.closed;
  } finally {
    stop.removeEventListener("abort", end);
  }
}
