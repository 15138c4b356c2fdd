import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  addGroup,
  addTask,
  context,
  folderOf,
  found,
  inbound,
  jidOf,
  say,
  startTurn,
  wakes,
} from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import { createInbox } from "../turns/inbox.ts";
import { settleAnswered } from "../turns/settle.ts";
import { openStore, type Store } from "./store.ts";

const lid = jidOf("777@lid");
const pn = jidOf("4915200000001@s.whatsapp.net");
const group = jidOf("123-456@g.us");

describe("a person's two ids", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
  });
  const chat = (jid: string, folder = "ann") => addGroup(store, folder, { jid: jidOf(jid), senders: "everyone" });
  const from = (jid: string, id: string) => ({ chat: jidOf(jid), sender: jid, id });
  const waiting = () => store.turns.waiting(1e15).map(({ chat: jid }) => jid);
  /** Waiting calls, as the next turn sees them. */
  const waitingTexts = (jid = pn) =>
    store.messages.forPrompt(jid, store.turns.answeredSeq(jid), 9_999, 99).map(({ text }) => text);

  test.each([
    ["4915200000001:17@s.whatsapp.net", pn],
    ["4915200000001@c.us", pn],
    ["4915200000001_1:17@s.whatsapp.net", pn],
    ["777:3@lid", lid],
    ["123-456@g.us", group],
    ["120363000000000001@g.us", "120363000000000001@g.us"],
    ["local:main", "local:main"],
    ["owner", "owner"],
  ])("%s is called %s", (given, name) => {
    expect(store.persons.canonical(given)).toBe(name);
  });

  test("are one, the number, once both are known, whatever device wrote", () => {
    expect(store.persons.canonical("777@lid")).toBe(lid);
    expect(store.persons.learn("777:2@lid", "4915200000001:9@s.whatsapp.net")).toBe("merged");
    expect(store.persons.canonical("777:5@lid")).toBe(pn);
    expect(store.persons.learn(lid, pn)).toBe("known");
  });

  test("stay the first pair when another number is named later", () => {
    store.persons.learn(lid, pn);
    expect(store.persons.learn(lid, "4900000000@s.whatsapp.net")).toBe("conflict");
    expect(store.persons.canonical(lid)).toBe(pn);
  });

  test.each([
    ["4915200000001@s.whatsapp.net", "777@lid"],
    ["777@lid", "888@lid"],
    ["777@lid", "123-456@g.us"],
  ])("%s and %s are no pair", (one, other) => {
    expect(store.persons.learn(one, other)).toBe("not-a-pair");
  });

  test("everything that stands under the LID is the number's", () => {
    chat(lid);
    addGroup(store, "family", { jid: group, senders: [lid, "x@lid", pn] });
    say(store, "hello", from(lid, "1"));
    say(store, "in the group", { chat: group, sender: lid, id: "2" }, context);
    const task = addTask(store, { folder: folderOf("ann"), chat: lid });
    const row = { chat: lid, folder: folderOf("ann"), messageId: "o-1", text: "x", source: "notice" } as const;
    store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: 1 });
    store.settings.set("who", lid);
    store.networkGroups.save(group, "Family of 777@lid", { members: [{ id: lid, admin: true }] }, 1);
    store.persons.learn(lid, pn);
    expect(store.messages.find(pn, pn, "1")?.text).toBe("hello");
    expect(store.messages.find(group, pn, "2")?.text).toBe("in the group");
    expect([store.groups.chat(lid), store.groups.chat(pn)?.folder]).toEqual([undefined, "ann"]);
    expect(store.groups.chat(group)?.senders).toEqual([pn, "x@lid"]);
    expect([found(store.tasks.find(task.id)).chat, store.outbox.byMessageId("o-1")?.chat]).toEqual([pn, pn]);
    expect(store.settings.get("who")).toBe(pn);
    expect(store.networkGroups.find(group)).toMatchObject({
      subject: "Family of 777@lid",
      facts: { members: [{ id: pn }] },
    });
    expect(waiting()).toEqual([pn]);
  });

  test("what waits under the LID waits on, what was answered stays answered", () => {
    chat(lid);
    store.turns.moveAnswered(lid, say(store, "answered", from(lid, "1")));
    say(store, "waits", from(lid, "2"));
    store.persons.learn(lid, pn);
    expect(waitingTexts()).toEqual(["waits"]);
  });

  test("registered under both, the number's registration counts, and nothing is lost or answered twice", () => {
    chat(lid, "old");
    chat(pn, "new");
    store.turns.moveAnswered(lid, say(store, "lid answered", from(lid, "1")));
    say(store, "pn waits, early", from(pn, "2"));
    say(store, "lid waits", from(lid, "3"));
    store.turns.moveAnswered(lid, 1);
    store.persons.learn(lid, pn);
    expect(waitingTexts()).toEqual(["pn waits, early", "lid waits"]);
    expect(store.groups.chat(lid)).toBeUndefined();
    expect(store.turns.waiting(1e15)).toMatchObject([{ chat: pn, folder: "new" }]);
    expect(store.messages.find(pn, pn, "3")?.folder).toBe("new");
  });

  test("a waiting message is not passed over by the other chat's cursor, and is still found", () => {
    chat(lid, "old");
    chat(pn, "new");
    say(store, "lid waits swordfish", from(lid, "1"));
    store.turns.moveAnswered(pn, say(store, "pn answered", from(pn, "2")));
    store.persons.learn(lid, pn);
    expect(waitingTexts()).toEqual(["lid waits swordfish"]);
    expect(store.messages.search(["swordfish"], null, 1e15, 9).map(({ id }) => id)).toEqual(["1"]);
    expect(say(store, "later", from(pn, "3"))).toBeGreaterThan(found(store.messages.find(pn, pn, "1")).seq);
  });

  test("the same message under both ids is one: the second stays, ignored", () => {
    chat(lid, "old");
    chat(pn, "new");
    say(store, "twice", from(lid, "1"));
    say(store, "twice", from(pn, "1"));
    store.persons.learn(lid, pn);
    expect(waitingTexts()).toEqual(["twice"]);
    expect(store.messages.find(lid, lid, "1")).toMatchObject({ decision: "ignored", reason: "duplicate" });
  });

  test("the same message that was answered under the LID is not answered under the number", () => {
    chat(lid, "old");
    chat(pn, "new");
    store.turns.moveAnswered(lid, say(store, "twice", from(lid, "1")));
    say(store, "twice", from(pn, "1"));
    store.persons.learn(lid, pn);
    expect(waiting()).toEqual([]);
  });

  test("of two turns that wait to be tried again the number's takes the messages of both", () => {
    chat(lid, "old");
    chat(pn, "new");
    const turns = [lid, pn].map((jid, index) => {
      const seq = say(store, `of ${jid}`, from(jid, String(index)));
      const id = startTurn(store).turn.id;
      store.turns.end(id, "cancelled", 1);
      const folder = folderOf(index === 0 ? "old" : "new");
      const turn = { id: `turn-${index}` as typeof id, folder, chat: jid, kind: "message" } as const;
      store.turns.add({ ...turn, taskId: null, taskDueAt: null, status: "queued", queueSeq: 1, dueAt: 5, now: 1 });
      store.turns.fixRange(turn.id, seq, seq);
      return turn.id;
    });
    store.persons.learn(lid, pn);
    expect(turns.map((id) => store.turns.find(id)?.status)).toEqual(["cancelled", "queued"]);
    expect(waiting()).toEqual([pn]);
    expect(waitingTexts()).toEqual([`of ${lid}`, `of ${pn}`]);
  });

  test("whatever came under either id, in any order: each call waits once or is answered, as before", () => {
    const event = fc.record({
      side: fc.constantFrom(lid, pn),
      what: fc.constantFrom("call", "talk", "answer"),
      id: fc.integer({ min: 0, max: 6 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 14 }), fc.boolean(), fc.boolean(), (events, ours, theirs) => {
        using own = openStore(":memory:");
        for (const folder of ["old", "new"]) own.groups.add(folderOf(folder), folder, {}, 1);
        if (theirs) addGroup(own, "old", { jid: lid });
        if (ours) addGroup(own, "new", { jid: pn });
        const open = new Set<number>();
        const done = new Set<number>();
        for (const { side, what, id } of events) {
          const isServed = side === lid ? theirs : ours;
          if (!isServed) continue;
          if (what === "answer") {
            own.turns.moveAnswered(side, own.messages.newestIn(side));
            for (const { id: said } of own.messages.forPrompt(side, 0, 999, 99)) done.add(Number(said));
            continue;
          }
          const message = { ...inbound({ ...from(side, String(id)), text: `m-${id}` }), quote: null };
          const verdict = what === "call" ? wakes : context;
          const seq = own.messages.add(message, folderOf(side === lid ? "old" : "new"), verdict, 1);
          if (seq !== undefined && what === "call") open.add(id);
        }
        own.persons.learn(lid, pn);
        const left = own.messages.forPrompt(pn, own.turns.answeredSeq(pn), 9_999, 99);
        const calls = left.filter(({ decision }) => decision === "wakes").map(({ id }) => Number(id));
        expect(new Set(calls).size).toBe(calls.length);
        for (const id of calls) expect(open.has(id) && !done.has(id), `m-${id} waits`).toBe(true);
        for (const id of open) expect(done.has(id) || calls.includes(id), `m-${id} is there`).toBe(true);
        for (const { id } of left) {
          expect(own.messages.search([`m`, id], null, 1e15, 99).map((row) => row.id)).toContain(id);
        }
      }),
      { numRuns: 300 },
    );
  });

  describe("while a turn runs in the LID's chat", () => {
    const started = () => {
      chat(lid);
      const seq = say(store, "the question", from(lid, "1"));
      const id = "abcdefghijkl" as ReturnType<typeof startTurn>["turn"]["id"];
      const turn = { id, folder: folderOf("ann"), chat: lid, kind: "message" } as const;
      store.turns.add({ ...turn, taskId: null, taskDueAt: null, status: "running", queueSeq: 1, dueAt: 1, now: 1 });
      store.turns.startAttempt(id, "0123456789abcdef", 1);
      store.turns.fixRange(id, seq, seq);
      return found(store.turns.find(id));
    };

    test("the rows wait; what comes meanwhile under either id is neither lost nor passed over", async () => {
      const turn = started();
      expect(store.persons.learn(lid, pn)).toBe("waits");
      expect([store.persons.canonical(lid), store.persons.canonical(pn)]).toEqual([lid, lid]);
      const options = {
        store,
        clock: manualClock(),
        log: silentLog,
        assistantName: "Andy",
        ageLimit: 1e15,
        zone: "UTC",
      };
      const { receive } = createInbox({ ...options, onWork: () => {}, onOutbox: () => {} });
      for (const jid of [lid, pn]) {
        const message = inbound({ chat: jid, sender: jid, id: `of ${jid}`, text: "@Andy and?", fromOwner: false });
        expect((await receive("whatsapp", message)).verdict.decision).toBe("wakes");
      }
      settleAnswered({ store, turn, attempt: 1, now: 2 }, { status: "ok", text: "The answer.", session: null }, null);
      expect(store.persons.canonical(lid)).toBe(pn);
      expect(store.groups.chat(lid)).toBeUndefined();
      expect(waitingTexts()).toEqual(["@Andy and?", "@Andy and?"]);
      expect(store.outbox.after(pn, 0, 9).map(({ text }) => text)).toEqual(["The answer."]);
      expect(store.messages.find(pn, pn, "1")?.seq).toBeLessThanOrEqual(store.turns.answeredSeq(pn));
    });

    test("the merge is made at the next look, also at a message of the number", () => {
      const turn = started();
      store.persons.learn(lid, pn);
      store.turns.end(turn.id, "answered", 2);
      expect(store.persons.canonical(pn)).toBe(pn);
      expect(store.groups.chat(pn)?.folder).toBe("ann");
      expect(store.persons.learn(lid, pn)).toBe("known");
    });
  });

  test("a list that names the LID admits the person who is known by the number since", async () => {
    addGroup(store, "family", { jid: group, senders: ["777:1@lid"] });
    store.persons.learn(lid, pn);
    const options = { store, clock: manualClock(), log: silentLog, assistantName: "Andy", ageLimit: 1e15, zone: "UTC" };
    const { receive } = createInbox({ ...options, onWork: () => {}, onOutbox: () => {} });
    const message = inbound({ chat: group, sender: "777:4@lid", text: "@Andy hi", fromOwner: false });
    const { verdict, seq } = await receive("whatsapp", message);
    expect([verdict.decision, store.messages.bySeq(found(seq))?.sender]).toEqual(["wakes", pn]);
  });
});
