import type { BinaryNode, proto } from "baileys";
import type { Envelope } from "./mailbox.ts";
import type { Addressing, Chat, LinkedDevice, Person } from "./people.ts";

/** A message that a simulated phone sent. */
export interface Posted {
  readonly id: string;
  readonly from: Person;
  readonly chat: Chat;
  readonly content: proto.IMessage;
  readonly by: Addressing;
  /** What became of it at the linked devices that must have it. */
  readonly copies: Copy[];
}

export interface Copy {
  readonly device: LinkedDevice;
  readonly envelope: Envelope;
}

/** A message stanza that a linked device sent; a repetition is an arrival of its own. */
export interface Arrival {
  readonly id: string;
  readonly from: Person;
  readonly device: LinkedDevice;
  /** Address as the client gave it. */
  readonly to: string;
  readonly chat: Chat | undefined;
  /** To the owner's phone itself, such as a plea to send something again: no message of a chat. */
  readonly peer: boolean;
  readonly node: BinaryNode;
  /** What the recipients read; undefined when nobody could, or it never got to them. */
  content: proto.IMessage | undefined;
  text: string | undefined;
  readonly readBy: Person[];
  readonly unreadable: { person: Person; error: string }[];
  /** The server's answer. */
  ack: "acked" | "withheld" | "lost" | { refused: number };
}
