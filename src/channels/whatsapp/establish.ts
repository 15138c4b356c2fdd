import { initAuthCreds, type AuthenticationCreds } from "baileys";
import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { afterClose, type Closed, type StopReason } from "./after-close.ts";
import { decodeCreds, encode, isAgreed } from "./auth-state.ts";
import { connect, type Connection, type ConnectionEvent } from "./connection.ts";
import type { LinkStore } from "./link-store.ts";

export type EstablishEvent =
  /** To be scanned; the next one replaces it. */
  | { type: "qr"; qr: string }
  | { type: "code"; code: string }
  | { type: "code-refused" }
  /** The phone agreed; now the new device logs in. */
  | { type: "agreed" }
  | { type: "retry"; delay: number; detail: string };

export type Established =
  | { kind: "linked"; account: string }
  | { kind: "stopped"; reason: StopReason | "number-refused"; detail: string }
  | { kind: "replaced" }
  | { kind: "unreachable"; detail: string }
  | { kind: "interrupted" };

export interface EstablishOptions {
  /** The link to log in with; without it a new one is made. */
  existing?: { store: LinkStore; creds: string };
  /** Keeps the beginnings of a new link. */
  begin(creds: string): LinkStore;
  /** Link by a code that is typed into the phone with this number, instead of a QR code. */
  phone?: string | undefined;
  url?: string | undefined;
  qrTimeout?: number | undefined;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
  on(event: EstablishEvent): void;
}

interface LinkInHand {
  store: LinkStore;
  creds: AuthenticationCreds;
}

/** A person sits in front of it: better told early than kept waiting. */
const MOST_FAILURES = 3;
/** Baileys itself waits 20 seconds for the phone's history. */
const SYNC_MS = 25_000;

/** Logs in until it worked once, linking first where needed; no connection is left open. */
export async function establish(options: EstablishOptions): Promise<Established> {
  const { existing, clock, signal, log } = options;
  let link: LinkInHand = existing
    ? { store: existing.store, creds: decodeCreds(existing.creds) }
    : beginAnew(options.begin);
  let restarts = 0;
  for (let failures = 0; ;) {
    const end = await attempt(options, link);
    if (end.kind !== "closed") return end;
    if (signal.aborted) return { kind: "interrupted" };
    const { closed } = end;
    log.debug({ code: closed.code }, "WhatsApp connection closed");
    const next = afterClose({ closed, agreed: isAgreed(link.creds), failures, chance: Math.random() });
    if (next.kind === "stop") {
      if (next.reason === "logged-out") link.store.markRefused(closed.code ?? 0);
      return { kind: "stopped", reason: next.reason, detail: closed.detail };
    }
    if (next.why === "replaced") return { kind: "replaced" };
    if (next.why === "restart") restarts += 1;
    // One restart is part of linking; more of them are a server that does not get on.
    if (next.why === "lost" || restarts > 1) {
      failures += 1;
      if (failures >= MOST_FAILURES) return { kind: "unreachable", detail: closed.detail };
      options.on({ type: "retry", delay: next.delay, detail: closed.detail });
    }
    await clock.sleep(next.delay, signal);
    // Half a link cannot log in, and its codes were for the connection that is gone.
    if (!isAgreed(link.creds)) link = beginAnew(options.begin);
  }
}

function beginAnew(begin: EstablishOptions["begin"]): LinkInHand {
  const creds = initAuthCreds();
  return { store: begin(encode(creds)), creds };
}

type AttemptEnd = Exclude<Established, { kind: "unreachable" }> | { kind: "closed"; closed: Closed };

async function attempt(options: EstablishOptions, link: LinkInHand): Promise<AttemptEnd> {
  const { clock, signal } = options;
  if (signal.aborted) return { kind: "interrupted" };
  const opened = Promise.withResolvers<"open">();
  const synced = Promise.withResolvers<void>();
  const refused = Promise.withResolvers<"number-refused">();
  const done = new AbortController();
  const ask = once(() => requestCode(options, connection));
  const connection: Connection = connect({
    ...options,
    ...link,
    on: (event) => {
      if (event.type === "open") opened.resolve("open");
      else if (event.type === "synced") synced.resolve();
      else if (event.type === "code-refused" && event.what === "number") refused.resolve("number-refused");
      else if (event.type === "qr" && options.phone !== undefined) ask();
      else passOn(event, options);
    },
  });
  const leave = () => void connection.end();
  signal.addEventListener("abort", leave, { once: true });
  try {
    const first = await Promise.race([opened.promise, refused.promise, connection.closed]);
    if (first === "number-refused") return { kind: "stopped", reason: first, detail: "" };
    if (first !== "open") return { kind: "closed", closed: first };
    const enough = AbortSignal.any([signal, done.signal]);
    await Promise.race([synced.promise, connection.closed, clock.sleep(SYNC_MS, enough)]);
    return { kind: "linked", account: link.creds.me?.id ?? "" };
  } finally {
    done.abort();
    signal.removeEventListener("abort", leave);
    await connection.end();
  }
}

function passOn(event: ConnectionEvent, { on }: EstablishOptions): void {
  if (event.type === "qr") on(event);
  else if (event.type === "agreed") on(event);
  else if (event.type === "code-refused") on({ type: "code-refused" });
}

/** The code holds for the whole connection; further QR codes do not change it. */
function requestCode({ phone = "", on }: EstablishOptions, connection: Connection): void {
  connection.requestCode(phone).then(
    (code) => on({ type: "code", code }),
    () => {}, // the connection ended meanwhile, and says so itself
  );
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) work();
    isDone = true;
  };
}
