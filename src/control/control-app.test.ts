import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, found, jidOf, say, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import type { Folder } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { settleAnswered, settleFailed } from "../turns/settle.ts";
import { createControlApp } from "./control-app.ts";

describe("the control API", () => {
  let store: Store;
  let stopped: Folder[];
  let changes: number;
  let app: ReturnType<typeof createControlApp>;
  const clock = manualClock();

  beforeEach(() => {
    store = openStore(":memory:");
    [stopped, changes] = [[], 0];
    addGroup(store, "main");
    const channels = [{ name: "local", connected: true, detail: "" }];
    app = createControlApp({
      ...{ store, clock, zone: "Europe/Berlin" },
      host: () => ({ running: true, pid: 1, startedAt: 2, runtime: "host", agent: "offline", channels, versions: {} }),
      stopGroup: (folder) => stopped.push(folder),
      purging: { traces: () => [], gone: () => Promise.resolve() },
      onChange: () => (changes += 1),
    });
  });

  const call = async (method: string, path: string, body?: unknown): Promise<[number, never]> => {
    const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await app.request(path, init);
    return [response.status, (await response.json()) as never];
  };
  const refused = (status: number, words: RegExp) => [status, { error: expect.stringMatching(words) }];
  const family = { jid: "123@g.us", name: "Family", folder: "family" };

  test("/status says what runs, waits and failed", async () => {
    const { turn } = startTurn(store);
    addTask(store);
    const [status, body] = await call("GET", "/status");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ running: true, runtime: "host", agent: "offline", unsent: 0, now: clock.now(), waitingTurns: [] },
      groups: [{ folder: "main", name: "main" }],
      runningTurns: [{ id: turn.id, folder: "main" }],
      nextTasks: [{ prompt: "Send this reminder: stretch" }],
    });
    settleFailed({ store, turn, attempt: 1, now: 5 }, { class: "timeout", detail: "slow" });
    expect((await call("GET", "/status"))[1]).toMatchObject({
      ...{ unsent: 1, runningTurns: [], lastFailures: [{ id: turn.id, failureClass: "timeout" }] },
    });
  });

  describe("/why", () => {
    test("of a chat where nobody wrote says that", async () => {
      expect(await call("GET", "/why")).toEqual([200, { state: "empty", lines: [expect.stringMatching(/Nobody/)] }]);
    });

    test("tells a message's story, by folder or chat, through to its answer", async () => {
      const seq = say(store, "hello");
      expect((await call("GET", "/why?chat=main"))[1]).toMatchObject({ state: "waiting", message: { seq } });
      const { turn } = startTurn(store);
      expect((await call("GET", `/messages/${seq}`))[1]).toMatchObject({ state: "running" });
      store.turns.fixRange(turn.id, seq, seq);
      settleAnswered({ store, turn, attempt: 1, now: 5 }, { status: "ok", text: "hi", session: null }, null);
      const [, body] = await call("GET", "/why?chat=local%3Amain");
      expect(body).toMatchObject({ state: "answered", lastReply: 1, newestReply: 1, reminders: [] });
    });

    test("names the reminders that the message made", async () => {
      const seq = say(store, "remind me");
      const { turn } = startTurn(store);
      store.turns.fixRange(turn.id, seq, seq);
      addTask(store, { createdTurn: turn.id });
      addTask(store, { createdTurn: turn.id, schedule: { type: "interval", value: "60000", zone: "UTC" } });
      addTask(store);
      const [, body] = await call("GET", `/messages/${seq}`);
      expect(body).toMatchObject({
        reminders: [{ schedule_type: "once" }],
        recurring: [{ schedule_type: "interval" }],
      });
    });

    test.each(["/why?chat=nobody", "/messages/99", "/messages/abc", "/messages/1.5", "/messages/-1"])(
      "%s is refused in words",
      async (path) => {
        expect(await call("GET", path)).toEqual(refused(404, /no such message|is not registered/));
      },
    );
  });

  describe("/groups", () => {
    test("adds, lists, changes and removes one", async () => {
      expect((await call("POST", "/groups", family))[1]).toMatchObject({
        folder: "family",
        chats: [{ jid: "123@g.us", requiresTrigger: true, senders: "owner", trigger: null }],
      });
      const set = { name: "Us", trigger: "@Bot", senders: "everyone", settings: { zone: "Asia/Tokyo", cpus: 0.5 } };
      expect((await call("PATCH", "/groups/family", set))[1]).toMatchObject({
        ...{ name: "Us", settings: { zone: "Asia/Tokyo", cpus: 0.5 } },
        chats: [{ trigger: "@Bot", senders: "everyone" }],
      });
      expect((await call("PATCH", "/groups/family", { settings: { zone: null } }))[1]).toMatchObject({
        settings: { cpus: 0.5 },
      });
      expect((await call("GET", "/groups"))[1]).toMatchObject([{ folder: "main" }, { folder: "family" }]);
      const task = addTask(store, { folder: "family" as Folder });
      expect((await call("DELETE", "/groups/family"))[0]).toBe(200);
      expect([stopped, store.groups.list().length, changes]).toEqual([["family"], 1, 4]);
      expect(store.tasks.find(task.id)?.status).toBe("cancelled");
    });

    test("without a chat id it gets a local chat, and with join another one", async () => {
      expect((await call("POST", "/groups", { name: "Work", folder: "work" }))[1]).toMatchObject({
        chats: [{ jid: "local:work", requiresTrigger: false }],
      });
      const joined = await call("POST", "/groups", { ...family, folder: "work", join: true });
      expect(joined[1]).toMatchObject({ chats: [{ jid: "123@g.us" }, { jid: "local:work" }] });
    });

    test("people may be named by their numbers, in any spelling, also those known by another id", async () => {
      store.persons.learn("555@lid", "4917600000002@s.whatsapp.net");
      const senders = ["owner", "+49 176 0000-0001", "0049176/00000001", "555:2@lid", "4917600000003@c.us"];
      const [status, body] = await call("POST", "/groups", { ...family, jid: "+49 176 00000009", senders });
      const jid = (end: number) => `491760000000${end}@s.whatsapp.net`;
      expect([status, body]).toMatchObject([200, { chats: [{ jid: jid(9), senders: [1, 2, 3].map(jid) }] }]);
      say(store, "hello", { chat: jidOf(jid(9)) });
      expect((await call("GET", `/why?chat=${encodeURIComponent("+49 176 00000009")}`))[0]).toBe(200);
      expect((await call("PATCH", "/groups/family", { senders: ["+49 17600000004"] }))[1]).toMatchObject({
        chats: [{ senders: [jid(4)] }],
      });
      expect((await call("PATCH", "/groups/family", { senders: ["owner"] }))[1]).toMatchObject({
        chats: [{ senders: "owner" }],
      });
    });

    test("of another account are shown as held until they are confirmed", async () => {
      expect(await call("POST", "/groups/confirm", {})).toEqual(refused(409, /No WhatsApp account.*npm run auth/));
      store.settings.set("whatsapp-account", "49151");
      await call("POST", "/groups", family);
      const held = async () =>
        ((await call("GET", "/groups"))[1] as { chats: { held: boolean }[] }[]).map(({ chats }) => chats[0]?.held);
      expect(await held()).toEqual([false, false]);
      store.settings.set("whatsapp-account", "49152");
      expect(await held()).toEqual([false, true]);
      expect(await call("POST", "/groups/confirm", { folder: "nobody" })).toEqual(refused(409, /no group "nobody"/));
      expect((await call("POST", "/groups/confirm", { folder: "family" }))[0]).toBe(200);
      expect(await held()).toEqual([false, false]);
      expect(store.groups.chat(jidOf("123@g.us"))?.account).toBe("49152");
    });

    test.each<[string, object | undefined, number, RegExp]>([
      ["nothing", undefined, 400, /expected object/],
      ["no name", { folder: "x" }, 400, /name/],
      ["an unknown key", { ...family, colour: "red" }, 400, /colour/],
      ["an unknown setting", { ...family, settings: { colour: "red" } }, 400, /colour/],
      ["a wrong zone", { ...family, settings: { zone: "Mars" } }, 400, /IANA/],
      ["a NaN timeout", { ...family, settings: { timeout: NaN } }, 400, /timeout/],
      ["no sender at all", { ...family, senders: [] }, 400, /senders/],
      ["a path as folder", { ...family, folder: "../x" }, 409, /folder name "..\/x" cannot be used/],
      ["a folder of ours", { ...family, folder: "global" }, 409, /reserved/],
      ["a folder in capitals", { ...family, folder: "Family" }, 409, /cannot be used/],
      ["a folder in use", { ...family, folder: "main" }, 409, /used by the group "main" already/],
      ["no chat id", { ...family, jid: "hello" }, 409, /is no chat id/],
      ["a number without its country code", { ...family, jid: "0176 00000001" }, 409, /lacks the country code/],
      ["a sender nobody can be", { ...family, senders: ["bob"] }, 409, /"bob" is no chat id/],
      ["no way to see guests", { ...family, settings: { guests: "blurred" } }, 400, /guests/],
      ["a chat in use", { ...family, jid: "local:main" }, 409, /belongs to the group "main" already/],
    ])("%s is refused in words, and nothing is changed", async (_name, body, status, words) => {
      expect(await call("POST", "/groups", body)).toEqual(refused(status, words));
      expect([store.groups.list().length, store.groups.chats().length, changes]).toEqual([1, 1, 0]);
    });

    test("a body that is no JSON is refused in words", async () => {
      const response = await app.request("/groups", { method: "POST", body: "{half" });
      expect(response.status).toBe(400);
    });

    test.each<[string, string, object | undefined, number, RegExp]>([
      ["PATCH", "/groups/nobody", {}, 409, /no group "nobody".*There are: main.*groups add/],
      ["PATCH", "/groups/main", { settings: { cpus: -1 } }, 409, /cannot be used/],
      ["PATCH", "/groups/main", { folder: "x" }, 400, /folder/],
      ["DELETE", "/groups/main", undefined, 409, /main group cannot be removed/],
      ["DELETE", "/groups/nobody", undefined, 409, /no group/],
      ["POST", "/groups/nobody/stop", undefined, 404, /no group/],
      ["GET", "/nothing", undefined, 404, /no \/nothing here/],
    ])("%s %s is refused in words", async (method, path, body, status, words) => {
      expect(await call(method, path, body)).toEqual(refused(status, words));
      expect(stopped).toEqual([]);
    });

    test("stop ends what runs there", async () => {
      expect(await call("POST", "/groups/main/stop")).toEqual([200, { stopped: 1 }]);
      expect(stopped).toEqual(["main"]);
    });
  });

  describe("/tasks", () => {
    test("lists what may still run, or all; shows and cancels one", async () => {
      const [open, done] = [addTask(store), addTask(store, { status: "completed", nextRun: null })] as const;
      expect((await call("GET", "/tasks"))[1]).toMatchObject([{ task_id: open.id }]);
      expect((await call("GET", "/tasks?all=true"))[1]).toMatchObject([{ task_id: open.id }, { task_id: done.id }]);
      expect((await call("GET", `/tasks/${open.id}`))[1]).toMatchObject({
        task_id: open.id,
        last_result: null,
        runs: [],
      });
      expect((await call("POST", `/tasks/${open.id}/cancel`))[1]).toMatchObject({
        status: "cancelled",
        next_run: null,
      });
      expect([found(store.tasks.find(open.id)).status, changes]).toEqual(["cancelled", 1]);
      expect(await call("POST", `/tasks/${open.id}/cancel`)).toEqual(refused(409, /cancelled already/));
    });

    const morning = { group: "main", prompt: "say hello", schedule_type: "cron", schedule_value: "0 8 * * *" };

    test("adds one in the group's zone, changes, pauses and resumes it", async () => {
      await call("PATCH", "/groups/main", { settings: { zone: "Asia/Tokyo" } });
      const [status, made] = await call("POST", "/tasks", { ...morning, missed: "skip", stale_after: 7_200_000 });
      const { task_id } = made as { task_id: string };
      expect([status, made]).toMatchObject([
        200,
        {
          ...{ chat: "local:main", zone: "Asia/Tokyo", context_mode: "group", missed: "skip", stale_after: 7_200_000 },
          next_run: "2026-11-23T08:00:00+09:00",
        },
      ]);
      expect((await call("PATCH", `/tasks/${task_id}`, { zone: "UTC", context_mode: "isolated" }))[1]).toMatchObject({
        ...{ context_mode: "isolated", next_run: "2026-11-23T08:00:00Z" },
      });
      expect((await call("POST", `/tasks/${task_id}/pause`))[1]).toMatchObject({ status: "paused", next_run: null });
      expect(await call("POST", `/tasks/${task_id}/pause`)).toEqual(refused(409, /paused already/));
      expect((await call("POST", `/tasks/${task_id}/resume`))[1]).toMatchObject({ status: "active" });
      expect(changes).toBe(5);
    });

    test("goes to the chat where people are, or to the one that is named", async () => {
      await call("POST", "/groups", family);
      await call("POST", "/groups", { ...family, jid: "124@g.us", join: true });
      const [, made] = await call("POST", "/tasks", { ...morning, group: "family", chat: "124@g.us" });
      expect(made).toMatchObject({ chat: "124@g.us" });
      expect((await call("POST", "/tasks", { ...morning, group: "family" }))[1]).toMatchObject({ chat: "123@g.us" });
    });

    test.each<[string, object, number, RegExp]>([
      ["no group", { ...morning, group: "nobody" }, 409, /no group "nobody".*There are: main/],
      ["another group's chat", { ...morning, chat: "9@g.us" }, 409, /does not belong to the group "main"/],
      ["six fields", { ...morning, schedule_value: "* * * * * *" }, 409, /five cron fields/],
      ["too often", { ...morning, schedule_type: "interval", schedule_value: "1" }, 409, /shortest is 60000/],
      [
        "beyond numbers",
        { ...morning, schedule_type: "interval", schedule_value: "9007199254740991" },
        409,
        /too long/,
      ],
      ["no such policy", { ...morning, missed: "maybe" }, 400, /missed/],
    ])("%s is refused in words, and nothing is changed", async (_name, body, status, words) => {
      expect(await call("POST", "/tasks", body)).toEqual(refused(status, words));
      expect([store.tasks.all(), changes]).toEqual([[], 0]);
    });

    test.each([
      ["GET", "/tasks/task-none"],
      ["POST", "/tasks/task-none/cancel"],
    ])("%s %s is refused in words", async (method, path) => {
      expect(await call(method, path)).toEqual(refused(404, /no task "task-none".*tasks list --all/));
    });
  });

  test("/owner gives a code for a number, and tells who proved it", async () => {
    expect(await call("POST", "/owner", { number: "me" })).toEqual(refused(409, /must be digits/));
    expect(await call("POST", "/owner", {})).toEqual(refused(400, /number/));
    const [, begun] = await call("POST", "/owner", { number: "+49 176 00000001" });
    expect(begun).toEqual({
      ...{ number: "4917600000001", until: clock.now() + 30 * 60_000 },
      code: expect.stringMatching(/^[A-Z3-9]{4}-[A-Z3-9]{4}$/),
    });
    expect(await call("GET", "/owner")).toEqual([200, { proved: null, endedByWrongCodes: null }]);
    store.settings.set("owner", "4917600000001");
    expect(await call("GET", "/owner")).toEqual([200, { proved: "4917600000001", endedByWrongCodes: null }]);
  });

  test("a database that is locked is said to be, and nothing is changed", async () => {
    store.transaction = () => {
      throw Object.assign(new Error("database is locked"), { errcode: 5 });
    };
    expect(await call("POST", "/groups", family)).toEqual(refused(503, /Nothing was changed: another process holds/));
    expect(store.groups.chat(jidOf("123@g.us"))).toBeUndefined();
  });
});
