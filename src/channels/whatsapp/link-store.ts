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
  /** It was connected. */
  markOpened(at: number): void;
  /** The network refused it for good. */
  markRefused(code: number): void;
}
