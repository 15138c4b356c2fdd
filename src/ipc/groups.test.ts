import { toolResults } from "@nanoclaw/agent-runner/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, found, registered, resultOf, say, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { noGroupDesk } from "../../test/group-desk-kit.ts";
import { groupOperations } from "../control/groups.ts";
import { GroupError } from "../control/group-error.ts";
import type { GroupView } from "../domain/group.ts";
import { randomName } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { executeRequest } from "./execute.ts";
import type { DeskOutcome, GroupDesk } from "./group-desk.ts";

describe("the group tools", () => {
  let store: Store;
  let done: string[];
  let desk: GroupDesk;
  let known: { jid: string; name: string }[] | undefined;
  const clock = manualClock();
  beforeEach(() => {
    store = openStore(":memory:");
    done = [];
    known = [
      { jid: "1@g.us", name: "Plans\nignore\u202Eall" },
      { jid: "2@g.us", name: "Choir" },
    ];
    desk = deskOf();
    for (const folder of ["main", "family"]) addGroup(store, folder);
  });

  const deskOf = (): GroupDesk => {
    const operations = groupOperations(store, clock);
    const outcome = (work: () => GroupView): DeskOutcome => {
      try {
        return { ok: true, group: work() };
      } catch (error) {
        if (error instanceof GroupError) return { ok: false, problem: error.message };
        throw error;
      }
    };
    return {
      ...{ ...noGroupDesk, list: operations.list },
      known: () => known,
      register: (request) => outcome(() => operations.add(request)),
      change: (folder, request) => outcome(() => operations.set(folder, request)),
      remove: (folder) => outcome(() => operations.remove(folder)),
      changed: () => done.push("changed"),
      removed: (folder) => done.push(`removed ${folder}`),
    };
  };
  const callAs = (folder: string) => {
    const { turn } = startTurn(store, folder);
    return (tool: string, args: unknown, id = randomName(16)) =>
      executeRequest(
        {
          ...{ store, clock, zone: "Europe/Berlin", groups: desk, screen: (text) => text },
          ...{ onOutbox: () => {}, onSchedule: () => {} },
        },
        folderOf(folder),
        id,
        { protocol: 1, turn: turn.id, attempt: 1, chat: `local:${folder}`, tool, args },
      );
  };

  test("list_groups shows groups with chats and settings, and what nobody registered, as plain names", () => {
    addGroup(store, "choir", { jid: "2@g.us" as never });
    const call = callAs("main");
    const list = toolResults.list_groups.parse(resultOf(call("list_groups", {})));
    expect(list.groups.map(({ folder }) => folder).sort()).toEqual(["choir", "family", "main"]);
    expect(list.unregistered).toEqual([{ jid: "1@g.us", name: "Plans ignore all" }]);
    expect(list.more).toBe(false);
    known = undefined;
    expect(resultOf(call("list_groups", {}))).toMatchObject({ unregistered: null });
  });

  test("register_group begins a group with everything that was named, once, and says what it is now", () => {
    const call = callAs("main");
    const args = {
      ...{ folder: "plans", name: "Plans", jid: "1@g.us", trigger: "@Bob", requires_trigger: true },
      ...{ senders: ["+49 152 00000001"], settings: { zone: "Asia/Tokyo", timeout: 5_000, network: "none" } },
    };
    const id = randomName(16);
    const made = call("register_group", args, id);
    expect(toolResults.register_group.parse(resultOf(made))).toMatchObject({
      ...{ folder: "plans", settings: { zone: "Asia/Tokyo", timeout: 5_000, network: "none" } },
      chats: [{ jid: "1@g.us", trigger: "@Bob", requires_trigger: true, senders: ["4915200000001@s.whatsapp.net"] }],
    });
    expect(call("register_group", args, id)).toEqual(made);
    expect(done).toEqual(["changed"]);
  });

  test("update_group changes what is named and puts back what is null", () => {
    const call = callAs("main");
    resultOf(call("update_group", { folder: "family", settings: { timeout: 5_000, model: "m" } }));
    const changed = resultOf(call("update_group", { folder: "family", name: "Kin", settings: { timeout: null } }));
    expect(changed).toMatchObject({ folder: "family", name: "Kin", settings: { model: "m" } });
    expect(found(store.groups.find("family")).settings).toEqual({ model: "m" });
  });

  test("remove_group ends the group and its tasks, and what runs once that is written", () => {
    const task = addTask(store, { folder: folderOf("family"), chat: "local:family" as never });
    expect(resultOf(callAs("main")("remove_group", { folder: "family" }))).toMatchObject({ folder: "family" });
    expect(store.groups.find("family")).toBeUndefined();
    expect(found(store.tasks.find(task.id)).status).toBe("cancelled");
    expect(done).toEqual(["changed", "removed family"]);
  });

  const all: [string, object][] = [
    ["list_groups", {}],
    ["register_group", { folder: "new", name: "New" }],
    ["update_group", { folder: "family", name: "Kin" }],
    ["remove_group", { folder: "family" }],
  ];
  test.each(all)("%s is main's alone", (tool, args) => {
    const before = store.groups.list();
    expect(callAs("family")(tool, args)).toEqual({
      ok: false,
      error: "refused: only the main group may do that",
    });
    expect(store.groups.list()).toEqual(before);
    expect(done).toEqual([]);
  });

  const refused: [string, string, object, RegExp][] = [
    ["a path for a folder", "register_group", { folder: "../evil", name: "x" }, /cannot be used/],
    ["a reserved folder", "register_group", { folder: "errors", name: "x" }, /reserved/],
    ["main once more", "register_group", { folder: "main", name: "x" }, /used by the group/],
    ["a used folder", "register_group", { folder: "family", name: "x", jid: "1@g.us" }, /used by the group/],
    ["a chat in use", "register_group", { folder: "new", name: "x", jid: "local:family" }, /belongs to the group/],
    ["another's local chat", "register_group", { folder: "new", name: "x", jid: "local:other" }, /local chat of/],
    ["no chat id", "register_group", { folder: "new", name: "x", jid: "nonsense" }, /is no chat id/],
    ["a chat for main", "register_group", { folder: "main", name: "x", jid: "1@g.us", join: true }, /one more chat/],
    ["strangers in main", "update_group", { folder: "main", senders: "everyone" }, /senders of the main group/],
    ["mounts", "update_group", { folder: "family", settings: { mounts: [] } }, /Unrecognized key: "mounts"/],
    ["the login", "update_group", { folder: "family", settings: { shareLogin: true } }, /Unrecognized key/],
    ["MCP servers", "register_group", { folder: "new", name: "x", settings: { mcp: ["a"] } }, /Unrecognized key/],
    ["the network", "update_group", { folder: "family", settings: { network: "bridge" } }, /nanoclaw groups/],
    ["the network by null", "update_group", { folder: "family", settings: { network: null } }, /nanoclaw groups/],
    ["more memory", "update_group", { folder: "family", settings: { memory: 2 ** 40 } }, /above the host's own/],
    ["a longer turn", "update_group", { folder: "family", settings: { timeout: 1_800_001 } }, /above the host's own/],
    ["longer silence", "update_group", { folder: "family", settings: { silenceTimeout: 600_001 } }, /the host's own/],
    ["longer idling", "update_group", { folder: "family", settings: { idleTimeout: 1_800_001 } }, /the host's own/],
    ["no time zone", "update_group", { folder: "family", settings: { zone: "Mars/X" } }, /no IANA time zone/],
    ["an unknown group", "update_group", { folder: "nobody", name: "x" }, /There is no group/],
    ["an unknown group's end", "remove_group", { folder: "nobody" }, /There is no group/],
    ["main's end", "remove_group", { folder: "main" }, /main group cannot be removed/],
    ["what nobody knows", "register_group", { folder: "new", name: "x", containerConfig: {} }, /Unrecognized key/],
  ];
  test.each(refused)("refused, with nothing changed: %s", (_name, tool, args, reason) => {
    const before = { groups: store.groups.list(), chats: store.groups.chats() };
    const response = callAs("main")(tool, args);
    expect(response).toMatchObject({ ok: false, error: expect.stringMatching(reason) as string });
    expect({ groups: store.groups.list(), chats: store.groups.chats() }).toEqual(before);
    expect(done).toEqual([]);
  });

  const owners = /only the owner may do that.*nanoclaw groups/;
  const refusal = (reason: RegExp) => ({ ok: false, error: expect.stringMatching(reason) as string });

  const allowed = (response: unknown) => expect(response).toMatchObject({ ok: true });
  test("what was removed is not registered again by an agent: the owner's limits and the account would be lost", () => {
    store.groups.add(folderOf("plans"), "Plans", { network: "none" }, 1);
    store.groups.addChat(registered("plans", { jid: "1@g.us" as never, account: "4915200000009" }));
    const call = callAs("main");
    allowed(call("remove_group", { folder: "plans" }));
    const before = { groups: store.groups.list(), chats: store.groups.chats() };
    expect(call("register_group", { folder: "plans", name: "x", jid: "3@g.us" })).toEqual(refusal(owners));
    expect(call("register_group", { folder: "new", name: "x", jid: " 1@g.us " })).toEqual(refusal(owners));
    expect(call("register_group", { folder: "family", name: "x", jid: "1@g.us", join: true })).toEqual(refusal(owners));
    expect({ groups: store.groups.list(), chats: store.groups.chats() }).toEqual(before);
    allowed(call("register_group", { folder: "new", name: "x", jid: "3@g.us" }));
    groupOperations(store, clock).add({ folder: "plans", name: "Plans", jid: "1@g.us" });
    expect(store.groups.find("plans")).toBeDefined();
  });

  test("a folder in which something was said before, or that is planned for, is not begun by an agent", () => {
    say(store, "hello", { chat: "local:family" as never });
    store.groups.remove(folderOf("family"));
    store.settings.remove("once-group/family");
    store.settings.remove("once-chat/local:family");
    expect(callAs("main")("register_group", { folder: "family", name: "x" })).toEqual(refusal(owners));
  });

  test("a purged folder is free again, its chats are not", () => {
    addGroup(store, "plans", { jid: "1@g.us" as never });
    store.groups.remove(folderOf("plans"));
    store.groups.forget(folderOf("plans"));
    const call = callAs("main");
    expect(call("register_group", { folder: "plans", name: "x", jid: "1@g.us" })).toEqual(refusal(owners));
    allowed(call("register_group", { folder: "plans", name: "x", jid: "3@g.us" }));
  });

  describe.each([
    ["folders", { mounts: [{ hostPath: "~/notes", containerPath: "notes" }] }],
    ["MCP servers", { mcp: ["calendar"] }],
    ["the login", { shareLogin: true }],
  ])("in a group with %s of the owner's", (_name, settings) => {
    const ann = "4915200000001@s.whatsapp.net";
    beforeEach(() => {
      store.groups.add(folderOf("plans"), "Plans", { ...settings, guests: "hidden" }, 1);
      store.groups.addChat(registered("plans", { jid: "1@g.us" as never, senders: [ann] }));
    });

    test.each([
      ["everyone", { senders: "everyone" }],
      ["one more person", { senders: ["+4915200000001", "+4915200000002"] }],
      ["shown guests", { settings: { guests: "shown" } }],
      ["guests as the host has them", { settings: { guests: null } }],
    ])("no agent lets in %s", (_who, change) => {
      expect(callAs("main")("update_group", { folder: "plans", ...change })).toEqual(refusal(owners));
    });

    test("no agent adds a chat, but takes people out and changes the rest", () => {
      const call = callAs("main");
      const join = { folder: "plans", name: "x", jid: "2@g.us", join: true };
      expect(call("register_group", join)).toEqual(refusal(owners));
      allowed(call("update_group", { folder: "plans", senders: ["+4915200000001"], name: "Ours" }));
      allowed(call("update_group", { folder: "plans", senders: "owner" }));
    });
  });

  test("without anything of the owner's, main's agent lets in whom it is asked to", () => {
    addGroup(store, "choir", { jid: "2@g.us" as never });
    say(store, "hello", { chat: "2@g.us" as never });
    const call = callAs("main");
    allowed(call("update_group", { folder: "choir", senders: "everyone" }));
    allowed(call("register_group", { folder: "choir", name: "x", jid: "3@g.us", join: true }));
  });
});
