import { offlineNeeds } from "./agent-needs.ts";
import { expect, test } from "vitest";
import { addGroup, found, jidOf, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { silentLog } from "../domain/log.ts";
import { homePaths } from "../home.ts";
import type { Exit, Running, Runtime } from "../runtime/runtime.ts";
import { openStore } from "../store/store.ts";
import { createTurnRunner, type TurnRunnerOptions } from "./turn.ts";

/** A run that an earlier host began, in a chat that nothing serves any more. */
function leftOver(folder: string, jid: string) {
  const store = openStore(":memory:");
  addGroup(store, folder, { jid: jidOf(jid) });
  const { turn, attempt } = startTurn(store, folder);
  const { promise, resolve } = Promise.withResolvers<Exit>();
  const signals: string[] = [];
  const running = {
    ...{ handle: {}, stdin: null, stdout: null, stderr: null, exited: promise },
    signal: (kind: string) => {
      signals.push(kind);
      resolve({ code: null, signal: "KILL" });
    },
  } as Running;
  const settings = { agent: undefined, kiroReady: false } as TurnRunnerOptions["settings"];
  const runtime = { name: "host", clear: () => Promise.resolve() } as Partial<Runtime> as Runtime;
  const runner = createTurnRunner({
    supply: {
      prepare: () => Promise.resolve(offlineNeeds("Andy")),
      takeUp: () => Promise.resolve(offlineNeeds("Andy")),
    },
    ...{ store, settings, clock: manualClock(), log: silentLog, checkpoint: () => {}, onChange: () => {} },
    screen: (text) => text,
    onSecret: () => {},
    runtimeFor: () => runtime,
    paths: homePaths("/nowhere").group,
  });
  const adopt = () => runner.adopt({ ...turn, chat: jidOf(jid) }, attempt, running, runtime);
  return { store, adopt, signals, statusOf: () => found(store.turns.find(turn.id)).status };
}

test("a run whose group was removed is ended, and its turn with it", async () => {
  const { store, adopt, signals, statusOf } = leftOver("work", "local:work");
  store.groups.remove("work" as never);
  await adopt();
  expect([signals, statusOf(), store.turns.running()]).toEqual([["KILL"], "cancelled", []]);
});

test("a run whose chat has no agent any more is ended; its turn waits and does not block the folder", async () => {
  const { store, adopt, signals, statusOf } = leftOver("work", "123@g.us");
  await adopt();
  expect([signals, statusOf(), store.turns.running()]).toEqual([["KILL"], "queued", []]);
});
