/** One ciphertext that was decrypted, with what is needed to make a message of it. */
export interface RawMessage {
  /** Of the ciphertext. */
  hash: string;
  /** Chat, id, whose, participant: as the events name the message. */
  messageKey: string;
  /** Which one of the stanza's ciphertexts it is; half a stanza is no message. */
  part: number;
  parts: number;
  type: string;
  attrs: Readonly<Record<string, string>>;
  /** Padded, as it was decrypted. */
  plain: Uint8Array;
  /** Our clock, epoch ms. */
  storedAt: number;
}

/** A stanza of which every ciphertext was decrypted, and that the ledger does not have yet. */
export interface OpenMessage {
  /** Grows with each row that was stored. */
  seq: number;
  messageKey: string;
  /** The account that it came to. */
  account: string;
  attrs: Readonly<Record<string, string>>;
  parts: readonly { type: string; plain: Uint8Array }[];
  storedAt: number;
}

export interface LinkStoreChanges {
  /** The account is known from the moment the phone agreed. */
  creds?: { text: string; account: string | undefined };
  /** Null removes. */
  keys?: ReadonlyMap<string, string | null>;
  inbox?: readonly RawMessage[];
}

/**
 * Where one link's identity, keys and raw inbox are kept. A call that returns is on the disk:
 * WhatsApp is told things that must not be forgotten. Held by one process at a time.
 */
export interface LinkStore {
  readKeys(names: readonly string[]): ReadonlyMap<string, string>;
  /** What this ciphertext was decrypted to. */
  plainOf(hash: string): Uint8Array | undefined;
  /** All of it or, when it throws, nothing. */
  commit(changes: LinkStoreChanges): void;
  /** Complete messages that the ledger does not have yet, stored after `seq`; half a stanza is none. */
  openMessages(seq: number): { messages: readonly OpenMessage[]; lastSeq: number };
  /**
   * The ledger has it. Its rows stay for a while: a receipt that was lost brings the same ciphertext again.
   * @param left what stays of each plaintext; default: all.
   */
  markDone(messageKey: string, at: number, left?: (plain: Uint8Array) => Uint8Array): void;
  /** What leaves under this id, before it leaves. */
  keepSent(id: string, jid: string, message: Uint8Array, at: number): void;
  sent(id: string): Uint8Array | undefined;
  /** Forgets what is older than anybody will ask for. */
  prune(now: number): void;
  /** It was connected. */
  markOpened(at: number): void;
  /** The network refused it for good. */
  markRefused(code: number): void;
}
