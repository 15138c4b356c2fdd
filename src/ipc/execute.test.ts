import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { toolResults, type Response } from "@nanoclaw/agent-runner/protocol";
import {
  addGroup,
  addTask,
  folderOf,
  found,
  jidOf,
  registered,
  resultOf,
  say,
  sentTo,
  startAttempt,
  startTurn,
} from "../../test/ledger-kit.ts";
import { noGroupDesk } from "../../test/group-desk-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { randomName, type TurnId } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import { executeRequest } from "./execute.ts";

describe("requests of an agent", () => {
  let store: Store;
  let woken: string[];
  const clock = manualClock();
  beforeEach(() => {
    store = openStore(":memory:");
    woken = [];
    for (const folder of ["main", "family", "work"]) addGroup(store, folder);
  });

  const execute = (folder: string, content: unknown, id = randomName(16)): Response =>
    executeRequest(
      {
        ...{ store, clock, zone: "Europe/Berlin", groups: noGroupDesk },
        onOutbox: () => woken.push("outbox"),
        onSchedule: () => woken.push("schedule"),
        screen: (text) => text.replaceAll("hush-hush", "[removed]"),
      },
      folderOf(folder),
      id,
      content,
    );
  const request = (turn: TurnId, folder: string, tool: string, args: unknown, changes: object = {}) => ({
    ...{ protocol: 1, turn, attempt: 1, chat: `local:${folder}`, tool, args },
    ...changes,
  });
  /** A running turn of a group, and what its agent calls. */
  const agent = (folder: string) => {
    const { turn } = startTurn(store, folder);
    const call = (tool: string, args: unknown, changes: object = {}, id?: string) =>
      execute(folder, request(turn.id, folder, tool, args, changes), id);
    return { turn: turn.id, call, acted: () => found(store.turns.find(turn.id)).acted };
  };
  const once = { prompt: "stretch", schedule_type: "once", schedule_value: "2026-11-22T19:00:00" };

  test("send_message puts a row into the outbox and marks the turn as having acted", () => {
    const { call, acted, turn } = agent("family");
    const result = toolResults.send_message.parse(resultOf(call("send_message", { text: "<internal>x</internal>hi" })));
    expect(store.outbox.ofTurn(turn)).toMatchObject([
      { text: "hi", messageId: result.message_id, source: "send_message" },
    ]);
    expect(acted()).toBe(true);
    expect(woken).toContain("outbox");
  });

  test("a long text becomes several messages, in order, whatever the number of executions", () => {
    store.groups.addChat(registered("family", { jid: jidOf("1@g.us") }));
    const { call, turn } = agent("main");
    const text = Array.from({ length: 30 }, (_, at) => `${at} ${"word ".repeat(60)}`).join("\n\n");
    const id = randomName(16);
    const made = call("send_message", { text, chat: "1@g.us" }, {}, id);
    const result = toolResults.send_message.parse(resultOf(made));
    expect(call("send_message", { text, chat: "1@g.us" }, {}, id)).toEqual(made);
    const rows = store.outbox.ofTurn(turn);
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.every((row) => row.text.length <= 4_000 && row.chat === "1@g.us")).toBe(true);
    expect(rows.map(({ messageId }) => messageId)).toEqual(result.message_ids);
    expect(result.message_id).toBe(result.message_ids?.[0]);
    expect(rows.flatMap((row) => row.text.match(/\d+/g))).toEqual(Array.from({ length: 30 }, (_, at) => String(at)));
  });

  test("a second execution of the same id changes nothing and answers the same", () => {
    const { call, turn } = agent("family");
    const id = randomName(16);
    const first = call("send_message", { text: "hi" }, {}, id);
    expect(call("send_message", { text: "hi" }, {}, id)).toEqual(first);
    store.turns.end(turn, "answered", 1);
    expect(call("send_message", { text: "hi" }, {}, id)).toEqual(first);
    expect(sentTo(store, "family")).toEqual(["hi"]);
  });

  test("the same id of another group is another request", () => {
    const id = randomName(16);
    for (const folder of ["family", "work"]) agent(folder).call("send_message", { text: folder }, {}, id);
    expect([sentTo(store, "family"), sentTo(store, "work")]).toEqual([["family"], ["work"]]);
  });

  test("schedule_task in the chat's zone, list_tasks and cancel_task", () => {
    const { call } = agent("family");
    const task = toolResults.schedule_task.parse(resultOf(call("schedule_task", once)));
    expect(task).toMatchObject({ zone: "Europe/Berlin", next_run: "2026-11-22T19:00:00+01:00", status: "active" });
    expect(resultOf(call("list_tasks", {}))).toEqual({ tasks: [task] });
    expect(resultOf(call("cancel_task", { task_id: task.task_id }))).toMatchObject({
      status: "cancelled",
      next_run: null,
    });
    expect(resultOf(call("list_tasks", {}))).toEqual({ tasks: [] });
    expect(resultOf(call("cancel_task", { task_id: task.task_id }))).toMatch(/cancelled already/);
  });

  test("what was refused, or only looked, is no act", () => {
    const { call, acted } = agent("family");
    for (const [tool, args] of [
      ["schedule_task", { ...once, schedule_value: "2020-01-01T00:00:00" }],
      ["schedule_task", { ...once, zone: "Mars/Olympus" }],
      ["cancel_task", { task_id: "task-00000000" }],
      ["send_message", { text: "<internal>only</internal>" }],
    ] as const) {
      expect(call(tool, args).ok).toBe(false);
    }
    for (const [tool, args] of [
      ["list_tasks", {}],
      ["search_messages", { query: "x" }],
    ] as const) {
      expect(call(tool, args).ok).toBe(true);
    }
    expect(acted()).toBe(false);
    expect(store.outbox.pendingCount()).toBe(0);
  });

  describe("are refused", () => {
    test("when they come from an attempt that is over", () => {
      const { call, turn, acted } = agent("family");
      store.turns.requeue(turn, 0, false);
      expect(resultOf(call("send_message", { text: "late" }))).toBe("that turn is over");
      startAttempt(store, turn);
      expect(resultOf(call("send_message", { text: "late" }))).toBe("that turn is over");
      expect(call("send_message", { text: "now" }, { attempt: 2 }).ok).toBe(true);
      expect([sentTo(store, "family"), acted()]).toEqual([["now"], true]);
    });

    test("when they name another group's turn or chat", () => {
      const family = agent("family");
      const work = agent("work");
      expect(resultOf(execute("work", request(family.turn, "family", "list_tasks", {})))).toMatch(/not this group's/);
      expect(resultOf(execute("work", request(work.turn, "family", "list_tasks", {})))).toMatch(/another chat/);
      expect(resultOf(work.call("send_message", { text: "x", chat: "local:family" }))).toMatch(/only the main group/);
      expect(resultOf(work.call("send_message", { text: "x", chat: "1@g.us" }))).toMatch(/not registered/);
      expect(resultOf(work.call("schedule_task", { ...once, chat: "local:main" }))).toMatch(/only the main group/);
      expect(store.outbox.pendingCount() + store.tasks.all().length).toBe(0);
    });

    test("when they reach for another group's task or words", () => {
      const task = addTask(store, { folder: folderOf("family") });
      say(store, "a family secret", { chat: "local:family" as never });
      const { call } = agent("work");
      expect(resultOf(call("cancel_task", { task_id: task.id }))).toMatch(/no task .* in this group/);
      expect(resultOf(call("list_tasks", {}))).toEqual({ tasks: [] });
      expect(resultOf(call("search_messages", { query: "secret" }))).toEqual({ messages: [], more: false });
      expect(store.tasks.find(task.id)?.status).toBe("active");
    });
  });

  test("main may act on every group", () => {
    const task = addTask(store, { folder: folderOf("family") });
    const { call } = agent("main");
    expect(resultOf(call("list_tasks", {}))).toMatchObject({ tasks: [{ task_id: task.id, group: "family" }] });
    expect(call("cancel_task", { task_id: task.id }).ok).toBe(true);
    expect(call("send_message", { text: "hello family", chat: "local:family" }).ok).toBe(true);
    expect(sentTo(store, "family")).toEqual(["hello family"]);
    expect(resultOf(call("schedule_task", { ...once, chat: "local:work" }))).toMatchObject({ group: "work" });
  });

  describe("malformed", () => {
    const huge = "x".repeat(100_000);
    test.each<[string, (turn: TurnId) => unknown]>([
      ["nothing", () => undefined],
      ["null", () => null],
      ["a number", () => 7],
      ["an array", () => []],
      ["an empty object", () => ({})],
      ["another protocol", (turn) => request(turn, "family", "list_tasks", {}, { protocol: 2 })],
      ["a key too many", (turn) => request(turn, "family", "list_tasks", {}, { admin: true })],
      ["a huge key too many", (turn) => request(turn, "family", "list_tasks", {}, { [huge]: 1 })],
      ["no such tool", (turn) => request(turn, "family", "run_command", {})],
      ["a tool of Object's", (turn) => request(turn, "family", "constructor", {})],
      ["no arguments", (turn) => request(turn, "family", "send_message", undefined)],
      ["an argument too many", (turn) => request(turn, "family", "list_tasks", { folder: "main" })],
      ["an empty text", (turn) => request(turn, "family", "send_message", { text: "" })],
      ["a text too long", (turn) => request(turn, "family", "send_message", { text: huge })],
      ["a task id with a path", (turn) => request(turn, "family", "cancel_task", { task_id: "../../x" })],
      ["no words", (turn) => request(turn, "family", "search_messages", { query: "?!*" })],
      ["no time", (turn) => request(turn, "family", "search_messages", { query: "x", before: "soon" })],
      ["a fractional attempt", (turn) => request(turn, "family", "list_tasks", {}, { attempt: 1.5 })],
    ])("%s is refused with a short reason, and nothing is done", (_name, content) => {
      const { turn, acted } = agent("family");
      const made = execute("family", content(turn));
      expect(made).toMatchObject({ ok: false, error: expect.stringMatching(/\S/) });
      expect(JSON.stringify(made).length).toBeLessThan(10_000);
      expect([acted(), store.outbox.pendingCount(), store.tasks.all()]).toEqual([false, 0, []]);
    });

    test("whatever it is, it is answered and nothing is done", () => {
      const { acted } = agent("family");
      fc.assert(
        fc.property(fc.anything({ withNullPrototype: true }), (content) => {
          expect(execute("family", content).ok).toBe(false);
        }),
      );
      expect(acted()).toBe(false);
    });
  });

  test("nothing of a request is kept when its response cannot be", () => {
    const { call, acted } = agent("family");
    const record = store.requests.record;
    store.requests.record = () => {
      throw Object.assign(new Error("disk full"), { errcode: 13 });
    };
    const id = randomName(16);
    expect(() => call("send_message", { text: "hi" }, {}, id)).toThrow("disk full");
    expect([sentTo(store, "family"), acted()]).toEqual([[], false]);
    store.requests.record = record;
    expect(call("send_message", { text: "hi" }, {}, id).ok).toBe(true);
    expect(sentTo(store, "family")).toEqual(["hi"]);
  });

  test("search shows time in the group's zone, cuts giants, and says when there is more", () => {
    for (let count = 0; count < 3; count += 1)
      say(store, `needle ${"👋".repeat(100_000)}`, { chat: "local:family" as never });
    const { call } = agent("family");
    const made = call("search_messages", { query: 'needle"*', limit: 2 });
    const found = toolResults.search_messages.parse(resultOf(made));
    expect(found).toMatchObject({
      more: true,
      messages: [{ time: "2026-11-22T18:00:00.000+01:00", sender: "Ann" }, {}],
    });
    expect(JSON.stringify(found).length).toBeLessThan(200_000);
    expect(found.messages.every(({ text }) => text.isWellFormed() && text.includes("more characters"))).toBe(true);
  });
});
