import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readConversations } from "./conversations.ts";
import { answeredSession, listSessionFiles, sessionsOf } from "./session-files.ts";

let root = "";
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "nanoclaw-stores-"))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("the classic engine's store", () => {
  const file = (): string => join(root, "data.sqlite3");
  const execute = (sql: string): void => {
    using db = new DatabaseSync(file());
    db.exec(sql);
  };
  const v2 =
    "CREATE TABLE conversations_v2(key TEXT, conversation_id TEXT, value TEXT, created_at INTEGER, updated_at INTEGER, PRIMARY KEY (key, conversation_id));";

  test("gives this directory's conversations, newest first", async () => {
    execute(`PRAGMA journal_mode = WAL; ${v2}
      INSERT INTO conversations_v2 VALUES ('/w', 'old', '', 1, 5), ('/w', 'new', '', 2, 9), ('/other', 'x', '', 3, 99)`);
    expect(await readConversations(file(), "/w")).toEqual([
      { id: "new", state: "9" },
      { id: "old", state: "5" },
    ]);
    expect(await readConversations(file(), "/none")).toEqual([]);
  });

  test("knows the older table, whose one conversation changes with every turn", async () => {
    const save = (value: string): void =>
      execute(`CREATE TABLE IF NOT EXISTS conversations(key TEXT PRIMARY KEY, value TEXT);
        INSERT OR REPLACE INTO conversations VALUES ('/w', '${value}')`);
    save('{"conversation_id":"abc-1","history":[]}');
    const before = await readConversations(file(), "/w");
    save('{"conversation_id":"abc-1","history":[1]}');
    const after = await readConversations(file(), "/w");
    expect([before?.[0]?.id, after?.[0]?.id]).toEqual(["abc-1", "abc-1"]);
    expect(after?.[0]?.state).not.toBe(before?.[0]?.state);
  });

  test("with a login alone holds no conversation, and so does one that is not there", async () => {
    expect(await readConversations(file(), "/w")).toEqual([]);
    execute("CREATE TABLE auth_kv(key TEXT, value TEXT)");
    expect(await readConversations(file(), "/w")).toEqual([]);
    writeFileSync(file(), "this is no database, however long it may be".repeat(100));
    expect(await readConversations(file(), "/w")).toBeUndefined();
  });

  test("a view that calls itself a table is not read", async () => {
    execute(
      "CREATE VIEW conversations_v2 AS SELECT '/w' AS key, 'x' AS conversation_id, 1 AS updated_at, 1 AS created_at",
    );
    expect(await readConversations(file(), "/w")).toEqual([]);
  });
});

describe("V2's session files", () => {
  const record = (kind: string): string => JSON.stringify({ version: "v1", kind, data: {} }) + "\n";
  const save = (id: string, kinds: string[], cwd = "/w"): void => {
    writeFileSync(join(root, `${id}.json`), JSON.stringify({ session_id: id, cwd }));
    appendFileSync(join(root, `${id}.jsonl`), kinds.map(record).join(""));
  };

  test("the one written meanwhile that ends with an answer is the proof", async () => {
    save("old", ["Prompt", "AssistantMessage"]);
    const before = await listSessionFiles(root);
    expect(await answeredSession(root, before, "/w")).toBeUndefined();
    save("new", ["Prompt", "ToolResults", "AssistantMessage"]);
    save("elsewhere", ["Prompt", "AssistantMessage"], "/other");
    expect(await answeredSession(root, before, "/w")).toBe("new");
    expect(await sessionsOf(root, "/w")).toEqual(expect.arrayContaining(["new", "old"]));
  });

  test.each([[["Prompt"]], [["Prompt", "AssistantMessage", "ToolResults"]], [["Prompt", "Cancelled"]], [[]]])(
    "one that ends otherwise is none: %j",
    async (kinds) => {
      const before = await listSessionFiles(root);
      save("new", kinds);
      expect(await answeredSession(root, before, "/w")).toBeUndefined();
    },
  );

  test("of two nobody knows which", async () => {
    const before = await listSessionFiles(root);
    save("one", ["Prompt", "AssistantMessage"]);
    save("two", ["Prompt", "AssistantMessage"]);
    expect(await answeredSession(root, before, "/w")).toBeUndefined();
  });

  test("half a record, no metadata and no folder are no proof", async () => {
    const before = await listSessionFiles(root);
    writeFileSync(join(root, "x.jsonl"), record("AssistantMessage"));
    expect(await answeredSession(root, before, "/w")).toBeUndefined();
    save("y", ["Prompt"]);
    appendFileSync(join(root, "y.jsonl"), '{"kind":"Assist');
    expect(await answeredSession(root, before, "/w")).toBeUndefined();
    expect(await sessionsOf(join(root, "none"), "/w")).toEqual([]);
  });
});
