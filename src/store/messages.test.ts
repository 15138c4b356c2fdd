import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, context, folderOf, jidOf, kept, say, wakes } from "../../test/ledger-kit.ts";
import { openStore, type Store } from "./store.ts";

describe("messages", () => {
  let store: Store;
  const main = jidOf("local:main");
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
    addGroup(store, "family");
  });
  const add = (changes: object) => store.messages.add(kept(changes), folderOf("main"), wakes, 1);

  test("only chat, sender and id together name one", () => {
    expect(add({ id: "1", sender: "a" })).toBeDefined();
    expect(add({ id: "1", sender: "a", text: "again" })).toBeUndefined();
    expect(add({ id: "1", sender: "b" })).toBeDefined();
    expect(add({ id: "1", sender: "a", chat: jidOf("local:family") })).toBeDefined();
    expect(store.messages.find(main, "a", "1")?.text).toBe("hello");
  });

  test("seq grows in the order they came, whatever their time says", () => {
    const first = say(store, "first", { sentAt: 9_000 });
    const second = say(store, "second", { sentAt: 1_000 });
    expect(second).toBeGreaterThan(first);
    const texts = store.messages.forPrompt(main, 0, second, 10).map(({ text }) => text);
    expect(texts).toEqual(["second", "first"]);
  });

  test("a prompt takes the newest of the range, counts all, and leaves out what was ignored", () => {
    const seqs = ["a", "b", "c", "d"].map((text) => say(store, text));
    say(store, "of another chat", { chat: jidOf("local:family") });
    say(store, "", {}, { decision: "ignored", reason: "empty" });
    const [first = 0, , third = 0] = seqs;
    expect(store.messages.forPrompt(main, first, third, 10).map(({ text }) => text)).toEqual(["b", "c"]);
    expect(store.messages.forPrompt(main, 0, 99, 2).map(({ text }) => text)).toEqual(["c", "d"]);
    expect(store.messages.countForPrompt(main, 0, 99)).toBe(4);
    expect(store.messages.newestIn(main)).toBe(seqs.at(-1));
  });

  test("the newest call of a range is found behind any amount of talk", () => {
    const call = say(store, "@Andy help");
    for (let count = 0; count < 50; count += 1) say(store, "talk", {}, context);
    expect(store.messages.newestCall(main, 0, 99)?.seq).toBe(call);
    expect(store.messages.newestCall(main, call, 99)).toBeUndefined();
  });

  test("files come back as they went in", () => {
    const file = {
      kind: "voice",
      path: "inbox/a.ogg",
      name: "a.ogg",
      mime: "audio/ogg",
      bytes: 7,
      problem: null,
    } as const;
    const seq = say(store, "", { attachments: [file, { ...file, path: null, bytes: null, problem: "gone" }] });
    expect(store.messages.bySeq(seq)?.attachments).toEqual([
      file,
      { ...file, path: null, bytes: null, problem: "gone" },
    ]);
    expect(store.messages.bySeq(say(store, "none"))?.attachments).toEqual([]);
  });

  test("search finds neither what was withdrawn nor what hidden guests said", () => {
    const seq = say(store, "the password is swordfish");
    say(store, "swordfish too", {}, { decision: "ignored", reason: "guest-hidden" });
    store.messages.withdraw(seq);
    expect(store.messages.search(["swordfish"], null, 1e15, 10)).toEqual([]);
    expect(store.messages.bySeq(seq)).toMatchObject({ text: "", decision: "ignored", reason: "withdrawn" });
  });

  test("text, quote and emoji come back as they went in", () => {
    const text = `a "b" 'c' 👋\u200d🔥 \n\t é ${"x".repeat(1_000_000)}`;
    const seq = say(store, text, { quote: { id: "q", text: "«👋»", claimed: true } });
    expect(store.messages.bySeq(seq)).toMatchObject({ text, quoteText: "«👋»", decision: "wakes", fromOwner: true });
  });
});

describe("search", () => {
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
    addGroup(store, "family");
    say(store, "The dentist moved to Linden Street", { sentAt: 1_000 });
    say(store, "bread is out, says the DENTIST", { sentAt: 2_000 });
    say(store, "dentist in family", { sentAt: 3_000, chat: jidOf("local:family") });
    say(store, "Müller's Café 👋 C++ 日本語 \u{FFFD}nul", { sentAt: 4_000 });
  });
  const texts = (words: string[], folder: string | null = null, before = 9_999, limit = 10) =>
    store.messages.search(words, folder === null ? null : folderOf(folder), before, limit).map(({ text }) => text);

  test("finds all words, in any case, the newest first, in one group or in all", () => {
    expect(texts(["dentist"])).toHaveLength(3);
    expect(texts(["dentist"])[0]).toBe("dentist in family");
    expect(texts(["dentist"], "main")).toHaveLength(2);
    expect(texts(["dentist", "bread"])).toEqual(["bread is out, says the DENTIST"]);
    expect(texts(["dentist"], null, 2_000)).toEqual(["The dentist moved to Linden Street"]);
    expect(texts(["dentist"], null, 9_999, 1)).toHaveLength(1);
    expect(texts(["bicycle"])).toEqual([]);
    expect(texts([])).toEqual([]);
  });

  test.each([["muller"], ["MÜLLER"], ["cafe"], ["日本語"]])("%s is found without its marks and case", (word) => {
    expect(texts([word])).toHaveLength(1);
  });

  test.each([
    ['"'],
    ['a"b'],
    ["'; DROP TABLE messages; --"],
    ["NEAR("],
    ["*"],
    ["OR"],
    ["👋"],
    ["\u0000"],
    ["content:x"],
    ["-x"],
  ])("%j is a word like any other, no syntax", (word) => {
    expect(() => texts([word])).not.toThrow();
    expect(() => texts([word, "dentist"])).not.toThrow();
  });
});
