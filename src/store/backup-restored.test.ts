import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { addGroup, kept, say, startTurn } from "../../test/ledger-kit.ts";
import { holdsAnything, openRestored } from "./backup-restored.ts";
import { openStore, type Store } from "./store.ts";

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

function ledger(fill: (store: Store) => void): string {
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-restored-"));
  folders.push(folder);
  const path = join(folder, "messages.db");
  using store = openStore(path);
  fill(store);
  return path;
}

const NOW = Date.UTC(2026, 10, 22);
const DAY = 86_400_000;

describe("a ledger from a backup", () => {
  it("answers what waited and is young enough, and takes older calls for context", () => {
    const seqs: number[] = [];
    const path = ledger((store) => {
      addGroup(store, "main");
      addGroup(store, "plans");
      const { chat, ...old } = kept({ sentAt: NOW - 2 * DAY });
      seqs.push(say(store, "old", { ...old, chat }), say(store, "young", { sentAt: NOW - DAY / 2 }));
    });
    expect(openRestored(path, NOW - DAY, NOW)).toBe(1);
    using store = openStore(path);
    expect(seqs.map((seq) => store.messages.bySeq(seq)?.decision)).toEqual(["context", "wakes"]);
    expect(store.messages.bySeq(seqs[0] ?? 0)?.reason).toBe("too-old");
    expect(store.turns.waiting(NOW)).toHaveLength(1);
  });

  it("ends the turn that was to answer nothing but what is too old by now", () => {
    const path = ledger((store) => {
      addGroup(store, "main");
      say(store, "old", { sentAt: NOW - 2 * DAY });
      startTurn(store);
    });
    expect(openRestored(path, NOW - DAY, NOW)).toBe(1);
    using store = openStore(path);
    expect(store.turns.running()).toEqual([]);
    expect(store.turns.waiting(NOW)).toEqual([]);
  });

  it("keeps a turn that has something to answer, and everything of a young backup", () => {
    const path = ledger((store) => {
      addGroup(store, "main");
      say(store, "young", { sentAt: NOW - DAY / 2 });
      startTurn(store);
    });
    expect(openRestored(path, NOW - DAY, NOW)).toBe(0);
    using store = openStore(path);
    expect(store.turns.running()).toHaveLength(1);
  });
});

describe("what somebody would miss", () => {
  const link = join(tmpdir(), "nanoclaw-there-is-none.db");

  it.each<[string, boolean, (store: Store) => void]>([
    ["nothing but main", false, (store) => void addGroup(store, "main")],
    ["another group", true, (store) => void addGroup(store, "plans")],
    ["a message", true, (store) => (addGroup(store, "main"), void say(store, "hi"))],
  ])("%s: %s", (_, isAnything, fill) => {
    expect(holdsAnything({ ledger: ledger(fill), link })).toBe(isAnything);
  });

  it("is a ledger of another program, or one that cannot be read", () => {
    const path = ledger(() => {});
    writeFileSync(path, "no database at all");
    expect(holdsAnything({ ledger: path, link })).toBe(true);
    rmSync(path);
    using other = new DatabaseSync(path);
    other.exec("CREATE TABLE registered_groups (jid TEXT)");
    expect(holdsAnything({ ledger: path, link })).toBe(true);
  });

  it("is a WhatsApp link", () => {
    const path = ledger(() => {});
    rmSync(path);
    {
      using db = new DatabaseSync(path);
      db.exec("CREATE TABLE links (account TEXT); INSERT INTO links VALUES ('1@s')");
    }
    expect(holdsAnything({ ledger: link, link: path })).toBe(true);
    expect(holdsAnything({ ledger: link, link })).toBe(false);
  });
});
