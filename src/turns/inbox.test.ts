import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { addGroup, inbound, jidOf, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import { openStore } from "../store/store.ts";
import { createInbox } from "./inbox.ts";

function setUp(path = ":memory:") {
  const store = openStore(path);
  const clock = manualClock();
  let woken = 0;
  const options = { store, clock, log: silentLog, assistantName: "Andy", ageLimit: 86_400_000 };
  const receive = createInbox({ ...options, onWork: () => (woken += 1) });
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
    const quote = { id: "q", text: bad, ours: false };
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
