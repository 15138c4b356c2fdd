import {
  addTransactionCapability,
  BufferJSON,
  Curve,
  DEFAULT_CONNECTION_CONFIG,
  generateRegistrationId,
  generateSignalPubKey,
  type KeyPair,
  type proto,
  type SignalKeyStore,
  signedKeyPair,
} from "baileys";
import { pino } from "pino";
import { createMemoryKeys } from "./memory-keys.ts";

export interface PreKey {
  id: number;
  key: Uint8Array;
}

/** What one needs of a device to write to it first. */
export interface KeyBundle {
  registrationId: number;
  identity: Uint8Array;
  signed: PreKey & { signature: Uint8Array };
  oneTime?: PreKey | undefined;
}

export interface Sealed {
  type: "pkmsg" | "msg";
  ciphertext: Uint8Array;
}

/** A simulated phone's Signal state; the cipher is Baileys' own. Other devices go by their LID address. */
export interface SignalDevice extends Disposable {
  identity: KeyPair;
  registrationId: number;
  /** With another one-time key each time. */
  bundle(): Promise<KeyBundle>;
  knows(jid: string): Promise<boolean>;
  meet(jid: string, bundle: KeyBundle): Promise<void>;
  forget(jid: string): Promise<void>;
  seal(jid: string, plain: Uint8Array): Promise<Sealed>;
  open(jid: string, sealed: Sealed): Promise<Uint8Array>;
  takeSenderKey(author: string, item: proto.Message.ISenderKeyDistributionMessage): Promise<void>;
  openGroup(group: string, author: string, ciphertext: Uint8Array): Promise<Uint8Array>;
}

export function createSignalDevice(): SignalDevice {
  const identity = Curve.generateKeyPair();
  const registrationId = generateRegistrationId();
  const signedPreKey = signedKeyPair(identity, 1);
  const logger = pino({ level: "silent" });
  const store = mended(createMemoryKeys());
  const keys = addTransactionCapability(store, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 0 });
  const creds = { signedIdentityKey: identity, signedPreKey, registrationId };
  const cipher = DEFAULT_CONNECTION_CONFIG.makeSignalRepository({ creds, keys }, logger);
  let lastPreKey = 0;
  return {
    identity,
    registrationId,
    bundle: async () => {
      const id = ++lastPreKey;
      const pair = Curve.generateKeyPair();
      await store.set({ "pre-key": { [id]: pair } });
      const { keyPair, signature, keyId } = signedPreKey;
      const signed = { id: keyId, key: keyPair.public, signature };
      return { registrationId, identity: identity.public, signed, oneTime: { id, key: pair.public } };
    },
    knows: async (jid) => (await cipher.validateSession(jid)).exists,
    meet: (jid, bundle) => cipher.injectE2ESession({ jid, session: toSession(bundle) }),
    forget: (jid) => cipher.deleteSession([jid]),
    seal: (jid, data) => cipher.encryptMessage({ jid, data }),
    open: (jid, sealed) => {
      const id = cipher.jidToSignalProtocolAddress(jid);
      return keys.transaction(async () => {
        const before = await keys.get("session", [id]);
        const plain = await cipher.decryptMessage({ jid, ...sealed });
        if (sealed.type === "msg") await keys.set({ session: untried(before, await keys.get("session", [id])) });
        return plain;
      }, jid);
    },
    takeSenderKey: (authorJid, item) => cipher.processSenderKeyDistributionMessage({ authorJid, item }),
    openGroup: (group, authorJid, msg) => cipher.decryptGroupMessage({ group, authorJid, msg }),
    [Symbol.dispose]: () => cipher.close?.(),
  };
}

function toSession({ registrationId, identity, signed, oneTime }: KeyBundle) {
  const preKey = ({ id, key }: PreKey) => ({ keyId: id, publicKey: generateSignalPubKey(key) });
  return {
    registrationId,
    identityKey: generateSignalPubKey(identity),
    signedPreKey: { ...preKey(signed), signature: signed.signature },
    ...(oneTime ? { preKey: preKey(oneTime) } : {}),
  };
}

type Records = Record<string, Uint8Array>;

/**
 * A phone's own Signal library leaves a session alone that cannot open a message; the one for Node moves
 * its ratchet, and later messages of that session are lost.
 */
function untried(before: Records, after: Records): Records {
  const sessionsOf = (record: unknown) =>
    (record as { _sessions?: Record<string, { indexInfo: { used: number } }> } | undefined)?._sessions ?? {};
  return Object.fromEntries(
    Object.entries(after).map(([id, record]) => {
      const [old, now] = [sessionsOf(before[id]), sessionsOf(record)];
      const isUsed = (key: string) => now[key]?.indexInfo.used !== old[key]?.indexInfo.used;
      if (!Object.keys(now).some(isUsed)) return [id, record];
      const kept = Object.keys(now).map((key) => [key, isUsed(key) ? now[key] : old[key]]);
      return [id, { ...record, _sessions: Object.fromEntries(kept) }];
    }),
  );
}

/** Baileys writes the keys of skipped group messages in a form that it cannot read again (durable.md, pitfalls). */
const mended = (keys: SignalKeyStore): SignalKeyStore => ({
  ...keys,
  set: (data) => {
    const records = Object.entries(data["sender-key"] ?? {}).map(([id, record]) => [id, record && rewritten(record)]);
    return keys.set(records.length === 0 ? data : { ...data, "sender-key": Object.fromEntries(records) });
  },
});

const rewritten = (record: Uint8Array): Buffer =>
  Buffer.from(JSON.stringify(JSON.parse(Buffer.from(record).toString()), BufferJSON.replacer));
