import fc from "fast-check";
import { expect, test } from "vitest";
import { addGroup, context, found, jidOf, say, startAttempt } from "../../test/ledger-kit.ts";
import { newTurnId, type TurnId } from "../domain/ids.ts";
import { openStore, type Store } from "../store/store.ts";
import {
  settleAnswered,
  settleEmpty,
  settleFailed,
  settleInterrupted,
  settleShutdown,
  settleStopped,
} from "./settle.ts";
import { prepareInput } from "./turn-input.ts";

const main = jidOf("local:main");
const crash = { class: "crash", detail: "boom" } as const;

const steps = [
  "call",
  "talk",
  "claim",
  "input",
  "act",
  "answer",
  "crash",
  "timeout",
  "die",
  "stop",
  "shutdown",
  "wait",
] as const;
type Step = (typeof steps)[number];

/** One chat's ledger, moved by single steps; a step that cannot be taken now is passed over. */
class Ledger {
  readonly store: Store = openStore(":memory:");
  readonly calls: number[] = [];
  private running: { id: TurnId; n: number; given: boolean } | undefined;

  constructor() {
    addGroup(this.store, "main");
  }

  take(step: Step): void {
    if (step === "call") this.calls.push(say(this.store, "call"));
    else if (step === "talk") say(this.store, "talk", {}, context);
    else if (step === "claim") this.claim();
    else this.move(step);
  }

  private claim(): void {
    const next = this.store.turns.waiting(Number.MAX_SAFE_INTEGER)[0];
    if (this.running || !next) return;
    const id = next.turn ?? newTurnId();
    if (next.turn === null) {
      const fixed = { kind: "message", taskId: null, taskDueAt: null, status: "queued", now: 1, dueAt: 1 } as const;
      this.store.turns.add({ ...next, ...fixed, id });
    }
    this.running = { id, n: startAttempt(this.store, id).attempt.n, given: false };
  }

  private move(step: Exclude<Step, "call" | "talk" | "claim">): void {
    if (!this.running) return;
    const { id, n, given } = this.running;
    const { store } = this;
    const at = { store, turn: found(store.turns.find(id)), attempt: n, now: 1 };
    if (step === "input") return given ? undefined : this.give(at);
    if (step === "act") return given ? store.turns.markActed(id) : undefined;
    if (step === "answer" && !given) return;
    if (step === "answer") settleAnswered(at, { status: "ok", text: "hi", session: null }, null);
    if (step === "crash") settleFailed(at, crash);
    if (step === "timeout") settleFailed(at, { class: "timeout", detail: "" });
    if (step === "wait") settleFailed(at, { class: "engine-down", detail: "" });
    if (step === "die") settleInterrupted(at, crash);
    if (step === "stop") settleStopped(at);
    if (step === "shutdown") settleShutdown(at);
    this.running = undefined;
  }

  private give(at: Parameters<typeof settleEmpty>[0]): void {
    const { store } = this;
    const prepared = prepareInput({
      ...{ store, now: 1, zone: "UTC", outputBytes: 65_536, promptBudget: 16_384, secrets: {}, oneShot: true },
      inbox: "inbox",
      turn: at.turn,
      attempt: found(store.turns.attempt(at.turn.id, at.attempt)),
      group: found(store.groups.find("main")),
      chat: found(store.groups.chat(main)),
      agent: { backend: "offline", assistantName: "Andy" },
    });
    if (!prepared?.range) {
      settleEmpty(at);
      this.running = undefined;
      return;
    }
    store.turns.fixRange(at.turn.id, prepared.range.fromSeq, prepared.range.toSeq);
    store.turns.stampAttempt(at.turn.id, at.attempt, "input", 1);
    this.running = { id: at.turn.id, n: at.attempt, given: true };
  }

  /** Every call is over in a turn that had it, is open, or waits: never none of these. */
  check(): void {
    const { store } = this;
    const answered = store.turns.answeredSeq(main);
    const open = store.turns.openMessageTurn(main);
    for (const seq of this.calls) {
      const turn = store.turns.ofMessage(main, seq);
      const had = turn !== undefined && (turn.fromSeq ?? Infinity) <= seq && (turn.toSeq ?? 0) >= seq;
      if (seq <= answered) expect(had, `call ${seq} passed over`).toBe(true);
      else expect(open !== undefined || store.turns.waiting(1).length === 1, `call ${seq} forgotten`).toBe(true);
    }
    expect(store.turns.running().map(({ id }) => id)).toEqual(this.running ? [this.running.id] : []);
  }

  /** Answers until nobody waits. */
  finish(): void {
    for (let rounds = 0; rounds < 50; rounds += 1)
      for (const step of ["claim", "input", "answer"] as const) this.take(step);
  }
}

test("whatever happens in whatever order, no call is lost, none is answered twice, no turn stays open", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...steps), { maxLength: 60 }), (taken) => {
      const ledger = new Ledger();
      const answeredBy = new Map<number, Set<string>>();
      const note = () => {
        for (const seq of ledger.calls) {
          const turn = ledger.store.turns.ofMessage(main, seq);
          if (turn?.status !== "answered") continue;
          answeredBy.set(seq, (answeredBy.get(seq) ?? new Set()).add(turn.id));
        }
      };
      for (const step of taken) {
        ledger.take(step);
        ledger.check();
        note();
      }
      ledger.finish();
      ledger.check();
      note();
      for (const ids of answeredBy.values()) expect(ids.size).toBe(1);
      expect(ledger.store.turns.openMessageTurn(main)).toBeUndefined();
      expect(ledger.store.turns.waiting(Number.MAX_SAFE_INTEGER)).toEqual([]);
      expect(ledger.store.turns.answeredSeq(main)).toBeGreaterThanOrEqual(Math.max(0, ...ledger.calls));
      ledger.store[Symbol.dispose]();
    }),
    { numRuns: 300 },
  );
}, 60_000);
