import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, jidOf, registered, say } from "../../test/ledger-kit.ts";
import { openDatabase } from "./database.ts";
import { groupTable } from "./groups.ts";
import { openStore, type Store } from "./store.ts";

describe("groups and chats", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
  });

  test("settings and senders come back as they went in", () => {
    const settings = {
      zone: "Asia/Tokyo",
      mounts: [{ hostPath: "/a", containerPath: "b", readonly: true }],
      cpus: 0.5,
    };
    store.groups.add(folderOf("work"), "Work 👋", settings, 5);
    store.groups.addChat(registered("work", { senders: ["a", "b"], trigger: "@Bot", requiresTrigger: true }));
    expect(store.groups.find("work")).toEqual({ folder: "work", name: "Work 👋", addedAt: 5, settings });
    expect(store.groups.chat(jidOf("local:work"))).toMatchObject({ senders: ["a", "b"], trigger: "@Bot" });
  });

  test("a chat registered now answers what comes from now on", () => {
    addGroup(store, "main");
    const old = say(store, "before", { chat: jidOf("local:late") });
    addGroup(store, "late");
    expect(store.turns.answeredSeq(jidOf("local:late"))).toBe(old);
    expect(store.turns.waiting(9_999)).toEqual([]);
  });

  test("of a chat that nobody registered only that it exists is kept, not when", () => {
    using db = openDatabase(":memory:");
    const { seen } = groupTable(db);
    for (const at of [null, null]) seen(jidOf("999@g.us"), "whatsapp", at);
    expect(db.all("SELECT * FROM chats")).toMatchObject([{ jid: "999@g.us", last_message_at: null }]);
    for (const at of [5, 3, null]) seen(jidOf("999@g.us"), "whatsapp", at);
    expect(db.all("SELECT * FROM chats")).toMatchObject([{ jid: "999@g.us", last_message_at: 5 }]);
  });

  test("the cursor and what was shown never go back", () => {
    const { jid } = addGroup(store, "main");
    for (const seq of [5, 3]) {
      store.turns.moveAnswered(jid, seq);
      store.groups.markShown(jid, seq);
    }
    expect([store.turns.answeredSeq(jid), store.groups.shownSeq(jid)]).toEqual([5, 5]);
  });

  test("removing a group takes its chats and sessions, and keeps what was said", () => {
    const { jid } = addGroup(store, "work");
    const seq = say(store, "kept", { chat: jid });
    store.sessions.set(folderOf("work"), "kiro", "s-1", 1);
    store.groups.remove(folderOf("work"));
    expect(store.groups.find("work")).toBeUndefined();
    expect(store.groups.chat(jid)).toBeUndefined();
    expect(store.sessions.get(folderOf("work"), "kiro")).toBeNull();
    expect(store.messages.bySeq(seq)?.text).toBe("kept");
    expect(store.turns.waiting(9_999)).toEqual([]);
  });

  test("a session belongs to one group and one agent", () => {
    store.sessions.set(folderOf("a"), "kiro", "1", 1);
    store.sessions.set(folderOf("a"), "kiro", "2", 2);
    store.sessions.set(folderOf("b"), "kiro", "3", 2);
    const got = [
      ["a", "kiro"],
      ["a", "offline"],
      ["b", "kiro"],
    ] as const;
    expect(got.map(([folder, agent]) => store.sessions.get(folderOf(folder), agent))).toEqual(["2", null, "3"]);
  });
});
