import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, found, jidOf, say, sentTo, startAttempt, startTurn } from "../../test/ledger-kit.ts";
import type { Failure } from "../domain/failure.ts";
import { newTurnId } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import {
  settleAnswered,
  settleEmpty,
  settleFailed,
  settleInterrupted,
  settleShutdown,
  settleStopped,
  type Settlement,
} from "./settle.ts";

const crash: Failure = { class: "crash", detail: "boom" };
const ok = (text: string, session: string | null = null) => ({ status: "ok", text, session }) as const;

describe("how a turn ends", () => {
  let store: Store;
  const main = jidOf("local:main");
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
  });
  const at = ({ turn, attempt }: ReturnType<typeof startTurn>, now = 5_000): Settlement => ({
    ...{ store, turn, attempt: attempt.n, now },
  });
  /** A turn over the messages so far. */
  const withInput = (count = 1) => {
    const seqs = Array.from({ length: count }, (_, index) => say(store, `message ${index}`));
    const started = startTurn(store);
    store.turns.fixRange(started.turn.id, seqs[0] ?? 0, seqs.at(-1) ?? 0);
    store.turns.stampAttempt(started.turn.id, started.attempt.n, "input", 2_000);
    return { ...started, toSeq: seqs.at(-1) ?? 0 };
  };
  const statusOf = ({ turn }: { turn: { id: string } }) => store.turns.find(turn.id)?.status;
  const waits = () => store.turns.waiting(10_000_000).length;

  test("answered: outbox, session, cursor and end; the next message is a new turn", () => {
    const started = withInput(2);
    settleAnswered(at(started), ok("Hello<internal>x</internal>", "s-1"), "kiro");
    expect(sentTo(store)).toEqual(["Hello"]);
    expect(statusOf(started)).toBe("answered");
    expect(store.turns.answeredSeq(main)).toBe(started.toSeq);
    expect(store.sessions.get(started.turn.folder, "kiro")).toBe("s-1");
    expect(waits()).toBe(0);
    say(store, "next");
    expect(waits()).toBe(1);
  });

  test("a session is not kept when it is another group's, or the group started anew meanwhile", () => {
    addGroup(store, "other");
    store.sessions.set("other" as never, "kiro", "theirs", 1);
    settleAnswered(at(withInput()), ok("x", "theirs"), "kiro");
    expect(store.sessions.get("main" as never, "kiro")).toBeNull();
    const started = withInput();
    store.groups.startFresh("main" as never, 2_001);
    settleAnswered(at(started), ok("x", "s-2"), "kiro");
    expect(store.sessions.get("main" as never, "kiro")).toBeNull();
  });

  test("a message between the input and the end is not passed over, however the turn ends", () => {
    const ends: ((at: Settlement) => unknown)[] = [
      (at) => settleAnswered(at, ok("x"), null),
      (at) => settleFailed(at, { class: "timeout", detail: "" }),
      settleStopped,
      settleEmpty,
    ];
    for (const end of ends) {
      const started = withInput();
      const late = say(store, "late");
      end(at(started));
      expect(store.turns.answeredSeq(main)).toBe(started.toSeq);
      expect(waits()).toBe(1);
      store.turns.moveAnswered(main, late);
    }
  });

  test("all or nothing: an outbox that cannot take the answer leaves the turn running", () => {
    const started = withInput();
    store.outbox.add = () => {
      throw new Error("disk full");
    };
    expect(() => settleAnswered(at(started), ok("Hello", "s-1"), "kiro")).toThrow("disk full");
    expect(statusOf(started)).toBe("running");
    expect(store.turns.answeredSeq(main)).toBe(0);
    expect(store.sessions.get(started.turn.folder, "kiro")).toBeNull();
  });

  test("an answer without visible text sends nothing and is an answer", () => {
    const started = withInput();
    settleAnswered(at(started), ok("<internal>nothing to say</internal>"), null);
    expect([sentTo(store), statusOf(started)]).toEqual([[], "answered"]);
  });

  test("a long answer goes out in pieces, in order, each with an id of its own", () => {
    settleAnswered(at(withInput()), ok(`${"a".repeat(15_990)}\n\n${"b".repeat(100)}`), null);
    const rows = store.outbox.after(main, 0, 10);
    expect(rows.map(({ text }) => text[0])).toEqual(["a", "b"]);
    expect(new Set(rows.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test("an isolated run leaves no session, and one without a session keeps the old", () => {
    settleAnswered(at(withInput()), ok("x", "s-1"), null);
    expect(store.sessions.get("main" as never, "kiro")).toBeNull();
    store.sessions.set("main" as never, "kiro", "s-0", 1);
    settleAnswered(at(withInput()), ok("x", null), "kiro");
    expect(store.sessions.get("main" as never, "kiro")).toBe("s-0");
  });

  test("crashes are tried again, each later than the one before, and end after the sixth with one sentence", () => {
    const first = withInput();
    const waits: (number | undefined)[] = [];
    let started: ReturnType<typeof startTurn> = first;
    for (let times = 0; times < 6; times += 1) {
      settleFailed(at(started), crash);
      const turn = found(store.turns.find(first.turn.id));
      if (turn.status === "queued") waits.push(turn.dueAt - 5_000);
      if (turn.status === "queued") started = startAttempt(store, turn.id);
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 80_000]);
    expect(statusOf(first)).toBe("failed");
    expect(sentTo(store)).toEqual([expect.stringContaining("6 times")]);
    expect(store.turns.answeredSeq(main)).toBe(first.toSeq);
  });

  test("a cause that a person must remove is told once, and the turn waits", () => {
    const started = withInput();
    const missing: Failure = { class: "agent-missing", detail: "x" };
    settleFailed(at(started), missing);
    settleFailed(at(startAttempt(store, started.turn.id)), missing);
    expect(statusOf(started)).toBe("queued");
    expect(sentTo(store)).toHaveLength(1);
    expect(store.turns.answeredSeq(main)).toBe(0);
  });

  test("a turn that has acted is not repeated, also when it acted after it was claimed", () => {
    for (const end of [settleFailed, settleInterrupted]) {
      const started = withInput();
      store.turns.markActed(started.turn.id);
      expect(end(at(started), crash)).toMatchObject({ kind: "end", status: "interrupted" });
      expect(statusOf(started)).toBe("interrupted");
      expect(store.turns.answeredSeq(main)).toBe(started.toSeq);
    }
  });

  test("cut off by the host's death it is tried again at once, but not for ever once it had its input", () => {
    const first = withInput();
    let started: ReturnType<typeof startTurn> = first;
    const cutOff = (hadInput: boolean) => {
      if (hadInput) store.turns.stampAttempt(first.turn.id, started.attempt.n, "input", 1_000);
      settleInterrupted(at(started), crash);
    };
    for (let times = 0; times < 20; times += 1) {
      cutOff(times < 5);
      expect(store.turns.find(first.turn.id)).toMatchObject({ status: "queued", dueAt: 5_000 });
      started = startAttempt(store, first.turn.id);
    }
    cutOff(true);
    expect(statusOf(first)).toBe("failed");
  });

  test("a host that stops puts the turn back without blame, unless it has acted", () => {
    const started = withInput();
    settleShutdown(at(started));
    expect(store.turns.find(started.turn.id)).toMatchObject({ status: "queued", dueAt: 5_000, crashes: 0 });
    expect(sentTo(store)).toEqual([]);
    const again = startAttempt(store, started.turn.id);
    store.turns.markActed(started.turn.id);
    settleShutdown(at(again));
    expect(statusOf(started)).toBe("interrupted");
  });

  test("stopped before any input it takes the messages that it would have had", () => {
    say(store, "one");
    const started = startTurn(store);
    const newest = say(store, "two");
    settleStopped(at(started));
    expect(sentTo(store)).toEqual(["Stopped, as you asked."]);
    expect(store.turns.answeredSeq(main)).toBe(newest);
    expect(store.turns.ofMessage(main, newest)?.id).toBe(started.turn.id);
    expect(waits()).toBe(0);
  });

  test("a retry's messages are all of them again; what came since joins", () => {
    const started = withInput();
    settleFailed(at(started), crash);
    const joined = say(store, "joined");
    const again = startAttempt(store, started.turn.id);
    store.turns.fixRange(started.turn.id, 1, joined);
    settleAnswered(at(again), ok("x"), null);
    expect(store.turns.answeredSeq(main)).toBe(joined);
  });

  describe("of a task", () => {
    const run = (task = addTask(store)) => {
      const started = startTurn(store, "main", task);
      store.tasks.logStarted(started.turn.id, 2_000);
      return { task, started };
    };
    const taskOf = ({ task }: { task: { id: string } }) => found(store.tasks.find(task.id));

    test("once and answered: completed, with its result and how long it took; no message is passed over", () => {
      const made = run();
      const seq = say(store, "meanwhile");
      settleAnswered(at(made.started), ok("⏰ done"), null);
      expect(taskOf(made)).toMatchObject({ status: "completed", lastRun: 5_000, lastResult: "⏰ done" });
      expect(store.tasks.runs(made.task.id, 5)).toMatchObject([{ status: "success", durationMs: 3_000 }]);
      expect(store.turns.answeredSeq(main)).toBeLessThan(seq);
      expect(store.outbox.after(main, 0, 5)).toMatchObject([{ task: made.task.id }]);
    });

    test.each([
      ["failed", (at: Settlement) => settleFailed(at, { class: "timeout", detail: "slow" }), "failed", "error"],
      ["stopped", settleStopped, "cancelled", "cancelled"],
    ])("once and %s: over, with the reason in its log", (_name, end, status, logged) => {
      const made = run();
      end(at(made.started));
      expect(taskOf(made).status).toBe(status);
      expect(store.tasks.runs(made.task.id, 5)).toMatchObject([{ status: logged }]);
    });

    test("that waits for what its chat was told already says nothing; somebody who writes is told", () => {
      const out: Failure = { class: "logged-out", detail: "no login" };
      settleFailed(at(run().started), out);
      settleFailed(at(run(addTask(store)).started), out);
      expect(sentTo(store)).toHaveLength(1);
      settleFailed(at(withInput()), out);
      expect(sentTo(store)).toHaveLength(2);
      settleFailed(at(run(addTask(store)).started), { class: "engine-down", detail: "another cause" });
      expect(sentTo(store)).toHaveLength(3);
    });

    describe("what the chat gets", () => {
      const late = (changes: { createdAt?: number; begun?: number } = {}) => {
        const { createdAt = 7_800_000, begun = 7_800_000 } = changes;
        const task = addTask(store);
        const id = newTurnId();
        const facts = { folder: task.folder, chat: task.chat, kind: "task", taskId: task.id, taskDueAt: 0 } as const;
        store.tasks.setNextRun(task.id, null);
        store.turns.add({ id, ...facts, status: "queued", queueSeq: 0, dueAt: 0, now: createdAt });
        store.tasks.logQueued(task.id, id, 0);
        const started = startAttempt(store, id, begun);
        store.turns.stampAttempt(id, started.attempt.n, "input", begun);
        return { task, started };
      };
      const send = ({ started: { turn } }: { started: ReturnType<typeof startTurn> }, text: string, chat = turn.chat) =>
        store.outbox.add({
          ...{ chat, folder: turn.folder, messageId: `m-${text}`, text, source: "send_message", turn: turn.id },
          ...{ task: turn.taskId, requestKey: text, now: 5 },
        });

      test("a missed run says how late it is, once, whatever crashes after that", () => {
        const made = late();
        settleAnswered(at(made.started), ok("⏰ stretch"), null);
        expect(sentTo(store)).toEqual(["(due 01:00, 2 h 10 min late: I was not running)\n\n⏰ stretch"]);
      });

      test("one that had to wait for long says that; one that waited a little says nothing", () => {
        settleAnswered(at(late({ createdAt: 5, begun: 599_000 }).started), ok("soon"), null);
        settleAnswered(at(late({ createdAt: 5, begun: 660_000 }).started), ok("later"), null);
        expect(sentTo(store)).toEqual(["soon", "(due 01:00, 11 min late: it had to wait)\n\nlater"]);
      });

      test("nothing, when the agent has nothing to report, however late", () => {
        settleAnswered(at(late().started), ok("<internal>all quiet</internal>"), null);
        expect(sentTo(store)).toEqual([]);
      });

      test("not again what the agent has sent already (D44); what is new is sent", () => {
        const same = run();
        send(same, "done");
        settleAnswered(at(same.started), ok(" done "), null);
        const other = run();
        send(other, "first");
        settleAnswered(at(other.started), ok("second"), null);
        expect(sentTo(store)).toEqual(["done", "first", "second"]);
      });

      test("its answer, when the same words went to another chat", () => {
        addGroup(store, "other");
        const made = run();
        send(made, "done", jidOf("local:other"));
        settleAnswered(at(made.started), ok("done"), null);
        expect(sentTo(store)).toEqual(["done"]);
      });

      test("how late it is, when the rest was sent already", () => {
        const made = late();
        send(made, "⏰ stretch");
        settleAnswered(at(made.started), ok("⏰ stretch"), null);
        expect(sentTo(store)).toEqual(["⏰ stretch", "(due 01:00, 2 h 10 min late: I was not running)"]);
      });

      test("which task it was that failed, and why; never that it is completed (D43)", () => {
        const made = late();
        settleFailed(at(made.started, 7_800_000), { class: "timeout", detail: "slow" });
        expect(sentTo(store)).toEqual([
          expect.stringMatching(/^The task “Send this reminder: stretch” \(due 01:00\): I stopped: this took longer/),
        ]);
        expect(taskOf(made).status).toBe("failed");
      });

      test("that it waits, where it does, and not that a message does", () => {
        settleFailed(at(run().started), { class: "logged-out", detail: "x" });
        expect(sentTo(store)).toEqual([
          expect.stringMatching(/kiro-cli login\. The task waits and is done after that/),
        ]);
      });
    });

    test("a pause before it began keeps a one-time task, to be given a new time", () => {
      const made = run();
      store.tasks.setStatus(made.task.id, "paused");
      settleEmpty(at(made.started));
      expect(taskOf(made)).toMatchObject({ status: "paused", nextRun: made.started.turn.taskDueAt });
    });

    test("a new time that it was given while it ran stands", () => {
      const made = run();
      store.tasks.setNextRun(made.task.id, 99_000);
      settleAnswered(at(made.started), ok("x"), null);
      expect(taskOf(made)).toMatchObject({ status: "active", nextRun: 99_000 });
    });

    test("a run that waited until it was stale is not done, and a one-time task says so", () => {
      const task = addTask(store, { staleAfter: 60_000 });
      const made = run(task);
      settleEmpty(at(made.started, 7_800_000));
      expect(taskOf(made).status).toBe("failed");
      expect(store.tasks.runs(task.id, 1)).toMatchObject([{ status: "skipped" }]);
      expect(sentTo(store)).toEqual([expect.stringMatching(/^Not done: .*stretch/)]);
    });

    test("a retry keeps a one-time task alive", () => {
      const made = run();
      settleFailed(at(made.started), crash);
      expect(taskOf(made).status).toBe("active");
    });

    test("a recurring one goes on, however a run of it ends", () => {
      const made = run(addTask(store, { schedule: { type: "interval", value: "60000", zone: "UTC" } }));
      settleFailed(at(made.started), { class: "timeout", detail: "slow" });
      expect(taskOf(made)).toMatchObject({ status: "active", lastResult: "Error: timeout: slow" });
    });

    test("cancelled while it ran stays cancelled", () => {
      const made = run();
      store.tasks.cancel(made.task.id);
      settleAnswered(at(made.started), ok("x"), null);
      expect(taskOf(made).status).toBe("cancelled");
    });

    test("a long result is kept in part, never half an emoji", () => {
      const made = run();
      settleAnswered(at(made.started), ok("a".repeat(199) + "👋".repeat(50)), null);
      expect(taskOf(made).lastResult).toBe("a".repeat(199));
    });
  });
});
