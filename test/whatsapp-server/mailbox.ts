import type { BinaryNode } from "baileys";

export type Settlement = "receipt" | "ack" | "nack";

/** One stanza for one device; it is sent again at every login until the device has settled it. */
export interface Envelope {
  node: BinaryNode;
  deliveries: number;
  settled: Settlement | undefined;
  /** The type of the receipt, or the code of the nack. */
  detail: string | undefined;
  /** Retry receipts that came for it. */
  retries: number;
  /** After a retry receipt the device nacks the copy that it could not read; the next one is on its way. */
  nackExpected: boolean;
}

export interface Mailbox {
  put(node: BinaryNode): Envelope;
  unsettled(): Envelope[];
  /** What a receipt or an acknowledgement is about; rather one that is not settled yet. */
  find(reply: BinaryNode): Envelope | undefined;
}

export function createMailbox(): Mailbox {
  const byId = new Map<string | undefined, Envelope[]>();
  const open = new Set<Envelope>();
  return {
    put: (node) => {
      const envelope: Envelope = {
        ...{ node, deliveries: 0, settled: undefined, detail: undefined, retries: 0, nackExpected: false },
      };
      byId.set(node.attrs.id, [...(byId.get(node.attrs.id) ?? []), envelope]);
      open.add(envelope);
      return envelope;
    },
    unsettled: () => {
      for (const envelope of open) if (envelope.settled !== undefined) open.delete(envelope);
      return [...open];
    },
    find: (reply) => {
      const sameId = byId.get(reply.attrs.id) ?? [];
      const meant = sameId.filter(({ node, deliveries }) => deliveries > 0 && isAbout(node, reply));
      return meant.find(({ settled }) => settled === undefined) ?? meant.at(-1);
    },
  };
}

/** Ids are chosen by senders: chat and author belong to the name of a message. */
function isAbout(node: BinaryNode, reply: BinaryNode): boolean {
  const { to, participant, recipient } = reply.attrs;
  if (node.tag !== (reply.tag === "ack" ? reply.attrs.class : "message")) return false;
  if (participant !== node.attrs.participant) return false;
  return recipient === undefined ? to === node.attrs.from : recipient === node.attrs.recipient;
}
