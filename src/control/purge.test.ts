import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, addTask, folderOf, say } from "../../test/ledger-kit.ts";
import type { Folder } from "../domain/ids.ts";
import { homePaths, type Home } from "../home.ts";
import { openStore, type Store } from "../store/store.ts";
import { GroupError } from "./group-error.ts";
import { purgeGroup } from "./purge.ts";

describe("purging a group", () => {
  let store: Store;
  let home: Home;
  let events: string[];
  let gone: (folder: Folder) => Promise<void>;
  const family = folderOf("family");

  beforeEach(() => {
    home = homePaths(realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-purge-"))));
    store = openStore(":memory:");
    events = [];
    gone = (folder) => Promise.resolve(void events.push(`gone ${folder}`));
    for (const folder of ["main", "family", "work"]) {
      addGroup(store, folder);
      for (const place of home.traces(folderOf(folder))) fill(place);
    }
  });
  afterEach(() => rmSync(home.root, { recursive: true, force: true }));

  const fill = (place: string) => {
    mkdirSync(dirname(place), { recursive: true });
    if (place.endsWith(".json")) return writeFileSync(place, "{}");
    mkdirSync(join(place, "deep"), { recursive: true });
    writeFileSync(join(place, "deep", "file"), "x");
  };
  const purge = (name: string) =>
    purgeGroup(
      {
        store,
        purging: { traces: home.traces, gone: (folder) => gone(folder) },
        remove: (folder) => {
          events.push(`remove ${folder}`);
          store.groups.remove(folder);
        },
      },
      name,
    );
  const left = (folder: string) => home.traces(folderOf(folder)).filter((place) => existsSync(place));

  test("ends it, waits until its run is gone, and then deletes its files, and nobody else's", async () => {
    gone = () => {
      events.push(`files at the end of its run: ${left("family").length}`);
      return Promise.resolve();
    };
    const { removed } = await purge("family");
    expect(events).toEqual(["remove family", `files at the end of its run: ${removed.length}`]);
    expect(removed).toEqual(home.traces(family));
    expect(left("family")).toEqual([]);
    expect(left("work")).toEqual(home.traces(folderOf("work")));
  });

  test("forgets what was said and planned there, so that a later group of that name finds nothing", async () => {
    say(store, "the secret plan", { chat: "local:family" as never });
    addTask(store, { folder: family });
    addTask(store);
    await purge("family");
    expect(store.messages.search(["secret"], null, Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    expect(store.tasks.all().map(({ folder }) => folder)).toEqual(["main"]);
  });

  test("a link of the agent's is deleted, not what it leads to", async () => {
    const outside = join(home.root, "outside");
    fill(outside);
    symlinkSync(outside, join(home.group(family).group, "link"));
    await purge("family");
    expect(existsSync(join(outside, "deep", "file"))).toBe(true);
  });

  test("a tree that is deeper than a path can say is deleted", async () => {
    const sink = 'const fs = require("fs"), name = "d".repeat(200);';
    const dive = "for (let at = 0; at < 50; at += 1) { fs.mkdirSync(name); process.chdir(name); }";
    const { status } = spawnSync(process.execPath, ["-e", sink + dive], { cwd: home.group(family).group });
    expect(status).toBe(0);
    await purge("family");
    expect(left("family")).toEqual([]);
  });

  // Nothing is closed to root.
  test.skipIf(process.getuid?.() === 0)("a folder that nobody may enter is deleted", async () => {
    const closed = join(home.group(family).group, "deep");
    chmodSync(join(closed, "file"), 0);
    chmodSync(closed, 0);
    await purge("family");
    expect(left("family")).toEqual([]);
  });

  test("cleans up after a group that was removed before, and after a purge that was broken off", async () => {
    store.groups.remove(family);
    await purge("family");
    expect(left("family")).toEqual([]);
    expect(events).toEqual(["gone family"]);
  });

  test.each([
    ["main", /main group cannot be removed/],
    ["../main", /cannot be used/],
    ["global", /reserved/],
    ["nobody", /nothing left of one/],
  ])("%s is refused, and nothing is deleted", async (name, why) => {
    await expect(purge(name)).rejects.toThrow(why);
    expect(events).toEqual([]);
    expect(left("main")).toEqual(home.traces(folderOf("main")));
  });

  test("deletes nothing when the run cannot be ended, or the folder is used again by then", async () => {
    gone = () => Promise.reject(new GroupError("it is at work"));
    await expect(purge("family")).rejects.toThrow(/at work/);
    expect(left("family")).toHaveLength(home.traces(family).length);
    gone = () => Promise.resolve(void addGroup(store, "family"));
    await expect(purge("family")).rejects.toThrow(/registered anew/);
    expect(left("family")).toHaveLength(home.traces(family).length);
  });
});
