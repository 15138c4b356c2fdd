/** What a channel says of one send. */
export type SendResult =
  /** The network has it. */
  | { kind: "acknowledged" }
  /** Written, but nobody said that it arrived: to be repeated with the same id. */
  | { kind: "unsure"; detail: string }
  /** The network will not take it. */
  | { kind: "refused"; reason: string }
  /** Not connected: it was not tried. */
  | { kind: "offline" };

export type AfterSend =
  { kind: "sent" } | { kind: "again"; at: number; counts: boolean } | { kind: "failed"; reason: string };

const MAX_SENDS = 3;
/** The longest pause between two sends of one message. */
export const REPEAT_MS = 5 * 60_000;
const OFFLINE_MS = 5_000;

/** `sends` counts this one. Three sends without an acknowledgement span ten minutes. */
export function decideAfterSend(result: SendResult, sends: number, now: number): AfterSend {
  switch (result.kind) {
    case "acknowledged":
      return { kind: "sent" };
    case "refused":
      return { kind: "failed", reason: result.reason };
    case "offline":
      return { kind: "again", at: now + OFFLINE_MS, counts: false };
    case "unsure":
      if (sends < MAX_SENDS) return { kind: "again", at: now + REPEAT_MS, counts: true };
      return { kind: "failed", reason: `no acknowledgement after ${sends} sends: ${result.detail}` };
    default:
      return result satisfies never;
  }
}
