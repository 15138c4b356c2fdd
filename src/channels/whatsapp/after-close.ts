/** Why a connection ended. */
export interface Closed {
  /** As Baileys reports it; undefined when the fault is on our side. */
  code: number | undefined;
  /** The server said so; else it may have been anybody on the way. */
  byServer: boolean;
  detail: string;
}

export type StopReason =
  /** The phone removed this device, or never knew it: the link is dead. */
  | "logged-out"
  /** The account may not be used for a while. */
  | "blocked"
  /** The server wants a newer program. */
  | "outdated"
  /** The account cannot have linked devices. */
  | "no-linked-devices"
  /** All QR codes were shown and none was scanned. */
  | "codes-used-up"
  /** Nothing that time would cure. */
  | "broken";

export type AfterClose =
  { kind: "connect"; delay: number; why: "restart" | "lost" | "replaced" } | { kind: "stop"; reason: StopReason };

export interface CloseFacts {
  closed: Closed;
  /** A phone has agreed; before that, there is nothing to be logged out from. */
  agreed: boolean;
  /** Connections in a row that ended before they were open. */
  failures: number;
  /** Between 0 and 1: programs that lost the same server must not all come back at once. */
  chance: number;
}

const FIRST_DELAY_MS = 2_000;
const LONGEST_DELAY_MS = 5 * 60_000;
/** Whoever comes back at once throws the other one out, for ever. */
const REPLACED_DELAY_MS = 10 * 60_000;

/** Baileys never connects again by itself. */
export function afterClose({ closed, agreed, failures, chance }: CloseFacts): AfterClose {
  const { code, byServer, detail } = closed;
  if (code === undefined) return stop("broken");
  if (!agreed && code === 408 && detail.includes("QR refs")) return stop("codes-used-up");
  // A page of a hotel's network may answer 403; that says nothing about the link.
  if (!byServer) return lost(failures, chance);
  switch (code) {
    case 515:
      return { ...lost(failures, chance), why: "restart" };
    case 440:
      return { kind: "connect", delay: jitter(REPLACED_DELAY_MS, chance), why: "replaced" };
    case 401:
    case 403:
    case 406:
    case 419:
      return stop(agreed ? "logged-out" : "broken");
    case 402:
      return stop("blocked");
    case 405:
    case 409:
      return stop("outdated");
    case 411:
      return stop("no-linked-devices");
    default:
      return lost(failures, chance);
  }
}

const stop = (reason: StopReason): AfterClose => ({ kind: "stop", reason });

/** The first time at once: most losses are a moment long. */
function lost(failures: number, chance: number): AfterClose & { kind: "connect" } {
  if (failures === 0) return { kind: "connect", delay: 0, why: "lost" };
  const delay = Math.min(FIRST_DELAY_MS * 2 ** (failures - 1), LONGEST_DELAY_MS);
  return { kind: "connect", delay: jitter(delay, chance), why: "lost" };
}

/** Between half of it and one and a half. */
const jitter = (delay: number, chance: number): number => Math.round(delay * (0.5 + chance));
