import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { addGroup, folderOf, inbound, jidOf, say, sentTo, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import { openStore } from "../store/store.ts";
import { createInbox } from "./inbox.ts";

function setUp(path = ":memory:") {
  const store = openStore(path);
  const clock = manualClock();
  let woken = 0;
  const options = { store, clock, log: silentLog, assistantName: "Andy", ageLimit: 86_400_000, zone: "Europe/Berlin" };
  const { receive } = createInbox({ ...options, onWork: () => (woken += 1), onOutbox: () => {} });
  addGroup(store, "main");
  addGroup(store, "family", { requiresTrigger: true, senders: "everyone" });
  return { store, clock, receive, woken: () => woken };
}

describe("a message that comes in", () => {
  test("is committed with its decision, and its group has work", async () => {
    const { store, receive, woken } = setUp();
    const received = await receive("local", inbound({ text: "hi" }));
    expect(received).toMatchObject({ duplicate: false, verdict: { decision: "wakes", reason: "main" } });
    expect(store.messages.bySeq(received.seq ?? 0)).toMatchObject({ text: "hi", decision: "wakes", reason: "main" });
    expect(woken()).toBe(1);
  });

  test("a second time is the same message and wakes nobody", async () => {
    const { store, receive, woken } = setUp();
    const message = inbound();
    const first = await receive("local", message);
    const second = await receive("local", { ...message, text: "another text" });
    expect(second).toMatchObject({ seq: first.seq, duplicate: true });
    expect([store.messages.newestSeq(), woken()]).toEqual([first.seq, 1]);
  });

  test("the same id of another sender is another message", async () => {
    const { receive } = setUp();
    const ids = ["a", "b"].map((sender) => receive("local", inbound({ id: "1", sender })));
    expect((await Promise.all(ids)).map(({ duplicate }) => duplicate)).toEqual([false, false]);
  });

  test("talk among others is kept as context and wakes nobody", async () => {
    const { store, receive, woken } = setUp();
    const chat = jidOf("local:family");
    const { seq } = await receive("local", inbound({ chat, fromOwner: false, text: "nice goal" }));
    expect(store.messages.bySeq(seq ?? 0)?.decision).toBe("context");
    expect(woken()).toBe(0);
  });

  test("of a chat that nobody registered only that it exists is kept", async () => {
    const { store, receive, woken } = setUp();
    const received = await receive("local", inbound({ chat: jidOf("123@g.us"), text: "private" }));
    expect(received).toMatchObject({ seq: undefined, duplicate: false });
    expect([store.messages.newestSeq(), woken()]).toEqual([0, 0]);
  });

  test("NUL and half an emoji are replaced in text, name and quote", async () => {
    const { store, receive } = setUp();
    const bad = "a\0b\ud83d";
    const quote = { id: "q", sender: "x", text: bad };
    const { seq } = await receive("local", inbound({ text: bad, senderName: bad, quote }));
    const clean = "a\u{FFFD}b\u{FFFD}";
    expect(store.messages.bySeq(seq ?? 0)).toMatchObject({ text: clean, senderName: clean, quoteText: clean });
  });

  test("joins a turn that waits for a retry, and makes it due now", async () => {
    const { store, clock, receive } = setUp();
    const { turn } = startTurn(store);
    store.turns.requeue(turn.id, clock.now() + 600_000, true);
    await receive("local", inbound());
    expect(store.turns.find(turn.id)).toMatchObject({ status: "queued", dueAt: clock.now(), told: true });
    expect(store.turns.waiting(clock.now())).toHaveLength(1);
  });

  test("talk does not make a waiting turn due", async () => {
    const { store, clock, receive } = setUp();
    const { turn } = startTurn(store, "family");
    store.turns.requeue(turn.id, clock.now() + 600_000, true);
    await receive("local", inbound({ chat: jidOf("local:family"), fromOwner: false, text: "nice goal" }));
    expect(store.turns.find(turn.id)?.dueAt).toBe(clock.now() + 600_000);
  });
});

describe("a quote", () => {
  const chat = jidOf("local:family");
  const quoting = (id: string, sender = "owner", text = "as I promised you") =>
    inbound({ chat, sender: "bob", fromOwner: false, text: "and now?", quote: { id, sender, text } });
  const setUpOutbox = () => {
    const parts = setUp();
    const row = { chat, folder: folderOf("family"), text: "It will rain.", source: "answer", now: 1 } as const;
    parts.store.outbox.add({ ...row, messageId: "ours", turn: null, task: null, requestKey: null });
    return parts;
  };

  test("of what we said in this chat calls us, with our own words", async () => {
    const { store, receive } = setUpOutbox();
    const { seq, verdict } = await receive("local", quoting("ours"));
    expect(verdict).toEqual({ decision: "wakes", reason: "reply" });
    expect(store.messages.bySeq(seq ?? 0)).toMatchObject({ quoteText: "It will rain.", quoteClaimed: false });
  });

  test("of what we said in another chat does not call us, and is a claim", async () => {
    const { store, receive } = setUpOutbox();
    addGroup(store, "work", { requiresTrigger: true, senders: "everyone" });
    const { seq, verdict } = await receive("local", { ...quoting("ours"), chat: jidOf("local:work") });
    expect(verdict.decision).toBe("context");
    expect(store.messages.bySeq(seq ?? 0)).toMatchObject({ quoteText: "as I promised you", quoteClaimed: true });
  });

  test("of the owner with other words has the owner's words", async () => {
    const { store, receive } = setUpOutbox();
    say(store, "no, never", { chat, id: "o-1" });
    const { seq } = await receive("local", quoting("o-1"));
    expect(store.messages.bySeq(seq ?? 0)).toMatchObject({ quoteText: "no, never", quoteClaimed: false });
  });

  test("of the owner that nobody wrote is a claim and no call", async () => {
    const { store, receive } = setUpOutbox();
    say(store, "no, never", { chat, id: "o-1", sender: "bob" });
    const { seq, verdict } = await receive("local", quoting("o-1"));
    expect(verdict.decision).toBe("context");
    expect(store.messages.bySeq(seq ?? 0)).toMatchObject({ quoteText: "as I promised you", quoteClaimed: true });
  });

  test("of a picture names it; of what was withdrawn is a claim", async () => {
    const { store, receive } = setUpOutbox();
    const file = { kind: "image", path: "inbox/a.jpg", name: "a.jpg", mime: "", bytes: 1, problem: null } as const;
    const picture = say(store, "", { chat, id: "p-1", attachments: [file] });
    const one = await receive("local", quoting("p-1"));
    expect(store.messages.bySeq(one.seq ?? 0)?.quoteText).toBe("[image: a.jpg]");
    store.messages.withdraw(picture);
    const two = await receive("local", quoting("p-1"));
    expect(store.messages.bySeq(two.seq ?? 0)?.quoteClaimed).toBe(true);
  });
});

describe("a message that waited while we were away", () => {
  const at = (time: string) => Date.parse(`2026-11-22T${time}:00+01:00`);
  const away = { from: at("07:10"), to: at("07:45") };

  test("is announced once per chat and time away, however often it comes", async () => {
    const { store, receive } = setUp();
    const first = inbound({ away });
    await receive("local", first);
    await receive("local", first);
    await receive("local", inbound({ away }));
    expect(sentTo(store)).toEqual(["I was away from 07:10 to 07:45; answering now."]);
    await receive("local", inbound({ away: { from: at("09:00"), to: at("10:00") } }));
    expect(sentTo(store)).toHaveLength(2);
  });

  test("is not announced when it was short, or when nothing is answered", async () => {
    const { store, receive } = setUp();
    await receive("local", inbound({ away: { from: at("07:10"), to: at("07:15") } }));
    await receive("local", inbound({ away, chat: jidOf("local:family"), text: "talk" }));
    expect([sentTo(store), sentTo(store, "family")]).toEqual([[], []]);
  });
});

describe("a message while another process holds the database", () => {
  test("waits, is stored once, and is refused when it lasts too long", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nanoclaw-inbox-"));
    const path = join(folder, "messages.db");
    const { store, clock, receive } = setUp(path);
    const other = new DatabaseSync(path);
    try {
      other.exec("BEGIN IMMEDIATE");
      const stored = receive("local", inbound({ text: "patient" }));
      await clock.advance(2_000);
      expect(store.messages.newestSeq()).toBe(0);
      other.exec("COMMIT");
      await clock.advance(1_000);
      expect(await stored).toMatchObject({ seq: 1, duplicate: false });

      other.exec("BEGIN IMMEDIATE");
      const refused = expect(receive("local", inbound())).rejects.toThrow(/locked/);
      await clock.advance(11_000);
      await refused;
      other.exec("COMMIT");
      expect(store.messages.newestSeq()).toBe(1);
    } finally {
      other.close();
      store[Symbol.dispose]();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
