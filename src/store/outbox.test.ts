import { beforeEach, describe, expect, test } from "vitest";
import { folderOf, jidOf } from "../../test/ledger-kit.ts";
import { openStore, type Store } from "./store.ts";

describe("outbox rows", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
  });
  const add = (text: string, chat = "local:main", requestKey: string | null = null, now = 1_000) =>
    store.outbox.add({
      ...{ chat: jidOf(chat), folder: folderOf("main"), messageId: `id-${text}`, text, source: "answer" },
      ...{ turn: null, task: null, requestKey, now },
    });
  const due = (now = 1_000) => store.outbox.due(now, 300_000).map(({ text }) => text);

  test("leave in order, one at a time per chat", () => {
    for (const text of ["a1", "a2"]) add(text);
    add("b1", "local:b");
    expect(due()).toEqual(["a1", "b1"]);
    store.outbox.markSent(1, 5);
    expect(due()).toEqual(["a2", "b1"]);
  });

  test("an answer to a command does not stand in line behind what an agent said", () => {
    for (const text of ["spam1", "spam2"]) add(text);
    add("Stopped.", "local:main", "command:7/0");
    add("and more", "local:main", "command:7/1");
    expect(due()).toEqual(["spam1", "Stopped."]);
  });

  test("one that waits holds back its own chat only, one that failed lets the next go", () => {
    for (const text of ["a1", "a2"]) add(text);
    store.outbox.sendAgain(1, 2_000, true);
    expect(due(1_999)).toEqual([]);
    expect(due(2_000)).toEqual(["a1"]);
    store.outbox.markFailed(1, "refused");
    expect(due()).toEqual(["a2"]);
    expect(store.outbox.pendingCount()).toBe(1);
  });

  test("an acknowledgement that comes late marks a row that was given up", () => {
    add("a1");
    store.outbox.markFailed(1, "no acknowledgement");
    store.outbox.markSent(1, 9);
    expect(store.outbox.after(jidOf("local:main"), 0, 10)).toMatchObject([{ status: "sent", error: null, sends: 2 }]);
  });

  test("a clock that goes back holds nothing up for longer than the longest pause", () => {
    add("new", "local:main", null, 9_000_000);
    add("again", "local:b");
    store.outbox.sendAgain(2, 9_000_000, true);
    expect(due(1_000)).toEqual(["new", "again"]);
  });

  test("message ids and request keys are unique", () => {
    add("a1", "local:main", "main/r1");
    expect(() => add("a1")).toThrow(/UNIQUE/);
    expect(() => add("a2", "local:main", "main/r1")).toThrow(/UNIQUE/);
  });
});
