import { existsSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import {
  addGroup,
  addTask,
  context,
  folderOf,
  found,
  jidOf,
  kept,
  say,
  startTurn,
  wakes,
} from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import { localJid, newMessageId, newTurnId, type TurnId } from "../domain/ids.ts";
import type { LedgerMessage } from "../domain/message.ts";
import { homePaths, makeGroupFolders, makeHome } from "../home.ts";
import { lastRetention } from "../store/retention-report.ts";
import { openStore, type Store } from "../store/store.ts";
import { createRetention, type RetentionOptions } from "./retention.ts";

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
const forever = { messages: Infinity, media: Infinity, runs: Infinity, journals: Infinity };
const main = localJid(folderOf("main"));

const homes: string[] = [];
afterEach(() => homes.splice(0).forEach((home) => rmSync(home, { recursive: true, force: true })));

function site(keep: Partial<RetentionOptions["keep"]>, start = Date.UTC(2026, 10, 22)) {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-retention-"));
  homes.push(root);
  const home = homePaths(root);
  makeHome(home);
  makeGroupFolders(home.group(folderOf("main")));
  const clock = manualClock(start);
  const store = openStore(home.database);
  addGroup(store, "main");
  const options = { store, home, clock, log: silentLog, keep: { ...forever, ...keep }, ageLimit: DAY };
  const put = (...parts: string[]) => {
    const path = join(root, ...parts);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "content");
    return path;
  };
  return { root, home, clock, store, options, put, ago: (days: number) => clock.now() - days * DAY };
}

type Site = ReturnType<typeof site>;

/** One look, to its end. */
async function look({ options, clock, store }: Site, changes: Partial<RetentionOptions> = {}) {
  let isOver = false;
  const over = () => void (isOver = true);
  const loop = createRetention({ ...options, log: { ...silentLog, debug: over, info: over, warn: over }, ...changes });
  loop.start();
  await lapse(clock, () => isOver);
  await loop.stop();
  return found(lastRetention(store.settings));
}

/** Lets time go by, and what is read and written take its own. */
async function lapse(clock: Site["clock"], until: () => boolean): Promise<void> {
  while (!until()) {
    await clock.advance(25);
    await new Promise(setImmediate);
  }
}

const texts = (store: Store): string[] =>
  Array.from({ length: store.messages.newestSeq() }, (_, index) => store.messages.bySeq(index + 1)?.text ?? "").filter(
    Boolean,
  );

/** As if a turn had answered everything up to there. */
const answer = (store: Store, chat = main) => store.turns.moveAnswered(chat, store.messages.newestSeq());

const photo = (name: string): LedgerMessage["attachments"][number] => ({
  ...{ kind: "image", path: `inbox/${name}`, name, mime: "image/jpeg", bytes: 7, problem: null },
});

describe("messages", () => {
  test("those that are older than asked for go, and search finds them no more", async () => {
    const at = site({ messages: 30 * DAY });
    say(at.store, "ancient giraffe", { sentAt: at.ago(31) });
    say(at.store, "recent giraffe", { sentAt: at.ago(29) });
    answer(at.store);
    expect((await look(at)).removed).toMatchObject({ messages: 1 });
    expect(texts(at.store)).toEqual(["recent giraffe"]);
    expect(at.store.messages.search(["giraffe"], null, Infinity, 9).map(({ text }) => text)).toEqual([
      "recent giraffe",
    ]);
  });

  test("nothing goes unless it was asked for", async () => {
    const at = site({});
    say(at.store, "ancient", { sentAt: at.ago(4_000), attachments: [photo("a.jpg")] });
    say(at.store, "newest", { sentAt: at.ago(4_000) });
    answer(at.store);
    const file = at.put("data", "inbox", "main", "a.jpg");
    expect(Object.values((await look(at)).removed)).toEqual([0, 0, 0, 0, 0, 0, 0]);
    expect([texts(at.store), existsSync(file)]).toEqual([["ancient", "newest"], true]);
  });

  test("what still waits for an answer stays, with the context that is handed over with it", async () => {
    const at = site({ messages: 30 * DAY });
    say(at.store, "answered", { sentAt: at.ago(60) });
    answer(at.store);
    say(at.store, "context", { sentAt: at.ago(59) }, context);
    say(at.store, "call", { sentAt: at.ago(58) }, wakes);
    say(at.store, "newest", { sentAt: at.ago(57) }, context);
    await look(at);
    expect(texts(at.store)).toEqual(["context", "call", "newest"]);
  });

  test("context that nobody asked about does not stay for ever", async () => {
    const at = site({ messages: 30 * DAY });
    say(at.store, "context", { sentAt: at.ago(59) }, context);
    say(at.store, "newest", { sentAt: at.ago(1) }, context);
    await look(at);
    expect(texts(at.store)).toEqual(["newest"]);
  });

  test("what a turn reads that runs, or waits to be tried again, stays", async () => {
    const at = site({ messages: 30 * DAY });
    const seq = say(at.store, "read by the turn", { sentAt: at.ago(60) });
    say(at.store, "newest", { sentAt: at.ago(1) }, context);
    const { turn } = startTurn(at.store, "main", undefined, at.ago(60));
    at.store.turns.fixRange(turn.id, seq, seq);
    await look(at);
    at.store.turns.requeue(turn.id, at.clock.now() + DAY, false);
    await look(at);
    expect(texts(at.store)).toEqual(["read by the turn", "newest"]);
    at.store.turns.end(turn.id, "answered", at.clock.now());
    answer(at.store);
    await look(at);
    expect(texts(at.store)).toEqual(["newest"]);
  });

  test("messages of a turn that was cut off stay: the next one is handed them again", async () => {
    const at = site({ messages: 30 * DAY });
    const seq = say(at.store, "cut off", { sentAt: at.ago(60) });
    say(at.store, "newest", { sentAt: at.ago(1) }, context);
    const { turn } = startTurn(at.store, "main", undefined, at.ago(60));
    at.store.turns.fixRange(turn.id, seq, seq);
    at.store.turns.end(turn.id, "interrupted", at.ago(59));
    answer(at.store);
    await look(at);
    expect(texts(at.store)).toEqual(["cut off", "newest"]);
  });

  test("a message that may come once more is still recognised", async () => {
    const at = site({ messages: 2 * DAY });
    const message = { id: "again", sentAt: at.ago(3) };
    say(at.store, "said once", message);
    say(at.store, "newest", { sentAt: at.ago(1) });
    answer(at.store);
    await look(at, { ageLimit: 7 * DAY });
    const again = kept({ ...message, text: "said once" });
    expect(at.store.messages.add(again, folderOf("main"), wakes, at.clock.now())).toBeUndefined();
  });

  test("numbers go on where they were, though all rows of the chat are gone", async () => {
    const at = site({ messages: 30 * DAY });
    for (let i = 0; i < 5; i += 1) say(at.store, `old ${i}`, { sentAt: at.ago(60) });
    answer(at.store);
    await look(at);
    expect([at.store.messages.newestSeq(), say(at.store, "new")]).toEqual([5, 6]);
    expect(at.store.turns.waiting(at.clock.now())).toMatchObject([{ queueSeq: 6 }]);
  });

  test("one that came while the clock was ahead stays, and keeps nothing that came after it", async () => {
    const at = site({ messages: 30 * DAY });
    say(at.store, "from the future", { sentAt: at.ago(-300) });
    say(at.store, "old", { sentAt: at.ago(60) });
    say(at.store, "newest", { sentAt: at.ago(1) });
    answer(at.store);
    expect((await look(at)).removed).toMatchObject({ messages: 1 });
    expect(texts(at.store)).toEqual(["from the future", "newest"]);
  });

  test("the words are in no file any more", async () => {
    const at = site({ messages: 30 * DAY });
    for (let i = 0; i < 40; i += 1) say(at.store, `secretplan${i}`, { sentAt: at.ago(60) });
    say(at.store, "newest", { sentAt: at.ago(1) });
    answer(at.store);
    await look(at);
    const bytes = [at.home.database, `${at.home.database}-wal`].map((file) => readFileSync(file, "latin1")).join("");
    // The index keeps of a word what the one before it does not have.
    expect([bytes.includes("secretplan"), bytes.includes("newest")]).toEqual([false, true]);
  });
});

describe("replies", () => {
  const reply = (at: Site, text: string, days: number, chat = jidOf("1@g.us")) => {
    const row = { chat, folder: folderOf("main"), messageId: newMessageId(), text, source: "answer" } as const;
    at.store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: at.ago(days) });
    return at.store.outbox.newestSeq(chat);
  };
  const left = (at: Site, chat = jidOf("1@g.us")) => at.store.outbox.after(chat, 0, 99).map(({ text }) => text);

  test("sent ones go; those that wait, or of which the agent does not know that they failed, stay", async () => {
    const at = site({ messages: 30 * DAY });
    at.store.outbox.markSent(reply(at, "sent", 60), at.ago(60));
    at.store.outbox.markSent(reply(at, "sent lately", 60), at.ago(2));
    at.store.outbox.markFailed(reply(at, "failed", 60), "no");
    reply(at, "pending", 60);
    expect((await look(at)).removed).toMatchObject({ replies: 1 });
    expect(left(at)).toEqual(["sent lately", "failed", "pending"]);
    at.store.outbox.markAgentTold(at.store.outbox.failedUntold(folderOf("main")).map(({ seq }) => seq));
    await look(at);
    expect(left(at)).toEqual(["sent lately", "pending"]);
  });

  test("what nobody has seen of a local chat stays until somebody has", async () => {
    const at = site({ messages: 30 * DAY });
    const seqs = ["one", "two"].map((text) => reply(at, text, 60, main));
    for (const seq of seqs) at.store.outbox.markSent(seq, at.ago(60));
    at.store.groups.markShown(main, found(seqs[0]));
    await look(at);
    expect(left(at, main)).toEqual(["two"]);
    at.store.groups.markShown(main, found(seqs[1]));
    await look(at);
    expect(left(at, main)).toEqual([]);
  });
});

describe("files", () => {
  /** Nobody can make a file look as if it had been touched in the past: the host's time is later instead. */
  const later = () => Date.now() + 100 * DAY;

  test("those of old messages go, and the message says so; younger and needed ones stay", async () => {
    const at = site({ media: 30 * DAY }, later());
    const old = say(at.store, "old", { sentAt: at.ago(60), attachments: [photo("old.jpg")] });
    say(at.store, "young", { sentAt: at.ago(10), attachments: [photo("young.jpg")] });
    answer(at.store);
    const files = ["old.jpg", "nobody's.jpg"].map((name) => at.put("data", "inbox", "main", name));
    expect((await look(at)).removed).toMatchObject({ messages: 0, files: 2 });
    expect(files.map(existsSync)).toEqual([false, false]);
    expect(at.store.messages.bySeq(old)?.attachments).toEqual([
      { ...photo("old.jpg"), path: null, problem: "files are not kept that long here" },
    ]);
  });

  test("a file goes with its message, and one that an open turn needs stays", async () => {
    const at = site({ messages: 30 * DAY }, later());
    addGroup(at.store, "plans");
    const plans = localJid(folderOf("plans"));
    say(at.store, "old", { sentAt: at.ago(60), attachments: [photo("old.jpg"), photo("both.jpg")] });
    answer(at.store);
    say(at.store, "waits", { chat: plans, sentAt: at.ago(60), attachments: [photo("waits.jpg")] });
    say(at.store, "waits here", { sentAt: at.ago(60), attachments: [photo("both.jpg")] });
    const [gone, both] = ["old.jpg", "both.jpg"].map((name) => at.put("data", "inbox", "main", name));
    const waits = at.put("data", "inbox", "plans", "waits.jpg");
    await look(at);
    expect([gone, both, waits].map((file) => existsSync(found(file)))).toEqual([false, true, true]);
  });

  test("copies of files that left go when they are old, not while they wait or nobody has seen them", async () => {
    const at = site({ media: 30 * DAY }, later());
    const send = (name: string) => {
      const file = { path: `data/outbox/main/${name}`, name, mime: "text/plain", bytes: 7 };
      const row = { chat: main, folder: folderOf("main"), messageId: name, text: "", file, source: "answer" } as const;
      at.store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: at.ago(60) });
      return at.store.outbox.newestSeq(main);
    };
    const seqs = ["SEEN", "UNSEEN", "PENDING"].map(send);
    seqs.slice(0, 2).forEach((seq) => at.store.outbox.markSent(seq, at.ago(60)));
    at.store.groups.markShown(main, found(seqs[0]));
    const files = ["SEEN", "UNSEEN", "PENDING"].map((name) => at.put("data", "outbox", "main", name));
    await look(at);
    expect(files.map(existsSync)).toEqual([false, true, true]);
  });

  test("a copy that a backup touches every night goes all the same", async () => {
    const at = site({ media: 30 * DAY }, Date.now());
    const [left, kept] = ["LEFT", "YOUNG"].map((name) => at.put("data", "outbox", "main", name));
    const then = new Date(at.ago(60));
    utimesSync(found(left), then, then);
    linkSync(found(left), `${at.root}/copy`);
    await look(at);
    expect([left, kept].map((file) => existsSync(found(file)))).toEqual([false, true]);
  });

  test("journals of turns that are over go, and notes about bad requests; nothing else that lies there", async () => {
    const at = site({ journals: 7 * DAY }, later());
    const { turn } = startTurn(at.store);
    const over = newTurnId();
    const names = [`${turn.id}-1.ndjson`, `${over}-1.ndjson`, "the agent's own"];
    const files = [...names.map((name) => at.put("ipc", "main", "journal", name)), at.put("data", "ipc-errors", "x")];
    expect((await look(at)).removed).toMatchObject({ journals: 2 });
    expect(files.map(existsSync)).toEqual([true, false, true, false]);
  });

  test("what a service manager writes is copied aside and emptied when it is too large", async () => {
    const at = site({});
    const path = join(at.home.logs, "service.out.log");
    writeFileSync(path, Buffer.alloc(11 * 2 ** 20, "a"));
    const small = at.put("logs", "service.err.log");
    await look(at);
    expect([path, `${path}.1`, small].map((file) => readFileSync(file).length)).toEqual([0, 11 * 2 ** 20, 7]);
  });
});

describe("what the host noted about its work", () => {
  test("turns go with their attempts; the last one of a chat stays", async () => {
    const at = site({ runs: 90 * DAY });
    const ended = (days: number): TurnId => {
      const { turn, attempt } = startTurn(at.store, "main", undefined, at.ago(days));
      at.store.turns.endAttempt(turn.id, attempt.n, "failed", null, at.ago(days));
      at.store.turns.end(turn.id, "failed", at.ago(days));
      return turn.id;
    };
    const turns = [ended(300), ended(200), ended(100)];
    expect((await look(at)).removed).toMatchObject({ turns: 2 });
    expect(turns.map((turn) => at.store.turns.find(turn)?.id)).toEqual([undefined, undefined, turns[2]]);
    expect(at.store.turns.attempt(found(turns[0]), 1)).toBeUndefined();
  });

  test("of each task the last twenty runs stay, and every one that waits", async () => {
    const at = site({ runs: 90 * DAY });
    const task = addTask(at.store, { schedule: { type: "interval", value: "60000", zone: "UTC" } });
    at.store.tasks.logWaiting(task.id, at.ago(400));
    for (let days = 300; days > 270; days -= 1) at.store.tasks.logSkipped(task.id, at.ago(days), "x");
    expect((await look(at)).removed).toMatchObject({ runs: 10 });
    const runs = at.store.tasks.runs(task.id, 99);
    expect([runs.length, runs.at(-1)?.status]).toEqual([21, "queued"]);
  });

  test("tasks that are over go with what was said", async () => {
    const at = site({ messages: 30 * DAY });
    const over = addTask(at.store, { status: "completed", createdAt: at.ago(60) });
    const active = addTask(at.store, { createdAt: at.ago(60) });
    at.store.tasks.logSkipped(over.id, at.ago(60), "x");
    await look(at);
    expect([at.store.tasks.find(over.id), at.store.tasks.find(active.id)?.id]).toEqual([undefined, active.id]);
  });
});

describe("when", () => {
  test("a clock that leaps ahead empties nothing until it has said so for a day", async () => {
    const at = site({ messages: 30 * DAY });
    say(at.store, "said today", { sentAt: at.clock.now() });
    say(at.store, "newest", { sentAt: at.clock.now() });
    answer(at.store);
    await look(at);
    at.clock.jump(400 * DAY);
    expect((await look(at)).problems).toHaveLength(1);
    await at.clock.advance(5 * 60_000);
    expect((await look(at)).problems).toHaveLength(1);
    expect(texts(at.store)).toEqual(["said today", "newest"]);
    await at.clock.advance(DAY);
    expect(await look(at)).toMatchObject({ problems: [], removed: { messages: 1 } });
  });

  test("a clock that leaps again and again is believed once it has stood still for a day", async () => {
    const at = site({ messages: 30 * DAY });
    say(at.store, "said today", { sentAt: at.clock.now() });
    say(at.store, "newest", { sentAt: at.clock.now() });
    answer(at.store);
    await look(at);
    for (const days of [400, -200, 300]) {
      at.clock.jump(days * DAY);
      expect((await look(at)).problems).toHaveLength(1);
    }
    await at.clock.advance(DAY);
    expect(await look(at)).toMatchObject({ problems: [], removed: { messages: 1 } });
  });

  test("it looks at the start and then daily", async () => {
    const at = site({ messages: 30 * DAY });
    const looked = () => lastRetention(at.store.settings)?.at;
    const loop = createRetention(at.options);
    loop.start();
    await lapse(at.clock, () => looked() !== undefined);
    const first = found(looked());
    await at.clock.advance(23 * HOUR);
    await lapse(at.clock, () => at.clock.now() > first + 23 * HOUR + 60_000);
    expect(looked()).toBe(first);
    await at.clock.advance(2 * HOUR);
    await lapse(at.clock, () => looked() !== first);
    await loop.stop();
  });

  test("a disk that fails is told, and the next look does what this one could not", async () => {
    const at = site({ runs: DAY });
    const report = await look(at, { store: { ...at.store, retention: { ...at.store.retention, turns: () => full } } });
    expect(report.problems).toEqual(["the ledger: the disk is full"]);
    expect((await look(at)).problems).toEqual([]);
  });

  test("ten thousand messages go in small steps while others come in", async () => {
    const at = site({ messages: 30 * DAY });
    at.store.transaction(() => {
      for (let i = 0; i < 10_000; i += 1) say(at.store, `line ${i}`, { id: `old-${i}`, sentAt: at.ago(60) });
    });
    answer(at.store);
    const loop = createRetention(at.options);
    loop.start();
    let came = 0;
    while (!at.store.settings.get("retention")) {
      say(at.store, `meanwhile ${came}`, { sentAt: at.clock.now() });
      came += 1;
      await at.clock.advance(25);
    }
    await loop.stop();
    expect(lastRetention(at.store.settings)?.removed["messages"]).toBe(10_000);
    // Each step is one of many, and nothing that came was lost.
    expect(came).toBeGreaterThan(10);
    expect(at.store.messages.search(["meanwhile"], null, Infinity, 1e6)).toHaveLength(came);
    expect(at.store.messages.search(["line"], null, Infinity, 9)).toEqual([]);
  }, 60_000);
});

const full = () => {
  throw new Error("the disk is full");
};
