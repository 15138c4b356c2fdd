import { BufferJSON, initAuthCreds, proto } from "baileys";
import { describe, expect, test } from "vitest";
import { memoryLinkStore } from "../../../test/memory-link-store.ts";
import { createAuthState, decodeCreds, encode, INBOX, saveCreds } from "./auth-state.ts";

describe("Baileys' state", () => {
  test("is one commit for each set, whatever the types, our rows included", async () => {
    const { store, commits } = memoryLinkStore();
    const { keys } = createAuthState(store, initAuthCreds());
    const row = { hash: "h", messageKey: "k", part: 0, parts: 1, type: "msg", attrs: {}, plain: Buffer.from("p") };
    const data = { session: { "1.0": Buffer.from("s") }, "pre-key": { "7": null }, [INBOX]: { h: row } };
    await keys.set(data);
    expect(commits).toHaveLength(1);
    expect(commits[0]?.inbox).toEqual([row]);
    expect([...(commits[0]?.keys ?? [])].map(([name]) => name)).toEqual(["session-1.0", "pre-key-7"]);
  });

  test("comes back as it was, under names that a multi-file link has", async () => {
    const { store, values } = memoryLinkStore();
    const { keys } = createAuthState(store, initAuthCreds());
    const pair = { public: Buffer.from([1, 2]), private: Buffer.from([3]) };
    await keys.set({
      "pre-key": { "1": pair },
      "lid-mapping": { "4915:1": "77/1" },
      "device-list": { "49": ["0", "3"] },
    });
    expect([...values.keys()]).toEqual(["pre-key-1", "lid-mapping-4915-1", "device-list-49"]);
    expect(await keys.get("pre-key", ["1", "2"])).toEqual({ "1": pair });
    expect(await keys.get("lid-mapping", ["4915:1"])).toEqual({ "4915:1": "77/1" });
    expect(await keys.get("device-list", ["49"])).toEqual({ "49": ["0", "3"] });
    await keys.set({ "pre-key": { "1": null } });
    expect(await keys.get("pre-key", ["1"])).toEqual({});
  });

  test("has app state keys as the messages that they are", async () => {
    const { store } = memoryLinkStore();
    const { keys } = createAuthState(store, initAuthCreds());
    await keys.set({ "app-state-sync-key": { "a/b=": { keyData: Buffer.from("k") } } });
    const { "a/b=": found } = await keys.get("app-state-sync-key", ["a/b="]);
    expect(found).toBeInstanceOf(proto.Message.AppStateSyncKeyData);
    expect(Buffer.from(found?.keyData ?? [])).toEqual(Buffer.from("k"));
  });

  test("mends skipped group keys, which Baileys cannot read back", async () => {
    const { store } = memoryLinkStore();
    const { keys } = createAuthState(store, initAuthCreds());
    const record = [{ senderMessageKeys: [{ iteration: 3, seed: Buffer.from("seed") }] }];
    await keys.set({ "sender-key": { "g::1": Buffer.from(JSON.stringify(record)) } });
    const { "g::1": found } = await keys.get("sender-key", ["g::1"]);
    expect(JSON.parse(Buffer.from(found ?? []).toString(), BufferJSON.reviver)).toEqual(record);
  });

  test("names the account only when the phone has agreed", () => {
    const { store, commits } = memoryLinkStore();
    const creds = initAuthCreds();
    creds.me = { id: "4915200000001@s.whatsapp.net", name: "~" };
    saveCreds(store, creds);
    creds.account = { details: Buffer.from("d") };
    saveCreds(store, creds);
    expect(commits.map(({ creds: saved }) => saved?.account)).toEqual([undefined, creds.me.id]);
    expect(decodeCreds(encode(creds)).noiseKey).toEqual(creds.noiseKey);
  });
});
