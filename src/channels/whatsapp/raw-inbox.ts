import {
  cleanMessage,
  decodeMessageNode,
  DEFAULT_CONNECTION_CONFIG,
  type AuthenticationCreds,
  type BinaryNode,
  type SignalKeyStoreWithTransaction,
  type SocketConfig,
} from "baileys";
import { AsyncLocalStorage } from "node:async_hooks";
import { createHash } from "node:crypto";
import type { Clock } from "../../domain/clock.ts";
import { INBOX } from "./auth-state.ts";
import { withoutFailedTrials } from "./failed-trials.ts";
import type { LinkStore, RawMessage } from "./link-store.ts";

/** Where a ciphertext came from. */
type Origin = Omit<RawMessage, "hash" | "plain" | "storedAt">;

export interface RawInboxOptions {
  store: LinkStore;
  creds: AuthenticationCreds;
  clock: Clock;
  /** A row was committed. */
  onStored(): void;
}

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
export function createRawInbox({ store, creds, clock, onStored }: RawInboxOptions): RawInbox {
  // Baileys hands exactly these buffers on to be decrypted.
  const origins = new WeakMap<Uint8Array, Origin>();
  const once = async (ciphertext: Uint8Array, keys: Transactions, mutex: string, decrypt: Decrypt) => {
    const hash = createHash("sha256").update(ciphertext).digest("hex");
    const known = store.plainOf(hash);
    if (known) return known;
    const origin = origins.get(ciphertext);
    if (!origin) return decrypt();
    // The same mutex as the inner transaction, which then joins this one.
    const plain = await keys.transaction(async () => {
      const opened = await decrypt();
      const row: RawMessage = { ...origin, hash, plain: opened, storedAt: clock.now() };
      await keys.set({ [INBOX]: { [hash]: row } } as object);
      return opened;
    }, mutex);
    onStored();
    return plain;
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
      repository.decryptMessage = (args) =>
        once(args.ciphertext, keys, args.jid, () =>
          args.type === "msg"
            ? withoutFailedTrials(repository, keys, args.jid, () => decryptMessage(args))
            : decryptMessage(args),
        );
      repository.decryptGroupMessage = (args) => once(args.msg, keys, args.group, () => decryptGroupMessage(args));
      return committedBeforeItLeaves(repository);
    },
  };
}

type Repository = ReturnType<SocketConfig["makeSignalRepository"]>;

/** All that reads or moves a ratchet: one of them in the outer transaction would overwrite the others' steps. */
const ratchets = [
  "encryptMessage",
  "encryptGroupMessage",
  "injectE2ESession",
  "validateSession",
  "deleteSession",
  "migrateSession",
  "getSenderKeyDistributionMessage",
  "hasSenderKey",
  "getSessionInfo",
] as const;

/**
 * Baileys sends within one transaction that commits after the stanza was written: a process killed in
 * between would use the same key for its next message, which nobody could read. Called from outside
 * of that transaction, each encryption commits by itself, before its stanza leaves.
 */
function committedBeforeItLeaves(repository: Repository): Repository {
  const outside = AsyncLocalStorage.snapshot();
  const methods = repository as unknown as Partial<Record<string, (...args: unknown[]) => unknown>>;
  for (const name of ratchets) {
    const method = methods[name];
    if (method) methods[name] = (...args) => outside(() => method.apply(repository, args));
  }
  return repository;
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
