import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, found, inbound, jidOf, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import type { InboundChange } from "../domain/message.ts";
import { openStore, type Store } from "../store/store.ts";
import { createInbox, type Inbox } from "./inbox.ts";
import { prepareInput } from "./turn-input.ts";

describe("an edit or a deletion", () => {
  const clock = manualClock();
  const main = jidOf("local:main");
  const family = jidOf("local:family");
  let store: Store;
  let inbox: Inbox;
  let woken: number;

  beforeEach(() => {
    store = openStore(":memory:");
    woken = 0;
    const options = { store, clock, log: silentLog, assistantName: "Andy", ageLimit: 86_400_000, zone: "UTC" };
    inbox = createInbox({ ...options, onWork: () => (woken += 1), onOutbox: () => {} });
    addGroup(store, "main");
    addGroup(store, "family", { requiresTrigger: true, senders: ["ann", "bob"] });
  });

  const hear = async (text: string, changes: Parameters<typeof inbound>[0] = {}): Promise<number> =>
    found((await inbox.receive("local", inbound({ id: "m-1", text, ...changes }))).seq);
  const change = (changes: Partial<InboundChange>): InboundChange => ({
    ...{ chat: main, id: "c-1", sender: "owner", senderName: "Ann", sentAt: clock.now(), fromOwner: true },
    ...{ target: "m-1", text: null, byAdmin: false },
    ...changes,
  });
  const at = (seq: number) => found(store.messages.bySeq(seq));
  const textsFrom = (chat = main) => store.messages.forPrompt(chat, 0, 999, 99).map(({ text }) => text);
  const fixed = (seq: number) => {
    const { turn } = startTurn(store);
    store.turns.fixRange(turn.id, seq, seq);
    return turn;
  };

  describe("of a message that no turn has taken", () => {
    test("is as if it had come like that", async () => {
      const seq = await hear("buy milk");
      await inbox.change(change({ text: "buy bread" }));
      expect(textsFrom()).toEqual(["buy bread"]);
      expect(store.messages.search(["milk"], null, 1e15, 9)).toEqual([]);
      expect(at(seq)).toMatchObject({ seq, text: "buy bread", decision: "wakes" });
    });

    test("may make it call the assistant, or no longer", async () => {
      const ann = { chat: family, sender: "ann", fromOwner: false };
      const seq = await hear("is it raining?", ann);
      expect([woken, at(seq).decision]).toEqual([0, "context"]);
      await inbox.change(change({ ...ann, text: "@Andy is it raining?" }));
      expect([woken, at(seq).reason]).toEqual([1, "trigger"]);
      await inbox.change(change({ ...ann, id: "c-2", text: "never mind" }));
      expect(at(seq)).toMatchObject({ decision: "context", reason: "no-trigger" });
    });

    test("of one that mentioned the assistant, or replied to it, still does", async () => {
      const ann = { chat: family, sender: "ann", fromOwner: false };
      const seq = await hear("what?", { ...ann, mentionsUs: true });
      await inbox.change(change({ ...ann, text: "what now?" }));
      expect(at(seq)).toMatchObject({ text: "what now?", reason: "mention" });
      const row = { chat: family, folder: folderOf("family"), messageId: "ours", text: "x", source: "answer" } as const;
      store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: 1 });
      const reply = await hear("why?", { ...ann, id: "m-2", quote: { id: "ours", sender: "us", text: "" } });
      await inbox.change(change({ ...ann, id: "c-2", target: "m-2", text: "why so?" }));
      expect(at(reply)).toMatchObject({ text: "why so?", reason: "reply" });
    });

    test("makes a waiting turn due now", async () => {
      const { turn } = startTurn(store);
      store.turns.requeue(turn.id, clock.now() + 600_000, true);
      store.messages.add(
        { ...inbound({ id: "m-1" }), quote: null },
        folderOf("main"),
        { decision: "wakes", reason: "main" },
        1,
      );
      await inbox.change(change({ text: "quick!" }));
      expect(store.turns.find(turn.id)?.dueAt).toBe(clock.now());
    });

    test("that deletes it leaves nothing to answer", async () => {
      const seq = await hear("my secret wish");
      const started = startTurn(store);
      await inbox.change(change({}));
      expect(at(seq)).toMatchObject({ text: "", decision: "ignored", reason: "withdrawn" });
      expect(store.messages.search(["wish"], null, 1e15, 9)).toEqual([]);
      expect(store.turns.waiting(clock.now())).toEqual([]);
      const agent = { backend: "offline", assistantName: "Andy" } as const;
      const facts = {
        outputBytes: 65_536,
        promptBudget: 16_384,
        secrets: {},
        oneShot: true,
        inbox: "inbox",
        zone: "UTC",
      };
      const [group, chat] = [found(store.groups.find("main")), found(store.groups.chat(main))];
      expect(prepareInput({ ...facts, ...started, store, group, chat, agent, now: 1 })).toBeNull();
    });

    test("once more changes nothing, also after a later one", async () => {
      const seq = await hear("one");
      await inbox.change(change({ id: "c-1", text: "two" }));
      await inbox.change(change({ id: "c-2", text: "three" }));
      await inbox.change(change({ id: "c-1", text: "two" }));
      expect(at(seq).text).toBe("three");
      await inbox.change(change({ id: "c-3" }));
      await inbox.change(change({ id: "c-4", text: "back again" }));
      expect(at(seq)).toMatchObject({ text: "", reason: "withdrawn" });
      expect(store.messages.latest(main)?.seq).toBe(seq);
    });

    test("that overtook it withdraws it all the same", async () => {
      await inbox.change(change({}));
      const received = await inbox.receive("local", inbound({ id: "m-1", text: "oops" }));
      expect(received.duplicate).toBe(true);
      expect([textsFrom(), woken]).toEqual([[], 0]);
    });
  });

  describe("of a message that a turn has taken", () => {
    test("is a line for the next turn, and wakes nobody", async () => {
      const seq = await hear("meet me at noon");
      store.turns.moveAnswered(main, seq);
      woken = 0;
      await inbox.change(change({ id: "c-1", text: "meet me at one" }));
      await inbox.change(change({ id: "c-1", text: "meet me at one" }));
      await inbox.change(change({ id: "c-2" }));
      expect(textsFrom()).toEqual([
        "meet me at noon",
        '[edited "meet me at noon" to:] meet me at one',
        '[deleted the message "meet me at noon"]',
      ]);
      expect([woken, store.turns.waiting(clock.now())]).toEqual([0, []]);
    });

    test("while the turn runs does not change what it was given", async () => {
      const seq = await hear("send ten letters");
      fixed(seq);
      await inbox.change(change({}));
      expect(at(seq)).toMatchObject({ text: "send ten letters", decision: "wakes" });
      expect(textsFrom()).toContain('[deleted the message "send ten letters"]');
    });

    test("before the turn was given anything, withdraws it", async () => {
      const seq = await hear("send ten letters");
      startTurn(store);
      await inbox.change(change({}));
      expect(at(seq).reason).toBe("withdrawn");
    });

    test("repeats only the beginning of a long one, and names a picture", async () => {
      const file = { kind: "image", path: "inbox/a.jpg", name: "a.jpg", mime: "", bytes: 1, problem: null } as const;
      const long = await hear("x".repeat(500));
      const picture = await hear("", { id: "m-2", attachments: [file] });
      store.turns.moveAnswered(main, Math.max(long, picture));
      await inbox.change(change({ text: "y" }));
      await inbox.change(change({ id: "c-2", target: "m-2" }));
      expect(textsFrom().slice(-2)).toEqual([
        `[edited "${"x".repeat(80)} …" to:] y`,
        '[deleted the message "[image: a.jpg]"]',
      ]);
    });

    test("by a guest is a guest's line, or none where guests are hidden", async () => {
      const eve = { chat: family, sender: "eve", senderName: "Eve", fromOwner: false };
      const seq = await hear("hi", eve);
      store.turns.moveAnswered(family, seq);
      await inbox.change(change({ ...eve, text: "@Andy do evil" }));
      expect(found(store.messages.find(family, "eve", "c-1")).reason).toBe("sender-not-allowed");
      store.groups.update(folderOf("family"), "family", { guests: "hidden" });
      await inbox.change(change({ ...eve, id: "c-2", text: "@Andy do evil" }));
      expect(found(store.messages.find(family, "eve", "c-2")).reason).toBe("guest-hidden");
    });
  });

  describe("by somebody else", () => {
    const eve = { chat: family, sender: "eve", senderName: "Eve", fromOwner: false };
    const owners = { chat: family, text: "@Andy hi" };

    test.each(["an edit", "a deletion"])("%s of the owner's message changes nothing", async (what) => {
      const seq = await hear("@Andy hi", owners);
      const text = what === "an edit" ? "@Andy give Eve all" : null;
      await inbox.change(change({ ...eve, text }));
      expect(at(seq)).toMatchObject({ text: "@Andy hi", decision: "wakes" });
      store.turns.moveAnswered(family, seq);
      await inbox.change(change({ ...eve, id: "c-2", text }));
      expect(textsFrom(family)).toEqual(["@Andy hi"]);
    });

    test("with a second message of the same id changes only that one", async () => {
      const seq = await hear("@Andy hi", owners);
      const second = await hear("@Andy give Eve all", { ...eve, id: "m-1" });
      expect(second).not.toBe(seq);
      await inbox.change(change({ ...eve, text: "@Andy still evil" }));
      expect([at(seq).text, at(second).text]).toEqual(["@Andy hi", "@Andy still evil"]);
    });

    test("an admin may delete, but not edit", async () => {
      const seq = await hear("@Andy hi", owners);
      await inbox.change(change({ ...eve, byAdmin: true, text: "@Andy give Eve all" }));
      expect(at(seq).text).toBe("@Andy hi");
      await inbox.change(change({ ...eve, id: "c-2", byAdmin: true }));
      expect(at(seq).reason).toBe("withdrawn");
    });

    test("an admin's deletion of an answered message says whose it was", async () => {
      const seq = await hear("@Andy hi", { ...owners, senderName: "Ann" });
      store.turns.moveAnswered(family, seq);
      await inbox.change(change({ ...eve, sender: "bob", byAdmin: true }));
      expect(textsFrom(family)).toContain('[deleted the message of Ann "@Andy hi"]');
    });

    test("an admin's deletion of an id that two have spares the owner's", async () => {
      const seq = await hear("@Andy hi", owners);
      const second = await hear("spam", { ...eve, id: "m-1" });
      await inbox.change(change({ ...eve, sender: "bob", byAdmin: true }));
      expect([at(seq).reason, at(second).reason]).toEqual(["trigger", "withdrawn"]);
    });
  });

  test("of a chat that nobody registered, or of what the assistant said, is nothing", async () => {
    await inbox.change(change({ chat: jidOf("123@g.us") }));
    const message = { ...inbound({ id: "m-1", sender: "assistant", fromAssistant: true, text: "mine" }), quote: null };
    store.messages.add(message, folderOf("main"), { decision: "ignored", reason: "from-assistant" }, 1);
    await inbox.change(change({ byAdmin: true }));
    expect(store.messages.find(main, "assistant", "m-1")?.text).toBe("mine");
  });
});
