/** What a channel says of one send. */
export type SendResult =
  /** The network has it. */
  | { kind: "acknowledged" }
  /** Written, but nobody said that it arrived: to be repeated with the same id. */
  | { kind: "unsure"; detail: string }
  /** The connection ended before anybody could say so: to be repeated soon, with the same id. */
  | { kind: "cut"; detail: string }
  /** The network will not take it; with `backOff` (milliseconds) not now: it was too much. */
  | { kind: "refused"; reason: string; backOff?: number }
  /** Not connected: it was not tried. */
  | { kind: "offline" };

export type AfterSend =
  { kind: "sent" } | { kind: "again"; at: number; counts: boolean } | { kind: "failed"; reason: string };

export interface SendFacts {
  /** How often it was sent; this one counts. */
  sends: number;
  /** Milliseconds since the first of them. */
  since: number;
  now: number;
}

const MAX_UNSURE = 3;
/** A connection that ends again and again says little about the message. */
const MAX_CUT = 10;
/** For at least that long nothing is given up for want of an acknowledgement. */
const PATIENCE_MS = 10 * 60_000;
const UNSURE_MS = 30_000;
const LONGEST_UNSURE_MS = 5 * 60_000;
const OFFLINE_MS = 5_000;
const CUT_MS = 2_000;
const LONGEST_CUT_MS = 60_000;
/** The longest pause between two sends of one message. */
export const LONGEST_PAUSE_MS = 30 * 60_000;

export function decideAfterSend(result: SendResult, { sends, since, now }: SendFacts): AfterSend {
  const again = (pause: number): AfterSend => ({ kind: "again", at: now + pause, counts: true });
  const isPatient = since < PATIENCE_MS;
  switch (result.kind) {
    case "acknowledged":
      return { kind: "sent" };
    case "refused":
      if (result.backOff === undefined || sends >= MAX_CUT) return { kind: "failed", reason: result.reason };
      return again(Math.min(result.backOff, LONGEST_PAUSE_MS));
    case "offline":
      return { kind: "again", at: now + OFFLINE_MS, counts: false };
    case "unsure":
      if (sends < MAX_UNSURE || isPatient) return again(Math.min(UNSURE_MS * 4 ** (sends - 1), LONGEST_UNSURE_MS));
      return { kind: "failed", reason: givenUp(sends, result.detail) };
    case "cut":
      if (sends < MAX_CUT || isPatient) return again(Math.min(CUT_MS * 2 ** (sends - 1), LONGEST_CUT_MS));
      return { kind: "failed", reason: givenUp(sends, result.detail) };
    default:
      return result satisfies never;
  }
}

const givenUp = (sends: number, detail: string): string => `no acknowledgement after ${sends} sends: ${detail}`;
