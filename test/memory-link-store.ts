import type { LinkStore, LinkStoreChanges } from "../src/channels/whatsapp/link-store.ts";

export interface MemoryLinkStore {
  store: LinkStore;
  commits: LinkStoreChanges[];
  values: Map<string, string>;
}

/** A link's keys and plaintexts in memory, with everything that was committed. */
export function memoryLinkStore(values = new Map<string, string>()): MemoryLinkStore {
  const commits: LinkStoreChanges[] = [];
  const plains = new Map<string, Uint8Array>();
  const sent = new Map<string, Uint8Array>();
  const store: LinkStore = {
    readKeys: (names) =>
      new Map(names.flatMap((name) => (values.has(name) ? [[name, values.get(name) ?? ""] as const] : []))),
    plainOf: (hash) => plains.get(hash),
    commit: (changes) => {
      commits.push(changes);
      for (const [name, value] of changes.keys ?? []) {
        if (value === null) values.delete(name);
        else values.set(name, value);
      }
      for (const { hash, plain } of changes.inbox ?? []) plains.set(hash, plain);
    },
    openMessages: (seq) => ({ messages: [], lastSeq: seq }),
    markDone: () => {},
    keepSent: (id, _jid, message) => void sent.set(id, message),
    sent: (id) => sent.get(id),
    prune: () => {},
    markOpened: () => {},
    markRefused: () => {},
  };
  return { store, commits, values };
}
