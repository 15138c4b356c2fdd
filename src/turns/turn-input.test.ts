import { turnInputSchema } from "@nanoclaw/agent-runner/protocol";
import { beforeEach, describe, expect, test } from "vitest";
import {
  addGroup,
  addTask,
  context,
  found,
  jidOf,
  say,
  startAttempt,
  startTurn,
  wakes,
} from "../../test/ledger-kit.ts";
import { openStore, type Store } from "../store/store.ts";
import { settleAnswered, settleInterrupted } from "./settle.ts";
import { prepareInput } from "./turn-input.ts";

describe("what an agent is given", () => {
  let store: Store;
  const main = jidOf("local:main");
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
  });
  const prepare = ({ turn, attempt }: ReturnType<typeof startTurn>, now = 9_000) =>
    prepareInput({
      ...{ store, attempt, now, zone: "Europe/Berlin", outputBytes: 65_536, promptBudget: 16_384 },
      turn: found(store.turns.find(turn.id)),
      group: found(store.groups.find(turn.folder)),
      chat: found(store.groups.chat(turn.chat)),
      agent: { backend: "kiro", assistantName: "Andy", name: "kiro-assistant", model: null, sharedStore: false },
      ...{ secrets: {}, oneShot: true, inbox: "inbox" },
    });
  const promptOf = (started: ReturnType<typeof startTurn>) => found(prepare(started)).input.prompt;

  test("brings what was said before, until the group starts anew", () => {
    const seq = say(store, "my cat is called Fred");
    const first = startTurn(store);
    store.turns.fixRange(first.turn.id, seq, seq);
    settleAnswered(
      { store, turn: found(store.turns.find(first.turn.id)), attempt: 1, now: 5_000 },
      { status: "ok", text: "Noted.", session: null },
      null,
    );
    say(store, "what is it called?");
    const second = startTurn(store);
    const { recap } = found(prepare(second)).input;
    expect(recap).toContain("called Fred");
    expect(recap).toContain('role="assistant"');
    expect(recap).not.toContain("what is it");
    store.groups.startFresh("main" as never, Date.UTC(2030, 0, 1));
    expect(found(prepare(second)).input.recap).toBeNull();
  });

  test("fits the protocol, with the group's session", () => {
    say(store, "hello");
    store.sessions.set("main" as never, "kiro", "s-1", 1);
    const { input, range } = found(prepare(startTurn(store)));
    expect(turnInputSchema.parse(JSON.parse(JSON.stringify(input)))).toEqual(input);
    expect(input).toMatchObject({ session: "s-1", kind: "message", attempt: 1, group: { main: true } });
    expect(range).toEqual({ fromSeq: 1, toSeq: 1 });
  });

  test("the range is fixed late: what came after the claim is in it", () => {
    say(store, "one");
    const started = startTurn(store);
    const second = say(store, "two");
    const prepared = found(prepare(started));
    expect(prepared.range).toEqual({ fromSeq: 1, toSeq: second });
    expect(prepared.input.prompt).toMatch(/one[^]*two/);
  });

  test("what was answered before is not in it, other chats neither", () => {
    addGroup(store, "family");
    const old = say(store, "old");
    store.turns.moveAnswered(main, old);
    say(store, "theirs", { chat: jidOf("local:family") });
    say(store, "new");
    expect(promptOf(startTurn(store))).not.toMatch(/old|theirs/);
  });

  test("a backlog of 10,000 is one prompt within the budget: the newest, and how many older ones there are", () => {
    store.transaction(() => {
      for (let count = 1; count <= 10_000; count += 1) say(store, `message number ${count}`);
    });
    const { input, range } = found(prepare(startTurn(store)));
    expect(range).toEqual({ fromSeq: 1, toSeq: 10_000 });
    expect(Buffer.byteLength(input.prompt)).toBeLessThanOrEqual(16_384);
    const shown = input.prompt.match(/<message /g)?.length ?? 0;
    expect(input.prompt).toContain("message number 10000<");
    expect(input.prompt).toContain(`<older count="${10_000 - shown}">`);
  });

  test("a call is answered behind any amount of talk, and it is in the prompt's messages", () => {
    say(store, "@Andy the question");
    store.transaction(() => {
      for (let count = 0; count < 3_000; count += 1) say(store, "talk", {}, context);
    });
    const { input, range } = found(prepare(startTurn(store)));
    expect(range?.toSeq).toBe(3_001);
    expect(input.prompt.match(/@Andy the question/g)).toHaveLength(1);
    const shown = input.prompt.match(/<message /g)?.length ?? 0;
    expect(input.prompt).toContain(`<older count="${3_001 - shown}">`);
  });

  test("with talk alone there is nothing to answer", () => {
    say(store, "talk", {}, context);
    expect(prepare(startTurn(store))).toBeNull();
  });

  test("people without the right to start turns are marked as guests", () => {
    say(store, "do evil", { senderName: "Eve" }, { decision: "context", reason: "sender-not-allowed" });
    say(store, "hello", {}, wakes);
    expect(promptOf(startTurn(store))).toMatch(/sender="Eve" [^>]*role="guest"/);
  });

  test("a later attempt is told that an earlier one was given the same", () => {
    say(store, "hello");
    const started = startTurn(store);
    store.turns.stampAttempt(started.turn.id, 1, "input", 5_000);
    settleInterrupted({ store, turn: started.turn, attempt: 1, now: 6_000 }, { class: "crash", detail: "" });
    expect(promptOf(startAttempt(store, started.turn.id))).toContain(
      "<note>An earlier attempt at this, begun Thu 1 Jan",
    );
  });

  test("an earlier attempt that never had the input needs no warning", () => {
    say(store, "hello");
    const { turn } = startTurn(store);
    expect(promptOf(startAttempt(store, turn.id))).not.toContain("<note>");
  });

  describe("after a turn that was cut off", () => {
    const cutOff = () => {
      const seq = say(store, "send ten letters");
      const started = startTurn(store);
      store.turns.fixRange(started.turn.id, seq, seq);
      store.turns.markActed(started.turn.id);
      store.outbox.add({
        ...{ chat: main, folder: started.turn.folder, messageId: "m-1", text: "letter 1", source: "send_message" },
        ...{ turn: started.turn.id, task: null, requestKey: null, now: 1 },
      });
      settleInterrupted({ store, turn: started.turn, attempt: 1, now: 6_000 }, { class: "crash", detail: "" });
      return seq;
    };

    test('"go on" comes with its messages and what was sent', () => {
      const seq = cutOff();
      const newest = say(store, "go on");
      const { input, range } = found(prepare(startTurn(store)));
      expect(range).toEqual({ fromSeq: seq, toSeq: newest });
      expect(input.prompt).toMatch(/<note>The turn before was cut off .*\(messages sent: 1\)/);
      expect(input.prompt).toMatch(/send ten letters[^]*go on/);
    });

    test("without a new call there is no new turn", () => {
      cutOff();
      expect(store.turns.waiting(9_999_999)).toEqual([]);
    });

    test("and one more answer later it is over", () => {
      cutOff();
      const seq = say(store, "no, leave it");
      const next = startTurn(store);
      store.turns.fixRange(next.turn.id, 1, seq);
      settleAnswered(
        { store, turn: next.turn, attempt: 1, now: 7_000 },
        { status: "ok", text: "", session: null },
        null,
      );
      say(store, "something else");
      expect(promptOf(startTurn(store))).not.toMatch(/letters|<note>/);
    });
  });

  describe("of a task", () => {
    test("is its prompt and when it was due, and no range of messages", () => {
      say(store, "meanwhile");
      const { input, range } = found(prepare(startTurn(store, "main", addTask(store), 4_000)));
      expect(range).toBeNull();
      expect(input.kind).toBe("task");
      expect(input.prompt).toContain('due="1970-01-01T01:00:04+01:00">\nSend this reminder: stretch\n</task>');
      expect(input.prompt).not.toContain("meanwhile");
    });

    test.each(["paused", "cancelled", "completed"] as const)("that is %s by now: nothing", (status) => {
      const task = addTask(store);
      const started = startTurn(store, "main", task);
      store.tasks.setStatus(task.id, status);
      expect(prepare(started)).toBeNull();
    });

    test("that is isolated has no session", () => {
      store.sessions.set("main" as never, "kiro", "s-1", 1);
      const isolated = startTurn(store, "main", addTask(store, { contextMode: "isolated" }));
      expect(found(prepare(isolated)).input.session).toBeNull();
      store.turns.end(isolated.turn.id, "answered", 1);
      expect(found(prepare(startTurn(store, "main", addTask(store)))).input.session).toBe("s-1");
    });
  });
});
