import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { timeInZone } from "../../domain/zone.ts";
import { afterClose, type AfterClose, type Closed, type StopReason } from "./after-close.ts";
import type { WhatsAppLedger } from "./ledger.ts";

export interface TroubleOptions {
  ledger: Pick<WhatsAppLedger, "tell">;
  /** Digits. */
  number: string;
  clock: Clock;
  /** IANA zone in which the owner is told a time. */
  zone: string;
  log: Log;
  random(): number;
  onState(connected: boolean, detail: string): void;
  /** The server does not like what we do: slower from here on. */
  onSignal(): void;
}

export type Remedy =
  | { kind: "connect"; delay: number; newVersion: boolean }
  /** The phone has removed this machine. */
  | { kind: "unlinked"; code: number };

export interface Trouble {
  /** A connection ended; it had been open for `lasted` ms, or never. */
  after(closed: Closed, lasted: number | null): Remedy;
}

/** A connection that lasted this long was a good one: what ended it was not what ended others. */
const STABLE_MS = 60_000;
/** However short it was open, the server is there: half a minute at most. */
const MOST_AFTER_OPEN = 4;
/** Longer than a router's restart. */
const LONG_MS = 15 * 60_000;
const HOURS_MS = 6 * 60 * 60_000;

/** Decides when to connect again, and tells the owner what time alone does not cure. */
export function createTrouble(given: TroubleOptions): Trouble {
  const options = { ...given, ledger: { tell: carefully(given) } };
  let failures = 0;
  let since: number | undefined;
  let replacedSince: number | undefined;
  return {
    after: (closed, lasted) => {
      if (lasted !== null) failures = lasted >= STABLE_MS ? 0 : Math.min(failures, MOST_AFTER_OPEN);
      if (lasted !== null) since = undefined;
      if (lasted !== null && lasted >= STABLE_MS) replacedSince = undefined;
      const next = afterClose({ closed, agreed: true, failures, chance: options.random() });
      // Once is a server's restart.
      if (closed.code === 440 || (closed.byServer && failures >= 2)) options.onSignal();
      failures += 1;
      since ??= options.clock.now();
      if (closed.code === 440) replacedSince ??= options.clock.now();
      const { code, detail } = closed;
      options.log.info(
        { code, detail, next: next.kind === "connect" ? next.why : next.reason },
        "WhatsApp connection closed",
      );
      return remedy(options, { closed, next, since, replacedSince: replacedSince ?? since });
    },
  };
}

interface Ended {
  closed: Closed;
  next: AfterClose;
  /** When it was connected last, epoch ms. */
  since: number;
  /** When the other program first took the link. */
  replacedSince: number;
}

/** A full disk must not end what waits between connections. */
const carefully =
  ({ ledger, log }: TroubleOptions): WhatsAppLedger["tell"] =>
  (key, text) => {
    try {
      ledger.tell(key, text);
    } catch (error) {
      log.error({ key, error: (error as Error).message }, text);
    }
  };

function remedy(options: TroubleOptions, { closed, next, since, replacedSince }: Ended): Remedy {
  if (next.kind === "stop") return stopped(options, next.reason, closed);
  const { clock, zone, onState, ledger } = options;
  const at = timeInZone(clock.now() + next.delay, zone);
  if (next.why === "replaced") {
    const what = "another program uses this very link (a copy of store/auth, perhaps on another machine)";
    onState(false, `${what}; trying again at ${at}`);
    ledger.tell(
      `replaced/${replacedSince}`,
      `WhatsApp: ${what}, so this one was disconnected. End that program; I try again at ${at} and then every ten minutes.`,
    );
  } else {
    onState(
      false,
      next.delay === 0
        ? `connecting again (${closed.detail})`
        : `cannot be reached (${closed.detail}); trying again at ${at}`,
    );
    if (clock.now() - since > LONG_MS) {
      ledger.tell(
        `unreachable/${since}`,
        `WhatsApp has not been reachable for more than ${LONG_MS / 60_000} minutes (${closed.detail}). I keep trying; messages wait.`,
      );
    }
  }
  return { kind: "connect", delay: next.delay, newVersion: false };
}

function stopped({ ledger, number, onState, clock }: TroubleOptions, reason: StopReason, closed: Closed): Remedy {
  const { code = 0, detail } = closed;
  const day = Math.floor(clock.now() / (24 * 60 * 60_000));
  const later: Remedy = { kind: "connect", delay: HOURS_MS, newVersion: reason === "outdated" };
  switch (reason) {
    case "logged-out": {
      const what = `WhatsApp has unlinked this machine from +${number} (code ${code})`;
      onState(false, `${what}; link it again: npm run auth`);
      ledger.tell(
        `unlinked/${clock.now()}`,
        `${what}. Nothing is read or sent there any more; tasks and the local chat go on. Link it again: npm run auth`,
      );
      return { kind: "unlinked", code };
    }
    case "outdated":
      onState(false, "WhatsApp wants a newer client");
      ledger.tell(
        `outdated/${day}`,
        "WhatsApp wants a newer client than this one. I try a newer version number; if this comes again, update NanoClaw.",
      );
      return { ...later, delay: 60_000 };
    case "blocked":
    case "no-linked-devices":
      onState(
        false,
        `WhatsApp refuses this account for now (code ${code}); trying again in ${HOURS_MS / 3_600_000} hours`,
      );
      ledger.tell(
        `blocked/${day}`,
        `WhatsApp refuses this account for now (code ${code}): look at the phone. I try again in ${HOURS_MS / 3_600_000} hours.`,
      );
      return later;
    case "codes-used-up":
    case "broken":
      onState(false, `something is wrong here: ${detail}; trying again in a minute`);
      return { kind: "connect", delay: 60_000, newVersion: false };
    default:
      return reason satisfies never;
  }
}
