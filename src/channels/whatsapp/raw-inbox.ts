import {
  cleanMessage,
  decodeMessageNode,
  DEFAULT_CONNECTION_CONFIG,
  type AuthenticationCreds,
  type BinaryNode,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "baileys";
import { createHash } from "node:crypto";
import { INBOX } from "./auth-state.ts";
import type { LinkStore, RawMessage } from "./link-store.ts";

/** Where a ciphertext came from. */
type Origin = Omit<RawMessage, "hash" | "plain">;

export interface RawInbox {
  /** To be told of each `message` stanza before it is decrypted. */
  see(stanza: BinaryNode): void;
  makeSignalRepository: SocketConfig["makeSignalRepository"];
}

/**
 * Baileys tells the server that a message arrived before it tells us. So each plaintext is committed
 * together with the key that its decryption used up; the same ciphertext again, after a crash that
 * the server saw as silence, is answered from the row.
 */
export function createRawInbox(store: LinkStore, creds: AuthenticationCreds): RawInbox {
  // Baileys hands exactly these buffers on to be decrypted.
  const origins = new WeakMap<Uint8Array, Origin>();
  const once = async (ciphertext: Uint8Array, keys: Transactions, mutex: string, decrypt: Decrypt) => {
    const hash = createHash("sha256").update(ciphertext).digest("hex");
    const known = store.plainOf(hash);
    if (known) return known;
    const origin = origins.get(ciphertext);
    if (!origin) return decrypt();
    // The same mutex as the inner transaction, which then joins this one.
    return keys.transaction(async () => {
      const plain = await decrypt();
      const row: RawMessage = { ...origin, hash, plain };
      await keys.set({ [INBOX]: { [hash]: row } } as object);
      return plain;
    }, mutex);
  };
  return {
    see: (stanza) => {
      const ciphers = Array.isArray(stanza.content) ? stanza.content.filter(({ tag }) => tag === "enc") : [];
      for (const [part, { attrs, content }] of ciphers.entries()) {
        if (!(content instanceof Uint8Array)) continue;
        const place = { part, parts: ciphers.length, type: attrs["type"] ?? "" };
        origins.set(content, { ...place, attrs: stanza.attrs, messageKey: messageKey(stanza, creds) });
      }
    },
    makeSignalRepository: (auth, logger, numbersToLids) => {
      const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, numbersToLids);
      const { decryptMessage, decryptGroupMessage } = repository;
      const keys = auth.keys as Transactions;
      repository.decryptMessage = (args) => once(args.ciphertext, keys, args.jid, () => decryptMessage(args));
      repository.decryptGroupMessage = (args) => once(args.msg, keys, args.group, () => decryptGroupMessage(args));
      return repository;
    },
  };
}

type Transactions = SignalKeyStoreWithTransaction;
type Decrypt = () => Promise<Uint8Array>;

/** As `messages.upsert` will name it. A stanza that Baileys cannot read makes no event. */
function messageKey(stanza: BinaryNode, { me }: AuthenticationCreds): string {
  const [id, lid] = [me?.id ?? "", me?.lid ?? ""];
  try {
    const { fullMessage } = decodeMessageNode(stanza, id, lid);
    cleanMessage(fullMessage, id, lid);
    const { remoteJid, fromMe, participant } = fullMessage.key;
    return [remoteJid, fullMessage.key.id, fromMe ? "me" : "", participant].join("|");
  } catch {
    return `?|${stanza.attrs["from"] ?? ""}|${stanza.attrs["id"] ?? ""}`;
  }
}
