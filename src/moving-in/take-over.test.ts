import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { FAMILY, HOUR, isoAt, makeForkHome, OWN } from "../../test/fork-home/fork-home.ts";
import { forkHomes, takeOver } from "../../test/fork-home/move.ts";
import type { Store } from "../store/store.ts";

const homes = forkHomes();
afterEach(() => homes[Symbol.dispose]());
const fork = homes.make;

const waiting = (store: Store) =>
  store.turns.waiting(HOUR + 3_600_000).map(({ chat, queueSeq }) => [chat, store.messages.bySeq(queueSeq)?.id]);

const jid = (text: string) => text as never;

describe("a home of the old system", () => {
  it("is taken over once; its groups, rules and chats are there", async () => {
    const old = fork();
    old.group("main", { jid: OWN, name: "Me", requires_trigger: 0 });
    old.group("family", { name: `Ann's "big" family; DROP TABLE chats` });
    old.group("quiet", { jid: "120363000000000002@g.us", requires_trigger: 0, trigger_pattern: "@Bob" });
    old.insert("chats", { jid: FAMILY, name: "Family", last_message_time: isoAt(9) });
    old.insert("chats", { jid: "__group_sync__", name: "__group_sync__", last_message_time: isoAt(9) });
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store, report, backup } = taken;
    expect(store.groups.chats()).toEqual([
      expect.objectContaining({
        jid: FAMILY,
        folder: "family",
        requiresTrigger: true,
        senders: "everyone",
        trigger: null,
      }),
      expect.objectContaining({
        jid: "120363000000000002@g.us",
        folder: "quiet",
        requiresTrigger: false,
        senders: "everyone",
      }),
      expect.objectContaining({ jid: OWN, folder: "main", requiresTrigger: false, senders: "owner", account: null }),
    ]);
    expect(store.groups.find("family")?.name).toBe(`Ann's "big" family; DROP TABLE chats`);
    expect(report).toContain("nanoclaw groups set family --senders owner");
    expect(report).toContain(`nanoclaw groups set quiet --trigger "@Bob"`);
    expect(taken.summary).toContain("3 groups");
    expect(readFileSync(old.path("groups/family/notes.md"), "utf8")).toBe("notes of family\n");
    for (const path of [backup, old.path("data"), old.path("groups")]) expect(statSync(path).mode & 0o777).toBe(0o700);
    using again = await takeOver(old.root);
    expect(again.moved).toBe(false);
  });

  it("keeps what was said for the search, and the assistant's words for the recap", async () => {
    const old = fork();
    old.group("family");
    old.message("m1", { content: "@Andy where is the walrus?" });
    old.message("m2", { content: "Andy: in the zoo", is_from_me: 1, is_bot_message: 1, sender: OWN });
    old.message("x1", { chat_jid: "120363999@g.us", content: "a walrus elsewhere" });
    old.state("last_agent_timestamp", JSON.stringify({ [FAMILY]: isoAt(1) }));
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store, report } = taken;
    const found = store.messages.search(["walrus"], null, Infinity, 10);
    expect(found.map(({ id, senderName, sentAt }) => [id, senderName, sentAt])).toEqual([["m1", "Ben", HOUR + 1_000]]);
    expect(store.messages.search(["zoo"], null, Infinity, 10)).toMatchObject([
      { text: "in the zoo", fromAssistant: true },
    ]);
    expect(store.outbox.talk(jid("family"), 0, 10)).toMatchObject([
      { text: "in the zoo", status: "sent", messageId: "m2" },
    ]);
    expect(store.outbox.due(Infinity, Infinity).map(({ chat }) => chat)).toEqual(["local:main"]);
    expect(report).toContain("1 message of chats that belong to no group");
  });

  it("answers what was not answered, and nothing else", async () => {
    const old = fork();
    old.group("main", { jid: OWN });
    old.group("family");
    old.message("answered", { content: "@Andy one" });
    // Two in the cursor's own second: the old system may have seen one of them only (D23).
    old.message("same-1", { content: "@Andy two", timestamp: isoAt(2) });
    old.message("same-2", { content: "@Andy three", timestamp: isoAt(2) });
    old.message("talk", { content: "by the way", timestamp: isoAt(3) });
    old.message("open", { content: "@andy, four", timestamp: isoAt(4) });
    old.message("own", { chat_jid: OWN, sender: OWN, is_from_me: 1, content: "no trigger", timestamp: isoAt(5) });
    old.message("ancient", { chat_jid: OWN, sender: OWN, is_from_me: 1, timestamp: "2026-01-01T00:00:00.000Z" });
    old.state("last_agent_timestamp", JSON.stringify({ [FAMILY]: isoAt(2) }));
    old.state("last_timestamp", isoAt(5));
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store } = taken;
    expect(waiting(store)).toEqual([
      [FAMILY, "open"],
      [OWN, "own"],
    ]);
    const after = store.turns.answeredSeq(jid(FAMILY));
    const handed = store.messages.forPrompt(jid(FAMILY), after, Infinity, 10);
    expect(handed.map(({ id, decision }) => [id, decision])).toEqual([
      ["talk", "context"],
      ["open", "wakes"],
    ]);
    expect(store.messages.find(jid(FAMILY), "4915200000002@s.whatsapp.net", "answered")?.reason).toBe("moved-in");
    expect(store.messages.find(jid(OWN), OWN, "ancient")).toMatchObject({ reason: "too-old", fromOwner: true });
  });

  it("counts everything as answered that it had seen, when its cursors cannot be read", async () => {
    const old = fork();
    old.group("family");
    old.message("seen", { content: "@Andy one" });
    old.message("new", { content: "@Andy two" });
    old.state("last_agent_timestamp", `{"${FAMILY}": "20`);
    old.state("last_timestamp", isoAt(1));
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(waiting(taken.store)).toEqual([[FAMILY, "new"]]);
    expect(taken.report).toContain("could not be read; what it had seen counts as answered");
  });

  it("survives awkward rows: no values, bytes, unreadable times, the same id twice, a huge text", async () => {
    const old = fork();
    old.group("family");
    old.message("first", { content: "@Andy hello" });
    old.message("no-time", { timestamp: "yesterday", content: "@Andy lost in time" });
    old.message("nothing", { sender: null, sender_name: null, content: null, timestamp: null });
    old.sql(
      `INSERT INTO messages VALUES (NULL, '${FAMILY}', 'x', 'X', CAST(x'ff6869fe' AS TEXT), '${isoAt(7)}', 0, 0)`,
    );
    old.sql(`INSERT INTO messages VALUES ('blob', '${FAMILY}', 'x', 'X', x'6279746573', 9007199254740993, 0, 0)`);
    old.message("nul", { content: "one\0two" });
    old.message("huge", { content: "@Andy " + "ö".repeat(1_500_000), timestamp: isoAt(20) });
    old.message("seconds", { content: "epoch", timestamp: String(HOUR / 1_000 + 30) });
    old.state("last_agent_timestamp", JSON.stringify({ [FAMILY]: isoAt(1) }));
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store, report } = taken;
    expect(waiting(store)).toEqual([[FAMILY, "huge"]]);
    const all = store.messages.forPrompt(jid(FAMILY), 0, Infinity, 100);
    const texts = new Map(all.map(({ id, text }) => [id, text]));
    expect([...texts.values()]).toContain("\u{FFFD}hi\u{FFFD}");
    expect(texts.get("nul")).toBe("one\u{FFFD}two");
    expect(texts.get("blob")).toBe("bytes");
    expect(Buffer.byteLength(texts.get("huge") ?? "")).toBeLessThanOrEqual(1024 * 1024);
    expect(store.messages.bySeq(store.messages.newestIn(jid(FAMILY)))).toMatchObject({
      id: "seconds",
      sentAt: HOUR + 30_000,
    });
    expect(report).toContain("1 message longer than 1 MiB");
    expect(report).toContain("3 messages without a readable time");
  });

  it("takes tasks and their runs along; orphans and unreadable ones are named", async () => {
    const old = fork();
    old.group("family");
    old.group("quiet", { jid: "120363000000000002@g.us" });
    old.task("cron-1", { context_mode: "group", last_run: isoAt(0), last_result: "done" });
    old.task("every", { schedule_type: "interval", schedule_value: "3600000", next_run: isoAt(1_800) });
    old.task("late", { schedule_type: "once", schedule_value: "2026-01-22T18:10:00", next_run: isoAt(600) });
    old.task("over", {
      schedule_type: "once",
      schedule_value: "2026-01-01T10:00:00",
      next_run: null,
      status: "completed",
    });
    old.task("bad-cron", { schedule_value: "every day" });
    old.task("too-often", { schedule_type: "interval", schedule_value: "1000" });
    old.task("odd", { schedule_type: "lunar" });
    old.task("orphan", { group_folder: "gone" });
    old.task("elsewhere", { chat_jid: "120363777@g.us" });
    old.task("rest", { status: "paused" });
    old.insert("task_run_logs", {
      task_id: "cron-1",
      run_at: isoAt(0),
      duration_ms: 1_500,
      status: "success",
      result: "ok",
    });
    old.insert("task_run_logs", { task_id: "cron-1", run_at: isoAt(60), duration_ms: 9, status: "error", error: "no" });
    old.insert("task_run_logs", {
      task_id: "orphan",
      run_at: isoAt(0),
      duration_ms: 1,
      status: "error",
      error: "gone",
    });
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store, report } = taken;
    const tasks = new Map(store.tasks.all().map((task) => [String(task.id), task]));
    expect([...tasks].map(([id, { status }]) => `${id} ${status}`).sort()).toEqual([
      "bad-cron paused",
      "cron-1 active",
      "elsewhere paused",
      "every active",
      "late active",
      "over completed",
      "rest paused",
      "too-often paused",
    ]);
    expect(tasks.get("cron-1")).toMatchObject({
      schedule: { type: "cron", value: "0 9 * * *", zone: "Europe/Berlin" },
      ...{ contextMode: "group", nextRun: Date.UTC(2030, 0, 1, 9), lastRun: HOUR, lastResult: "done", chat: FAMILY },
    });
    expect(tasks.get("every")).toMatchObject({ contextMode: "isolated", nextRun: HOUR + 1_800_000 });
    expect(store.tasks.due(HOUR + 3_600_000, 10).map(({ id }) => id)).toEqual(["late", "every"]);
    expect(store.tasks.runs(jid("cron-1"), 10)).toEqual([
      { dueAt: HOUR + 60_000, runAt: HOUR + 60_000, durationMs: 9, status: "error", result: null, error: "no" },
      { dueAt: HOUR, runAt: HOUR, durationMs: 1_500, status: "success", result: "ok", error: null },
    ]);
    for (const text of ["orphan", "odd", "bad-cron", "too-often", "elsewhere"])
      expect(report).toContain(`Task ${text} (`);
  });

  it("reads a database that was migrated half-way, with its groups still in JSON files", async () => {
    const old = fork({ old: true });
    old.message("m1", { content: "@Andy one" });
    old.message("m2", { content: "Andy: yes" });
    old.message("m3", { content: "@Andy two" });
    old.message("self", { chat_jid: OWN, sender: OWN, content: "and me" });
    old.task("t1");
    const groups = {
      [OWN]: { name: "Me", folder: "main", trigger: "@Andy", added_at: isoAt(0) },
      [FAMILY]: { name: "Family", folder: "family", trigger: "@Andy", added_at: isoAt(0), requiresTrigger: false },
    };
    old.write("data/registered_groups.json", JSON.stringify(groups));
    old.write("data/sessions.json", JSON.stringify({ main: "kiro:main" }));
    old.write("data/router_state.json", JSON.stringify({ last_agent_timestamp: { [FAMILY]: isoAt(2) } }));
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store, report, backup } = taken;
    expect(store.groups.list().map(({ folder }) => folder)).toEqual(["family", "main"]);
    expect(waiting(store)).toEqual([
      [FAMILY, "m3"],
      [OWN, "self"],
    ]);
    expect(store.outbox.talk(jid("family"), 0, 10)).toMatchObject([{ text: "yes" }]);
    expect(store.tasks.all()).toMatchObject([{ id: "t1", contextMode: "isolated", folder: "family" }]);
    expect(report).toContain("1 conversation of the agent");
    expect(readdirSync(backup).sort()).toEqual([
      "messages.db",
      "registered_groups.json",
      "router_state.json",
      "sessions.json",
    ]);
    expect(readdirSync(old.path("data"))).toEqual(expect.arrayContaining(["registered_groups.json.migrated"]));
  });

  it("gives the folder of a chat in a JSON file to that chat alone, as the old system would", async () => {
    const old = fork();
    const other = "120363000000000002@g.us";
    old.group("family");
    old.write("data/registered_groups.json", JSON.stringify({ [other]: { name: "F", folder: "family" } }));
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(taken.store.groups.chats().map((chat) => [chat.jid, chat.folder])).toEqual([[other, "family"]]);
  });

  it("has JSON files alone, from before there was a database for them", async () => {
    const root = mkdtempSync(join(tmpdir(), "nanoclaw-fork-"));
    homes.keep(root);
    const old = makeForkHome({ root });
    old.write(
      "data/registered_groups.json",
      JSON.stringify({ [FAMILY]: { name: "F", folder: "family", trigger: "@Andy" } }),
    );
    old[Symbol.dispose]();
    rmSync(old.path("store/messages.db"));
    using taken = await takeOver(root);
    expect(taken.store.groups.chats()).toMatchObject([{ jid: FAMILY, folder: "family" }]);
  });

  it("finds main where it is marked, and gives no other group its rights", async () => {
    const old = fork();
    old.sql("ALTER TABLE registered_groups ADD COLUMN is_main INTEGER DEFAULT 0");
    old.group("whatsapp_main", { jid: OWN, is_main: 1 });
    old.group("Main", { jid: "120363000000000003@g.us" });
    old.group("Böse Tanten!", { jid: "120363000000000004@g.us" });
    old.group("global", { jid: "120363000000000005@g.us" });
    old.group("../escape", { jid: "120363000000000006@g.us" });
    old.group("telegram", { jid: "tg:12345", is_main: 1 });
    old.message("tg1", { chat_jid: "tg:12345", content: "@Andy a walrus" });
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { store, report } = taken;
    expect(store.groups.chat(jid(OWN))).toMatchObject({ folder: "main", requiresTrigger: false, senders: "owner" });
    expect(
      store.groups
        .list()
        .map(({ folder }) => folder)
        .sort(),
    ).toEqual([...["bose-tanten", "escape", "global-2", "main", "main-2", "telegram"]]);
    expect(readFileSync(old.path("groups/main/notes.md"), "utf8")).toBe("notes of whatsapp_main\n");
    expect(readFileSync(old.path("groups/main-2/notes.md"), "utf8")).toBe("notes of Main\n");
    expect(existsSync(old.path("groups/bose-tanten/logs/agent-1.log"))).toBe(true);
    expect(existsSync(old.path("groups/escape"))).toBe(false);
    expect(existsSync(old.path("groups/Böse Tanten!/notes.md"))).toBe(true);
    expect(store.groups.chatsOf(jid("telegram"))).toMatchObject([{ jid: "local:telegram" }]);
    expect(store.messages.search(["walrus"], jid("telegram"), Infinity, 9)).toHaveLength(1);
    expect(waiting(store)).toEqual([]);
    expect(report).toContain(`The main group's folder was "whatsapp_main"`);
    expect(report).toContain("telegram was marked as main, too");
  });

  it("gives a group that is renamed its own files only: what lay under that name is put aside", async () => {
    const old = fork();
    old.sql("ALTER TABLE registered_groups ADD COLUMN is_main INTEGER DEFAULT 0");
    old.group("whatsapp_main", { jid: OWN, is_main: 1 });
    old.group("Family Chat");
    old.write("groups/main/notes.md", "a template");
    old.write("groups/family-chat/secret.md", "of a group that was removed");
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(readFileSync(old.path("groups/main/notes.md"), "utf8")).toBe("notes of whatsapp_main\n");
    const [aside] = readdirSync(old.path("groups")).filter((name) => name.startsWith("main-before-nanoclaw-"));
    expect(readFileSync(old.path("groups", aside ?? "", "notes.md"), "utf8")).toBe("a template");
    expect(taken.report).toContain(`it is groups/${aside} now`);
    expect(taken.store.groups.chat(jid(FAMILY))?.folder).toBe("family-chat-2");
    expect(readdirSync(old.path("groups/family-chat-2")).sort()).toEqual(["logs", "notes.md"]);
    expect(readdirSync(old.path("groups/family-chat"))).toEqual(["secret.md"]);
  });

  it("lets a message from the future have come now", async () => {
    const old = fork();
    old.group("family");
    old.message("ahead", { timestamp: "2031-01-01T00:00:00.000Z" });
    old[Symbol.dispose]();
    using _taken = await takeOver(old.root);
    const db = new DatabaseSync(old.path("store/messages.db"), { readOnly: true });
    expect(db.prepare("SELECT received_at AS at FROM messages").get()).toEqual({ at: HOUR + 3_600_000 });
    db.close();
  });

  it("keeps a group's mounts and timeout as far as they can be read", async () => {
    const old = fork();
    const mounts = [{ hostPath: "~/plans", containerPath: "plans", readonly: false }, { hostPath: "/srv/b" }, "junk"];
    old.group("family", { container_config: JSON.stringify({ additionalMounts: mounts, timeout: 600_000, shape: 1 }) });
    old.group("quiet", { jid: "120363000000000002@g.us", container_config: "{broken" });
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(taken.store.groups.find("family")?.settings).toEqual({
      mounts: [
        { hostPath: "~/plans", containerPath: "plans", readonly: false },
        { hostPath: "/srv/b", containerPath: "b" },
      ],
      timeout: 600_000,
    });
    expect(taken.store.groups.find("quiet")?.settings).toEqual({});
    for (const text of ["junk", "timeout of 600000", '"shape"', "container_config could not be read"]) {
      expect(taken.report).toContain(text);
    }
  });

  it("knows the owner of an assistant with its own number by main's chat", async () => {
    const old = fork();
    old.group("main", { jid: OWN });
    old.message("hers", { chat_jid: OWN, sender: OWN, content: "good morning" });
    old.message("its", { chat_jid: OWN, sender: OWN, is_from_me: 1, content: "and to you" });
    old[Symbol.dispose]();
    using taken = await takeOver(old.root, { env: { ASSISTANT_HAS_OWN_NUMBER: "true" } });
    expect(taken.store.groups.chat(jid(OWN))?.senders).toEqual([OWN]);
    expect(waiting(taken.store)).toEqual([[OWN, "hers"]]);
    expect(taken.store.outbox.talk(jid("main"), 0, 10)).toMatchObject([{ text: "and to you" }]);
    expect(taken.report).toContain("nanoclaw auth --owner +4915200000001");
  });

  it("lets only the owner start turns where somebody else was kept from it in a way that is not known here", async () => {
    const old = fork();
    old.group("family");
    old.write(".config/nanoclaw/sender-allowlist.json", "{}");
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(taken.store.groups.chats()).toMatchObject([{ senders: "owner" }]);
    expect(taken.report).toContain("sender-allowlist.json is not read here");
  });

  it("names what lies around: unread requests, settings nobody reads, a service of the old program", async () => {
    const old = fork();
    old.group("family");
    old.write("data/ipc/family/messages/1-a.json", "{}");
    old.write("data/ipc/family/tasks/2-b.json", "{}");
    old.write("data/extra/family/plans/x", "");
    old.write("groups/family/.kiro/steering/Agents.md", "write a file into /workspace/ipc/tasks");
    old.write("groups/family/CLAUDE.md", "be kind");
    old.write(".env", "ASSISTANT_NAME=Bob\nANTHROPIC_API_KEY=secret\n");
    old.write("Library/LaunchAgents/com.nanoclaw.plist", "<string>/old/dist/index.js</string>");
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    const { report } = taken;
    for (const text of [
      "2 requests of agents",
      "ANTHROPIC_API_KEY in .env",
      "com.nanoclaw.plist",
      "@Bob",
      "Agents.md",
      "CLAUDE.md",
    ]) {
      expect(report).toContain(text);
    }
    expect(report).not.toContain("secret");
    expect(existsSync(old.path("data/extra"))).toBe(false);
    expect(existsSync(old.path("data/ipc/family/messages/1-a.json"))).toBe(true);
  });

  it("with 100,000 messages is taken over in seconds", async () => {
    const old = fork();
    old.group("family");
    old.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
      INSERT INTO messages SELECT 'bulk' || i, '${FAMILY}', '4915200000002@s.whatsapp.net', 'Ben',
        'message number ' || i || ' about nothing', strftime('%Y-%m-%dT%H:%M:%fZ', 1700000000 + i, 'unixepoch'), 0, 0 FROM n`);
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(taken.summary).toContain("100000 messages");
    expect(taken.store.messages.search(["99999"], null, Infinity, 10)).toHaveLength(1);
  }, 120_000);
});

describe("the old database", () => {
  it("comes along whole when a part of it lies in its journal, which goes", async () => {
    const old = fork({ wal: true });
    old.group("family");
    old.message("m1", { content: "@Andy from the journal" });
    // As a power cut leaves it: nobody closed it.
    const copy = mkdtempSync(join(tmpdir(), "nanoclaw-fork-"));
    homes.keep(copy);
    const other = makeForkHome({ root: copy });
    other[Symbol.dispose]();
    for (const name of ["messages.db", "messages.db-wal"]) {
      writeFileSync(join(copy, "store", name), readFileSync(old.path("store", name)));
    }
    old[Symbol.dispose]();
    expect(statSync(join(copy, "store", "messages.db-wal")).size).toBeGreaterThan(0);
    using taken = await takeOver(copy);
    expect(waiting(taken.store)).toEqual([[FAMILY, "m1"]]);
    const kept = new DatabaseSync(join(taken.backup, "messages.db"), { readOnly: true });
    expect(kept.prepare("SELECT count(*) AS n FROM messages").get()).toEqual({ n: 1 });
    kept.close();
  });

  it("is left as it is when it is damaged, and the error says what helps", async () => {
    const old = fork();
    old.group("family");
    for (let number = 0; number < 200; number += 1) old.message(`m${number}`, { content: "x".repeat(500) });
    old[Symbol.dispose]();
    const path = old.path("store/messages.db");
    const bytes = readFileSync(path);
    bytes.fill(0xaa, 4096 * 12, 4096 * 20);
    writeFileSync(path, bytes);
    await expect(takeOver(old.root)).rejects.toThrow(/is damaged .*sqlite3 .* \.recover/s);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readdirSync(old.path("store")).filter((name) => /moving|before/.test(name))).toEqual([]);
  });

  it("of a program that is not known is not touched", async () => {
    const old = fork();
    old.sql("DROP TABLE messages; CREATE TABLE messages (what TEXT)");
    old[Symbol.dispose]();
    await expect(takeOver(old.root)).rejects.toThrow("belongs to a program that NanoClaw does not know");
  });

  it("is taken over although an earlier version of ours began to migrate it", async () => {
    const old = fork();
    old.group("family");
    old.sql("CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
    old[Symbol.dispose]();
    using taken = await takeOver(old.root);
    expect(taken.moved).toBe(true);
  });

  it("is refused while another process has it open", async () => {
    const old = fork();
    old.group("family");
    old[Symbol.dispose]();
    const script = `const db = new (require("node:sqlite").DatabaseSync)(process.argv[1]); db.exec("SELECT 1 FROM chats"); console.log("open"); setInterval(() => db, 1000)`;
    const child = spawn(process.execPath, ["-e", script, old.path("store/messages.db")]);
    await once(child.stdout, "data");
    await expect(takeOver(old.root)).rejects.toThrow(new RegExp(`still runs \\(process ${child.pid} has`));
    child.kill();
    await once(child, "close");
    using taken = await takeOver(old.root);
    expect(taken.moved).toBe(true);
  });

  it("stays where it is, with everything else, when the old program was started while it was read", async () => {
    const old = fork();
    old.group("Our Family");
    old.write("data/extra/family/plans/x", "");
    old[Symbol.dispose]();
    const before = readdirSync(old.path("groups"));
    let pid = 0;
    const start = () => {
      const script = 'exec 3<"$0"; sleep 600 >/dev/null 2>&1 & echo $!';
      pid = Number(execFileSync("/bin/sh", ["-c", script, old.path("store/messages.db")], { encoding: "utf8" }));
    };
    const moving = takeOver(old.root, { checkpoint: (point) => point === "copied" && start() });
    await expect(moving).rejects.toThrow("The old system still runs");
    process.kill(pid);
    expect(existsSync(old.path("data/extra/family/plans/x"))).toBe(true);
    expect(readdirSync(old.path("groups")).filter((name) => name !== "extra")).toEqual(before);
    expect(readdirSync(old.path("store")).filter((name) => /moving|before/.test(name))).toEqual([]);
    expect(readdirSync(old.path("data")).filter((name) => name.startsWith("moved-in"))).toEqual([]);
  });
});
