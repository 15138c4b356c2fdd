import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StoreError } from "./database.ts";
import { openWhatsAppState, type InboxRow, type OpenedState, type WhatsAppState } from "./whatsapp-state.ts";

const ACCOUNT = "4915200000001:1@s.whatsapp.net";
const agreed = (text = "{}", account = ACCOUNT) => ({ creds: { text, account } });
const row = (hash: string): InboxRow => ({
  ...{ hash, messageKey: "chat|id||", part: 0, parts: 1, type: "msg", attrs: { from: "x" } },
  plain: Buffer.from([1, 2, 3]),
  storedAt: 1,
});

describe("the link of a home", () => {
  let home = "";
  let folder = "";
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "nanoclaw-state-"));
    folder = join(home, "store", "auth");
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const opened = (): Exclude<OpenedState, { heldBy: unknown }> => {
    const result = openWhatsAppState(folder, "the test");
    if ("heldBy" in result) throw new Error("it is held");
    return result;
  };
  const open = (): WhatsAppState => opened().state;

  test("is private, and held by one at a time", () => {
    using state = open();
    expect(state.current()).toBeUndefined();
    const modes = [folder, join(folder, "state.db"), join(folder, "state.db-wal")].map((path) => statSync(path).mode);
    expect(modes.map((mode) => mode & 0o077)).toEqual([0, 0, 0]);
    expect(openWhatsAppState(folder, "another")).toMatchObject({ heldBy: { pid: process.pid, what: "the test" } });
  });

  test("is one only when a phone has agreed; what was begun and left goes", () => {
    {
      using state = open();
      state.begin("one").commit({ keys: new Map([["pre-key-1", "1"]]) });
      expect(state.current()).toBeUndefined();
    }
    using state = open();
    const file = state.begin("two");
    file.commit(agreed("two, agreed"));
    expect(state.current()).toMatchObject({ creds: "two, agreed", account: ACCOUNT, refused: false });
    expect(file.readKeys(["pre-key-1"])).toEqual(new Map());
  });

  test("commits all or nothing", () => {
    using state = open();
    const file = state.begin("{}");
    file.commit(agreed());
    const broken = { ...row("b"), plain: undefined as unknown as Uint8Array };
    expect(() => file.commit({ keys: new Map([["session-1", "new"]]), inbox: [row("a"), broken] })).toThrow();
    expect([file.readKeys(["session-1"]).size, file.plainOf("a")]).toEqual([0, undefined]);
    file.commit({ keys: new Map([["session-1", "new"]]), inbox: [row("a")] });
    expect(file.readKeys(["session-1", "session-2"])).toEqual(new Map([["session-1", "new"]]));
    expect(file.plainOf("a")).toEqual(new Uint8Array([1, 2, 3]));
    file.commit({ keys: new Map([["session-1", null]]), inbox: [row("a")] });
    expect(file.readKeys(["session-1"]).size).toBe(0);
  });

  test("gives way to a newer one only when that one was connected; what arrived stays", () => {
    using state = open();
    const older = state.begin("old");
    older.commit({ ...agreed("old"), keys: new Map([["session-1", "s"]]) });
    older.commit({ inbox: [row("a")] });
    older.markOpened(1);
    const newer = state.begin("new");
    newer.commit(agreed("new", "other"));
    expect(state.current()?.creds).toBe("new");
    newer.markOpened(2);
    expect([older.readKeys(["session-1"]).size, newer.plainOf("a")?.length]).toEqual([0, 3]);
  });

  test("comes back when a newer one is refused before it ever worked", () => {
    using state = open();
    const older = state.begin("old");
    older.commit(agreed("old"));
    older.markOpened(1);
    const newer = state.begin("new");
    newer.commit(agreed("new"));
    newer.markRefused(401);
    expect(state.current()).toMatchObject({ creds: "old", refused: false });
    older.markRefused(401);
    expect(state.current()).toMatchObject({ creds: "old", refused: true });
  });

  describe("in one file for each key", () => {
    const lay = (files: Record<string, string>) => {
      mkdirSync(folder, { recursive: true });
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    };
    const creds = JSON.stringify({ me: { id: ACCOUNT }, account: { details: "x" } });

    test("is taken over once, without what was cut off; the files stay", () => {
      const files = { "creds.json": creds, "session-1.0.json": `"s"`, "pre-key-1.json": `{"pub`, "note.txt": "mine" };
      lay(files);
      {
        const { state, imported } = opened();
        using _ = state;
        expect(imported).toEqual({ kind: "imported", keys: 1, damaged: ["pre-key-1.json"] });
        const link = state.current();
        expect(link).toMatchObject({ creds, account: ACCOUNT });
        const file = state.link(link?.id ?? 0);
        expect(file.readKeys(["session-1.0"])).toEqual(new Map([["session-1.0", `"s"`]]));
        file.commit({ keys: new Map([["session-1.0", `"newer"`]]) });
      }
      const { state, imported } = opened();
      using _ = state;
      expect(imported).toBeUndefined();
      expect(
        state
          .link(state.current()?.id ?? 0)
          .readKeys(["session-1.0"])
          .get("session-1.0"),
      ).toBe(`"newer"`);
      expect(readdirSync(folder)).toEqual(expect.arrayContaining(Object.keys(files)));
    });

    test.each([
      ["its identity is damaged", { "creds.json": `{"me":{"id"` }, "creds.json is damaged"],
      ["no phone ever agreed", { "creds.json": `{"me":{"id":"49@s.whatsapp.net"}}` }, "never finished"],
    ])("is of no use when %s", (_, files, reason) => {
      lay(files);
      const { state, imported } = opened();
      using _state = state;
      expect(imported).toEqual({ kind: "useless", reason: expect.stringContaining(reason) as string });
      expect(state.current()).toBeUndefined();
    });
  });

  test("is refused in words when the folder cannot be one", () => {
    mkdirSync(join(home, "store"));
    writeFileSync(folder, "a file");
    expect(() => openWhatsAppState(folder, "x")).toThrow(StoreError);
    expect(existsSync(folder)).toBe(true);
  });
});
