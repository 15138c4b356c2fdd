import { beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, found, jidOf, say, startTurn } from "../../test/ledger-kit.ts";
import { manualClock } from "../../test/manual-clock.ts";
import { homePaths } from "../home.ts";
import { openStore, type Store } from "../store/store.ts";
import { offlineNeeds } from "./agent-needs.ts";
import { settleEmpty } from "./settle.ts";
import { fixInput, inboxOf, workOf, type TurnSettings } from "./turn-work.ts";
import type { Work } from "./work.ts";

const resources = { memory: 1, cpus: 1, pids: 1, shm: 1, fileSize: 1, network: "none" } as const;
const settings: TurnSettings = {
  ...{ agent: "offline", kiroReady: false, zone: "UTC", oneShot: true, promptBudget: 16_384 },
  ...{ timeout: 1, silenceTimeout: 1, outputBytes: 65_536, grace: 1, resources },
};

describe("a turn's input", () => {
  const main = jidOf("local:main");
  const clock = manualClock();
  let store: Store;
  beforeEach(() => {
    store = openStore(":memory:");
    addGroup(store, "main");
  });
  const begin = () => {
    const { turn, attempt } = startTurn(store);
    const work = workOf(store, settings, turn, attempt) as Work;
    const fix = (inbox = "inbox") => fixInput({ store, clock, settings, work, needs: offlineNeeds("Andy"), inbox });
    return { turn, fix };
  };

  test("names files where the run finds them: below its folder, or without mounts where the host keeps them", () => {
    const there = { kind: "image", path: "inbox/a$1.jpg", name: "a.jpg", mime: "image/jpeg", bytes: 1 } as const;
    say(store, "look", { attachments: [{ ...there, problem: null }] });
    const { fix } = begin();
    const paths = homePaths("/home/ann/nanoclaw").group(folderOf("main"));
    expect(fix(inboxOf("docker", paths))).toContain('path=\\"inbox/a$1.jpg\\"');
    expect(fix(inboxOf("host", paths))).toContain('path=\\"/home/ann/nanoclaw/data/inbox/main/a$1.jpg\\"');
  });

  test("tells of messages that could not be sent, once", () => {
    const row = {
      chat: main,
      folder: folderOf("main"),
      text: "x".repeat(200),
      source: "answer",
      messageId: "o-1",
    } as const;
    store.outbox.add({ ...row, turn: null, task: null, requestKey: null, now: 1 });
    store.outbox.markFailed(store.outbox.newestSeq(main), "not in the group any more");
    say(store, "hello");
    const { fix } = begin();
    expect(fix()).toContain(
      `A message of yours to local:main could not be sent (not in the group any more). It began: &quot;${"x".repeat(80)}&quot;`,
    );
    expect(fix()).not.toContain("could not be sent");
  });

  test("with nothing left to answer passes what was there, and not what comes while the run ends", () => {
    store.messages.withdraw(say(store, "never mind"));
    const { turn, fix } = begin();
    expect(fix()).toBeNull();
    const late = say(store, "but now");
    settleEmpty({ store, turn: found(store.turns.find(turn.id)), attempt: 1, now: clock.now() });
    expect(store.turns.find(turn.id)?.status).toBe("cancelled");
    expect(store.turns.answeredSeq(main)).toBeLessThan(late);
    expect(store.turns.waiting(clock.now())).toMatchObject([{ chat: main }]);
  });
});
