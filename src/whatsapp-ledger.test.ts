import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, found, inbound, jidOf, registered, say, sentTo } from "../test/ledger-kit.ts";
import { manualClock, type ManualClock } from "../test/manual-clock.ts";
import type { WhatsAppLedger } from "./channels/whatsapp/ledger.ts";
import type { Settings } from "./config.ts";
import { groupOperations, type GroupOperations } from "./control/groups.ts";
import { beginOwnerClaim, ownerState } from "./control/owner.ts";
import { silentLog } from "./domain/log.ts";
import { openStore, type Store } from "./store/store.ts";
import { createInbox } from "./turns/inbox.ts";
import { createWhatsAppLedger } from "./whatsapp-ledger.ts";

const number = (digits: string) => jidOf(`${digits}@s.whatsapp.net`);
const [first, second, ann, bob] = ["4915200000001", "4915200000002", "4917600000001", "4917600000002"] as const;
const group = jidOf("120363000000000001@g.us");

describe("the ledger as WhatsApp's channel sees it", () => {
  let store: Store;
  let clock: ManualClock;
  let groups: GroupOperations;
  let acknowledged: string[];

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    groups = groupOperations(store, clock);
    acknowledged = [];
    addGroup(store, "main");
  });

  const ledger = (changes: Partial<Settings> = {}): WhatsAppLedger => {
    const settings = { ASSISTANT_NAME: "Andy", ASSISTANT_HAS_OWN_NUMBER: false, ...changes } as Settings;
    const log = silentLog;
    const inboxOptions = { store, clock, log, assistantName: "Andy", ageLimit: 1e15, zone: "UTC" };
    return createWhatsAppLedger({
      ...{ store, clock, log, config: { settings } },
      inbox: createInbox({ ...inboxOptions, onWork: () => {}, onOutbox: () => {} }),
      acknowledged: (id) => acknowledged.push(id),
      onOutbox: () => {},
      onChange: () => {},
    });
  };
  const own = (owners?: string[]) => ledger({ ASSISTANT_HAS_OWN_NUMBER: true, NANOCLAW_OWNER: owners });
  const open = (part: WhatsAppLedger, digits: string) =>
    part.opened({ pn: number(digits), lid: `${digits.slice(-3)}@lid` });
  const addFamily = () => groups.add({ jid: group, name: "Family", folder: "family" });
  const heldChats = () => groups.list().flatMap(({ chats }) => chats.filter(({ held }) => held).map(({ jid }) => jid));

  test("when the link opens, what waits for another try is due at once, and nothing else", () => {
    const row = { folder: folderOf("main"), text: "hello", source: "notice", turn: null, task: null } as const;
    for (const chat of [number(ann), jidOf("local:main")]) {
      store.outbox.add({ ...row, chat, messageId: chat, requestKey: null, now: clock.now() });
      const seq = store.outbox.byMessageId(chat)?.seq ?? 0;
      store.outbox.sendAgain(seq, clock.now() + 300_000, true);
    }
    expect(store.outbox.due(clock.now(), 1e9)).toEqual([]);
    open(ledger(), first);
    expect(store.outbox.due(clock.now(), 1e9)).toMatchObject([{ chat: number(ann), sends: 1 }]);
  });

  describe("the first link", () => {
    test("makes the chat with oneself part of main, under both ids", () => {
      const part = ledger();
      open(part, first);
      expect(store.groups.chat(number(first))).toMatchObject({
        folder: "main",
        requiresTrigger: false,
        account: first,
      });
      expect(part.canonical("001:3@lid")).toBe(number(first));
      expect([part.isOwner(number(first)), part.isOwner("001@lid"), part.isOwner(number(ann))]).toEqual([
        true,
        true,
        false,
      ]);
      expect(sentTo(store)).toEqual([]);
    });

    test("takes over the chats that were registered before it", () => {
      addFamily();
      expect(store.groups.chat(group)?.account).toBeNull();
      const part = ledger();
      open(part, first);
      expect([store.groups.chat(group)?.account, part.folderOf(group), part.mayWrite(group)]).toEqual([
        first,
        "family",
        "yes",
      ]);
      expect(store.groups.chat(jidOf("local:main"))?.account).toBeNull();
    });

    test("leaves a chat with oneself that belongs to another group there", () => {
      groups.add({ jid: `+${first}`, name: "Notes", folder: "notes" });
      open(ledger(), first);
      expect(store.groups.chat(number(first))?.folder).toBe("notes");
    });

    test("with a number of its own opens the first owner's chat, not the account's", () => {
      const part = own([ann, bob]);
      open(part, first);
      expect(store.groups.chat(number(first))).toBeUndefined();
      expect(store.groups.chat(number(ann))).toMatchObject({ folder: "main", requiresTrigger: false, account: first });
      expect([number(ann), number(bob), number(first)].map(part.isOwner)).toEqual([true, true, false]);
    });

    test("with a number of its own and no owner opens nothing", () => {
      open(own(), first);
      expect(store.groups.chatsOf(folderOf("main")).map(({ jid }) => jid)).toEqual(["local:main"]);
    });
  });

  describe("another account than before", () => {
    const another = () => {
      const part = ledger();
      open(part, first);
      addFamily();
      open(part, second);
      return part;
    };

    test("holds the chats of the one before, tells the owner once, and is at home in main", () => {
      const part = another();
      expect(heldChats()).toEqual([number(first), group]);
      expect([part.folderOf(group), part.mayWrite(group), part.registeredGroups()]).toEqual([undefined, "held", []]);
      expect(part.mayWrite(number(second))).toBe("yes");
      open(part, second);
      expect(sentTo(store)).toEqual([
        expect.stringMatching(/linked as \+4915200000002 now; before it was \+4915200000001\. In 2 chats .* confirm/),
      ]);
    });

    test("is told anew when it comes again", () => {
      const part = another();
      clock.jump(1_000);
      open(part, first);
      open(part, second);
      expect(sentTo(store)).toHaveLength(3);
    });

    test("answers nothing in them: what is said is context, what waits waits, tasks too", async () => {
      const part = ledger();
      open(part, first);
      addFamily();
      const task = addTask(store, { folder: folderOf("family"), chat: group });
      say(store, "@Andy waits", { chat: group, id: "1" });
      const due = { folder: task.folder, chat: group, kind: "task", taskId: task.id, taskDueAt: 1 } as const;
      store.turns.add({ ...due, id: "abcdefghijkl" as never, status: "queued", queueSeq: 1, dueAt: 1, now: 1 });
      open(part, second);
      const { seq } = await part.receive(inbound({ chat: group, text: "@Andy hello" }));
      expect(store.messages.bySeq(found(seq))).toMatchObject({ decision: "context", reason: "other-account" });
      expect(store.turns.waiting(1e15)).toEqual([]);
      groups.confirm("family");
      expect(store.turns.waiting(1e15).map(({ turn }) => turn)).toEqual([null, "abcdefghijkl"]);
    });

    test("goes on where it is confirmed: in one group, or in all", async () => {
      const part = another();
      groups.confirm("family");
      expect([heldChats(), part.mayWrite(group), part.folderOf(group)]).toEqual([[number(first)], "yes", "family"]);
      const { seq } = await part.receive(inbound({ chat: group, text: "@Andy hello" }));
      expect(store.messages.bySeq(found(seq))?.decision).toBe("wakes");
    });

    test("confirmed takes the place of the one before in the chat with oneself, with its reminders", () => {
      another();
      const task = addTask(store, { chat: number(first) });
      const row = {
        chat: number(first),
        folder: folderOf("main"),
        messageId: "o-1",
        text: "x",
        source: "notice",
      } as const;
      store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: 1 });
      groups.confirm(undefined);
      expect(heldChats()).toEqual([]);
      expect(store.groups.chat(number(first))).toBeUndefined();
      expect(store.tasks.find(task.id)?.chat).toBe(number(second));
      expect(store.outbox.byMessageId("o-1")?.chat).toBe(number(second));
    });

    test("keeps the owner's own chat when the assistant's number changes", () => {
      const part = own([ann]);
      open(part, first);
      open(part, second);
      expect([heldChats(), part.mayWrite(number(ann))]).toEqual([[], "yes"]);
    });

    test("cannot be confirmed before there was any", () => {
      expect(() => groups.confirm(undefined)).toThrow(/npm run auth/);
      open(ledger(), first);
      expect(() => groups.confirm("nobody")).toThrow(/no group/);
    });
  });

  describe("the proof of who the owner is", () => {
    const begun = () => {
      const part = own();
      open(part, first);
      return { part, code: beginOwnerClaim(store, "+49 176 0000-0001", clock).code };
    };

    test("makes that number the owner's and its chat part of main", () => {
      const { part, code } = begun();
      expect(part.prove(number(ann), number(ann), code.toLowerCase())).toBe(true);
      expect([part.isOwner(number(ann)), part.folderOf(number(ann))]).toEqual([true, "main"]);
      expect(store.outbox.after(number(ann), 0, 9).map(({ text }) => text)).toEqual([
        expect.stringMatching(/^You are Andy's owner now\./),
      ]);
      expect(store.messages.newestSeq()).toBe(0);
    });

    test("that comes a second time, after a crash, is no message either", () => {
      const { code } = begun();
      for (const part of [own(), own()]) expect(part.prove(number(ann), number(ann), code)).toBe(true);
      expect(store.outbox.after(number(ann), 0, 9)).toHaveLength(1);
      expect(own().prove(number(ann), number(ann), "hello")).toBe(false);
    });

    test("counts from a person who is known by another id, too", () => {
      const { part, code } = begun();
      part.learn("555@lid", number(ann));
      const name = part.canonical("555@lid");
      expect(part.prove(name, name, code)).toBe(true);
    });

    test("counts from nobody else, in no group, and not on a shared number", () => {
      const { part, code } = begun();
      expect(part.prove(number(bob), number(bob), code)).toBe(false);
      expect(part.prove(number(ann), group, code)).toBe(false);
      expect(ledger().prove(number(ann), number(ann), code)).toBe(false);
      expect(store.settings.get("owner")).toBeUndefined();
    });

    test("does not count after half an hour, nor after five wrong codes or a newer one", () => {
      const { part, code } = begun();
      const newer = beginOwnerClaim(store, ann, clock).code;
      expect(part.prove(number(ann), number(ann), code)).toBe(false);
      for (let wrong = 2; wrong <= 5; wrong += 1) expect(part.prove(number(ann), number(ann), "AAAA-AAAA")).toBe(false);
      expect(part.prove(number(ann), number(ann), newer)).toBe(false);
      expect(ownerState(store).endedByWrongCodes).toBe(ann);
      const late = beginOwnerClaim(store, ann, clock).code;
      expect(ownerState(store).endedByWrongCodes).toBeNull();
      clock.jump(30 * 60_000 + 1);
      expect(part.prove(number(ann), number(ann), late)).toBe(false);
    });

    test("is over by what the settings say", () => {
      const { part, code } = begun();
      part.prove(number(ann), number(ann), code);
      expect([own([bob]).isOwner(number(ann)), own([bob]).isOwner(number(bob))]).toEqual([false, true]);
    });

    test("lets the proved owner's chat be main at every later link", () => {
      const { part, code } = begun();
      part.prove(number(ann), number(ann), code);
      open(part, second);
      expect(store.groups.chat(number(ann))?.account).toBe(second);
    });
  });

  test("a person's two ids are one after the first message that names both", async () => {
    const part = ledger();
    open(part, first);
    groups.add({ jid: "555@lid", name: "Ann", folder: "ann", requiresTrigger: false, senders: ["555@lid"] });
    part.learn("555:1@lid", number(ann));
    const { seq } = await part.receive(inbound({ chat: number(ann), sender: number(ann), fromOwner: false }));
    expect(store.messages.bySeq(found(seq))).toMatchObject({ folder: "ann", decision: "wakes" });
    expect([part.mayWrite(jidOf("555@lid")), part.mayWrite(number(bob))]).toEqual(["yes", "unregistered"]);
  });

  test("knows its own messages, hands on what arrived, and tells a thing once", () => {
    const part = ledger();
    const row = { chat: group, folder: folderOf("main"), messageId: "o-1", text: "x", source: "answer" } as const;
    store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: 1 });
    expect([part.isOurs("o-1"), part.isOurs("o-2")]).toEqual([true, false]);
    part.acknowledged("o-1");
    for (const key of ["logged-out/1", "logged-out/1", "logged-out/2"]) part.tell(key, "The phone has unlinked me.");
    expect([acknowledged, sentTo(store)]).toEqual([["o-1"], Array(2).fill("The phone has unlinked me.")]);
  });

  test("remembers when the link worked, and what WhatsApp says of groups", () => {
    const part = ledger();
    expect([part.lastAlive(), part.group(group)]).toEqual([undefined, undefined]);
    part.alive(5_000);
    expect(ledger().lastAlive()).toBe(5_000);
    const facts = {
      ...{ jid: group, subject: "Family", member: true, announceOnly: false, admin: true, updatedAt: 7 },
      members: [{ id: number(ann), admin: false }],
    };
    part.saveGroup({ ...facts, subject: "Old" });
    part.saveGroup(facts);
    expect(ledger().group(group)).toEqual(facts);
    store.groups.add(folderOf("family"), "Family", {}, 1);
    store.groups.addChat(registered("family", { jid: group }));
    expect(part.registeredGroups()).toEqual([group]);
  });
});
