import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addGroup, folderOf, found, sentTo, startTurn } from "../test/ledger-kit.ts";
import { manualClock } from "../test/manual-clock.ts";
import { silentLog } from "./domain/log.ts";
import type { GroupSettings } from "./domain/group.ts";
import { withExtraMounts } from "./extra-mounts.ts";
import { homePaths, type Home } from "./home.ts";
import { allowlistPath } from "./runtime/extra-mounts.ts";
import { openStore, type Store } from "./store/store.ts";
import { offlineNeeds, type AgentSupply } from "./turns/agent-needs.ts";

describe("what a run is given of the person's folders", () => {
  let person: string;
  let home: Home;
  let store: Store;
  let runtime: "docker" | "host";
  let given: number;
  beforeEach(() => {
    [runtime, given] = ["docker", 0];
    person = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-person-")));
    home = homePaths(join(person, "assistant"));
    for (const path of ["projects/app", "projects/notes", "assistant"])
      mkdirSync(join(person, path), { recursive: true });
    mkdirSync(dirname(allowlistPath(person)), { recursive: true });
    writeFileSync(
      allowlistPath(person),
      JSON.stringify({ allowedRoots: [{ path: "~/projects", allowReadWrite: true }], nonMainReadOnly: true }),
    );
    store = openStore(":memory:");
    for (const folder of ["main", "family"]) addGroup(store, folder);
  });
  afterEach(() => rmSync(person, { recursive: true, force: true }));

  const prepare = async (folder: string, mounts: GroupSettings["mounts"]) => {
    const offline: AgentSupply = {
      prepare: () =>
        Promise.resolve({
          ...offlineNeeds("Andy"),
          [Symbol.asyncDispose]: () => Promise.resolve(void (given += 1)),
        }),
      takeUp: () => Promise.resolve(offlineNeeds("Andy")),
    };
    const places = { ...{ home: person, kiro: join(person, ".kiro"), aws: join(person, ".aws") } };
    const supply = withExtraMounts(offline, {
      ...{ env: { HOME: person }, home, store, clock: manualClock(), log: silentLog, onOutbox: () => {} },
      places: { ...places, data: join(person, "kiro-data"), database: join(person, "kiro-data", "d") },
      runtimeOf: () => runtime,
    });
    store.groups.update(folderOf(folder), folder, mounts ? { mounts } : {});
    const open = store.turns.openIn(folderOf(folder))[0];
    const { turn, attempt } = open
      ? { turn: open, attempt: found(store.turns.attempt(open.id, 1)) }
      : startTurn(store, folder);
    const group = found(store.groups.find(folder));
    const chat = found(store.groups.chatsOf(group.folder)[0]);
    return supply.prepare({ turn, attempt, group, chat, agent: "offline" }, new AbortController().signal);
  };
  const app = { hostPath: "~/projects/app", containerPath: "app", readonly: false };
  const notes = { hostPath: "~/projects/notes", containerPath: "notes", readonly: false };

  test("a group without any has the shared folder alone, as ever", async () => {
    expect((await prepare("family", undefined)).mounts).toEqual([]);
    expect(existsSync(home.extraPoints(folderOf("family")))).toBe(false);
  });

  test("lies beside the shared one, in a folder of mount points that is the host's own", async () => {
    const points = home.extraPoints(folderOf("main"));
    expect((await prepare("main", [app])).mounts).toEqual([
      { source: points, target: "/workspace/extra", readonly: true, owned: false },
      { source: join(home.root, "groups/extra"), target: "/workspace/extra/shared", readonly: false, owned: true },
      {
        ...{ source: join(person, "projects/app"), target: "/workspace/extra/app" },
        ...{ readonly: false, owned: false, persons: true },
      },
    ]);
    expect(readdirSync(points).sort()).toEqual(["app", "shared"]);
    await prepare("main", [notes]);
    expect(readdirSync(points).sort()).toEqual(["notes", "shared"]);
  });

  test("what is refused is told to the owner once, and the run goes on with the rest", async () => {
    const secret = { hostPath: "~/projects/.ssh", containerPath: "keys" };
    mkdirSync(join(person, "projects/.ssh"));
    for (let turn = 0; turn < 2; turn += 1) {
      const { mounts } = await prepare("family", [secret, app]);
      expect(mounts.map(({ target, readonly }) => [target, readonly])).toEqual([
        ["/workspace/extra", true],
        ["/workspace/extra/shared", true],
        ["/workspace/extra/app", true],
      ]);
    }
    expect(sentTo(store, "family")).toEqual([]);
    expect(sentTo(store)).toEqual([
      'The folder ~/projects/.ssh for the group "family": what is called ".ssh" is never shown.',
      'The folder ~/projects/app for the group "family": shown read-only: the allowlist says nonMainReadOnly.',
    ]);
  });

  test("what is refused again after it was shown, or no longer asked for, is told again", async () => {
    const moved = join(person, "projects/moved");
    const app = join(person, "projects/app");
    for (const round of [1, 2]) {
      renameSync(app, moved);
      for (const _turn of [1, 2]) await prepare("main", [{ hostPath: "~/projects/app", containerPath: "app" }]);
      expect(sentTo(store)).toHaveLength(round);
      renameSync(moved, app);
      await prepare("main", [{ hostPath: "~/projects/app", containerPath: "app" }]);
    }
    const gone = [{ hostPath: "~/projects/gone", containerPath: "gone" }];
    for (const mounts of [gone, undefined, gone]) await prepare("main", mounts);
    expect(sentTo(store)).toHaveLength(4);
  });

  test("without containers there is none, and the owner hears why", async () => {
    runtime = "host";
    expect((await prepare("family", [app])).mounts).toEqual([]);
    expect(sentTo(store)).toEqual([expect.stringMatching(/mounts need containers/)]);
  });

  test("what the agent holds is given back when a mount point cannot be made", async () => {
    mkdirSync(join(home.extraPoints(folderOf("main")), "old", "full"), { recursive: true });
    await expect(prepare("main", [app])).rejects.toThrow();
    expect(given).toBe(1);
  });
});
