import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openWhatsAppState, type InboxRow, type LinkFile, type WhatsAppState } from "./whatsapp-state.ts";

const ACCOUNT = "4915200000001:1@s.whatsapp.net";
const DAY_MS = 24 * 60 * 60_000;

describe("messages of a link", () => {
  let folder = "";
  let state: WhatsAppState;
  let link: LinkFile;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "nanoclaw-state-"));
    const opened = openWhatsAppState(folder, "the test");
    if ("heldBy" in opened) throw new Error("it is held");
    ({ state } = opened);
    link = state.begin("{}");
    link.commit({ creds: { text: "{}", account: ACCOUNT } });
  });
  afterEach(() => {
    state[Symbol.dispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const part = (messageKey: string, changes: Partial<InboxRow> = {}): InboxRow => ({
    ...{ hash: `${messageKey}-${Math.random()}`, messageKey, part: 0, parts: 1, type: "msg", attrs: { from: "x" } },
    ...{ plain: Buffer.from(messageKey), storedAt: 1 },
    ...changes,
  });
  const receive = (...inbox: InboxRow[]) => link.commit({ inbox });
  const open = (after = 0) => link.openMessages(after).messages.map(({ messageKey }) => messageKey);

  test("come in the order in which they were stored, until they are done", () => {
    receive(part("a"));
    receive(part("b"), part("c"));
    expect(open()).toEqual(["a", "b", "c"]);
    link.markDone("b", 2);
    expect(open()).toEqual(["a", "c"]);
    const { lastSeq } = link.openMessages(0);
    receive(part("d"));
    expect(open(lastSeq)).toEqual(["d"]);
    expect(link.openMessages(0).messages[0]).toMatchObject({ account: ACCOUNT, attrs: { from: "x" }, storedAt: 1 });
  });

  test("are whole: half a stanza waits for its other half, across stores", () => {
    receive(part("a", { parts: 2, type: "pkmsg" }));
    const { messages, lastSeq } = link.openMessages(0);
    expect(messages).toEqual([]);
    receive(part("a", { parts: 2, part: 1, type: "skmsg", plain: Buffer.from("words") }));
    expect(link.openMessages(lastSeq).messages).toMatchObject([
      { parts: [{ type: "pkmsg" }, { type: "skmsg", plain: new Uint8Array(Buffer.from("words")) }] },
    ]);
    expect(open()).toEqual(["a"]);
  });

  test("that came anew in one piece do not wait for the half that was lost", () => {
    receive(part("a", { parts: 2 }));
    receive(part("a", { parts: 1, plain: Buffer.from("anew") }));
    expect(open()).toEqual(["a"]);
    link.markDone("a", 2);
    expect(open()).toEqual([]);
  });

  test("more than a page of them are all seen", () => {
    receive(...Array.from({ length: 450 }, (_, n) => part(`m${n}`)));
    const seen: string[] = [];
    for (let at = 0; ;) {
      const { messages, lastSeq } = link.openMessages(at);
      seen.push(...messages.map(({ messageKey }) => messageKey));
      if (lastSeq === at) break;
      at = lastSeq;
    }
    expect(seen).toEqual(Array.from({ length: 450 }, (_, n) => `m${n}`));
  });

  test("are kept for a while after they are done: the same ciphertext may come again", () => {
    receive(part("a", { hash: "h" }), part("b"));
    link.markDone("a", DAY_MS);
    link.prune(7 * DAY_MS);
    expect(link.plainOf("h")).toBeDefined();
    link.prune(9 * DAY_MS);
    expect(link.plainOf("h")).toBeUndefined();
  });

  test("of which the words must go leave none in the file, nor who said them", () => {
    const said = (hash: string, plain: string) =>
      part("a", { hash, plain: Buffer.from(plain), attrs: { notify: "Quentin Quagga" } });
    receive(said("h1", "the quagga's secret, in a first attempt"), part("b", { hash: "h3" }));
    receive(said("h2", "the quagga's secret"));
    link.markDone("a", 1, (plain) => plain.subarray(0, 3));
    expect(["h1", "h2", "h3"].map((hash) => Buffer.from(link.plainOf(hash) ?? []).toString())).toEqual([
      "the",
      "the",
      "b",
    ]);
    expect(open()).toEqual(["b"]);
    state[Symbol.dispose]();
    expect(readFileSync(join(folder, "state.db"), "latin1")).not.toMatch(/quagga/i);
  });

  test("go on being numbered when all that were there are forgotten", () => {
    receive(part("a"), part("b"));
    const { lastSeq } = link.openMessages(0);
    for (const key of ["a", "b"]) link.markDone(key, 1);
    link.prune(30 * DAY_MS);
    receive(part("c"));
    expect(open(lastSeq)).toEqual(["c"]);
  });

  test("that were sent are kept as they were first made", () => {
    link.keepSent("id", "x@s.whatsapp.net", Buffer.from("one"), 1);
    link.keepSent("id", "x@s.whatsapp.net", Buffer.from("two"), 1);
    expect(Buffer.from(link.sent("id") ?? []).toString()).toBe("one");
    link.prune(20 * DAY_MS);
    expect(link.sent("id")).toBeUndefined();
  });
});
