import {
  BufferJSON,
  proto,
  type AuthenticationCreds,
  type AuthenticationState,
  type SignalDataSet,
  type SignalDataTypeMap,
} from "baileys";
import type { LinkStore, RawMessage } from "./link-store.ts";

/** A type of our own in Baileys' transactions, which let it pass: the row is committed with the ratchet. */
export const INBOX = "nanoclaw-inbox";

/** What a transaction commits: Baileys' own types, and ours. */
type Mutations = SignalDataSet & { [INBOX]?: Record<string, RawMessage> };

/** Baileys' state over our store. One call of `set` is one commit. */
export function createAuthState(store: LinkStore, creds: AuthenticationCreds): AuthenticationState {
  return {
    creds,
    keys: {
      get: (type, ids) => {
        const found = store.readKeys(ids.map((id) => keyName(type, id)));
        const entries = ids.flatMap((id) => {
          const text = found.get(keyName(type, id));
          return text === undefined ? [] : [[id, decodeKey(type, text)] as const];
        });
        return Object.fromEntries(entries);
      },
      set: (data: Mutations) => {
        const { [INBOX]: inbox = {}, ...types } = data;
        const keys = new Map<string, string | null>();
        for (const [type, values] of Object.entries(types)) {
          for (const [id, value] of Object.entries(values ?? {})) keys.set(keyName(type, id), encodeKey(value));
        }
        store.commit({ keys, inbox: Object.values(inbox) });
      },
    },
  };
}

export function saveCreds(store: LinkStore, creds: AuthenticationCreds): void {
  store.commit({ creds: { text: encode(creds), account: isAgreed(creds) ? creds.me?.id : undefined } });
}

/** Asking for a pairing code sets `me` long before the phone agrees, but never the account. */
export const isAgreed = ({ me, account }: AuthenticationCreds): boolean => me !== undefined && account !== undefined;

export const encode = (value: unknown): string => JSON.stringify(value, BufferJSON.replacer);

export const decodeCreds = (text: string): AuthenticationCreds =>
  JSON.parse(text, BufferJSON.reviver) as AuthenticationCreds;

/** As the files of a multi-file link are named, so that one can be taken over. */
const keyName = (type: string, id: string): string => `${type}-${id}`.replaceAll("/", "__").replaceAll(":", "-");

const encodeKey = (value: unknown): string | null => (value === null || value === undefined ? null : encode(value));

function decodeKey<T extends keyof SignalDataTypeMap>(type: T, text: string): SignalDataTypeMap[T] {
  const value = JSON.parse(text, BufferJSON.reviver) as SignalDataTypeMap[T];
  if (type === "app-state-sync-key") {
    return proto.Message.AppStateSyncKeyData.fromObject(value as object) as unknown as SignalDataTypeMap[T];
  }
  return type === "sender-key" ? (mendSenderKey(value as Uint8Array) as SignalDataTypeMap[T]) : value;
}

/**
 * Baileys writes a group's skipped keys with a plain `JSON.stringify` and cannot read them back: a
 * message that was overtaken by another one would be lost.
 */
function mendSenderKey(value: Uint8Array): Uint8Array {
  const record = JSON.parse(Buffer.from(value).toString("utf8")) as unknown;
  return Buffer.from(encode(record), "utf8");
}
