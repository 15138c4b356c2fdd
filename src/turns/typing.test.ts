import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, startTurn } from "../../test/ledger-kit.ts";
import { manualClock, settled, type ManualClock } from "../../test/manual-clock.ts";
import type { Channel } from "../channels/channel.ts";
import { createWakeUp, type WakeUp } from "../domain/wake-up.ts";
import { openStore, type Store } from "../store/store.ts";
import { createTyping, type Typing } from "./typing.ts";

describe("while a turn runs, its chat sees that somebody writes", () => {
  let store: Store;
  let clock: ManualClock;
  let wake: WakeUp;
  let typing: Typing;
  let seen: string[];
  let show: (line: string) => void;

  beforeEach(() => {
    store = openStore(":memory:");
    clock = manualClock();
    wake = createWakeUp();
    seen = [];
    show = (line) => void seen.push(line);
    for (const folder of ["main", "family"]) addGroup(store, folder);
    const channel = {
      owns: () => true,
      typing: (chat, on) => show(`${chat} ${on ? "on" : "off"}`),
    } satisfies Partial<Channel> as unknown as Channel;
    typing = createTyping({ store, channels: [channel], clock, wake });
    typing.start();
  });
  afterEach(() => typing.stop());

  const woken = async () => {
    wake.now();
    await settled();
  };

  test("at once, again every eight seconds, and no longer when it ended", async () => {
    const { turn } = startTurn(store, "family");
    await woken();
    expect(seen).toEqual(["local:family on"]);
    await clock.advance(7_900);
    expect(seen).toHaveLength(1);
    await clock.advance(16_200);
    expect(seen).toEqual(Array(4).fill("local:family on"));
    store.turns.end(turn.id, "answered", clock.now());
    await woken();
    expect(seen.at(-1)).toBe("local:family off");
    await clock.advance(60_000);
    expect(seen).toHaveLength(5);
  });

  test("a task's turn, too; each chat on its own", async () => {
    startTurn(store, "family", addTask(store, { folder: folderOf("family") }));
    await woken();
    await clock.advance(4_000);
    const { turn } = startTurn(store, "main");
    await woken();
    store.turns.requeue(turn.id, 1e15, false);
    await woken();
    expect(seen).toEqual(["local:family on", "local:main on", "local:main off"]);
  });

  test("without a wake-up it is noticed all the same", async () => {
    startTurn(store, "family");
    await clock.advance(1_000);
    expect(seen).toEqual(["local:family on"]);
  });

  test("a channel that throws, or a database that cannot be read, stops nothing", async () => {
    show = () => {
      throw new Error("not now");
    };
    startTurn(store, "main");
    await woken();
    show = (line) => void seen.push(line);
    const running = store.turns.running;
    store.turns.running = () => {
      throw new Error("locked");
    };
    await clock.advance(9_000);
    expect(seen).toEqual(["local:main on"]);
    store.turns.running = running;
    startTurn(store, "family");
    await woken();
    expect(seen).toContain("local:family on");
  });

  test("stopping ends what is shown, and may be repeated", async () => {
    startTurn(store, "main");
    await woken();
    await typing.stop();
    await typing.stop();
    expect(seen).toEqual(["local:main on", "local:main off"]);
    expect(clock.sleepers()).toBe(0);
  });
});
