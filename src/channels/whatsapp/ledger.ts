import type { Folder, Jid } from "../../domain/ids.ts";
import type { InboundMessage } from "../../domain/message.ts";
import type { Receive, ReceiveChange } from "../channel.ts";

/** The account that this machine is linked to, without the device's part. */
export interface Account {
  /** `4915200000001@s.whatsapp.net` */
  pn: Jid;
  /** Null when WhatsApp did not say it. */
  lid: string | null;
}

/** A registered group as WhatsApp last described it; ids are canonical. */
export interface GroupFacts {
  jid: Jid;
  subject: string;
  /** We are in it. */
  member: boolean;
  /** Only admins may write. */
  announceOnly: boolean;
  /** We are an admin. */
  admin: boolean;
  members: readonly { id: string; admin: boolean }[];
  /** Epoch milliseconds. */
  updatedAt: number;
}

/**
 * What the channel asks of the host. A call that returns is on the disk. Those that are not promises
 * may throw while the database is locked or the disk full; the caller tries again.
 */
export interface WhatsAppLedger {
  receive: Receive;
  change: ReceiveChange;
  /** The host answers it by itself: as a text it may overtake what came before it. */
  isCommand(message: Pick<InboundMessage, "chat" | "text" | "mentionsUs">): boolean;
  /** What the ledger calls this person or chat: the number once it is known, else the LID; no device. */
  canonical(jid: string): Jid;
  /** Both ids are one person's. */
  learn(lid: string, pn: string): void;
  /** Undefined: nobody registered it, or for another account and nobody confirmed it yet. */
  folderOf(chat: Jid): Folder | undefined;
  /** `held`: registered for another account, and nobody confirmed it yet. */
  mayWrite(chat: Jid): "yes" | "held" | "unregistered";
  /** A message with this id stands in the outbox. */
  isOurs(messageId: string): boolean;
  /** With an own number: whether this person is the owner. On a shared number, whoever holds the phone is. */
  isOwner(person: string): boolean;
  /** True: it was the code that proves who the owner is, and is no message. */
  prove(sender: Jid, chat: Jid, text: string): boolean;
  /** Connected as this account. */
  opened(account: Account): void;
  /** The network has it, whoever still waited to hear that. */
  acknowledged(messageId: string): void;
  /** The disk is full, the database locked: what failed for that is worth any number of tries. */
  mayPass(error: unknown): boolean;
  /** Tells the owner on every other way; the same key is told once. */
  tell(key: string, text: string): void;
  /** When the link last worked, epoch ms. */
  lastAlive(): number | undefined;
  alive(at: number): void;
  registeredGroups(): readonly Jid[];
  group(jid: Jid): GroupFacts | undefined;
  saveGroup(group: GroupFacts): void;
}
