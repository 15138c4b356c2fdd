import type { BinaryNode } from "baileys";
import type { Arrival } from "./messages.ts";

/**
 * How a message of the client is answered: `held` until `releaseAcks()`; `never` means that it got through and the
 * acknowledgement is lost; `lost` means that the stanza itself never got here; `refuse` is an error code.
 */
export type AckRule = "at once" | "held" | "never" | "lost" | { after: number } | { refuse: number };

/** Set at will while the server runs. */
export interface Faults {
  acks: AckRule | ((arrival: Arrival) => AckRule);
  /** Phones answer a retry receipt by sending the message again. */
  resends: boolean;
  /** What a device nacked is sent to it again at the next login. */
  keepsNacked: boolean;
  /** Phones tell that a message arrived. */
  deliveryReceipts: boolean;
  /** Own phones send their history after a first login; without it Baileys holds offline messages for 20 s. */
  history: boolean;
  /** The reason of a `<failure>` instead of a login. */
  refuseLogin: number | undefined;
  /** False: connections are reset before they are up. */
  reachable: boolean;
  /** Queries that nobody answers. */
  unanswered: (query: BinaryNode) => boolean;
}

export const noFaults = (): Faults => ({
  acks: "at once",
  resends: true,
  keepsNacked: false,
  deliveryReceipts: true,
  history: true,
  refuseLogin: undefined,
  reachable: true,
  unanswered: () => false,
});
