import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { manualClock } from "../../test/manual-clock.ts";
import type { Failure } from "../domain/failure.ts";
import type { Folder } from "../domain/ids.ts";
import { silentLog } from "../domain/log.ts";
import { treeBytes } from "./tree-bytes.ts";
import { createUsageWatch } from "./usage-watch.ts";

const MiB = 2 ** 20;
const never = new AbortController().signal;

function tree() {
  const root = mkdtempSync(join(tmpdir(), "nanoclaw-usage-"));
  return {
    root,
    file: (path: string, bytes: number) => writeFileSync(join(root, path), Buffer.alloc(bytes, "x")),
    folder: (path: string) => mkdirSync(join(root, path), { recursive: true }),
    at: (path: string) => join(root, path),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

const measured = async (...trees: string[]): Promise<number> => (await treeBytes(trees, never)) ?? NaN;

/** A folder itself takes some bytes, how many depends on the file system. */
const near = (bytes: number, expected: number) => Math.abs(bytes - expected) < 256 * 1024;

describe("the size of trees", () => {
  test("is that of all files below them, added up", async () => {
    using at = tree();
    at.folder("a/deep/er");
    at.folder("b");
    at.file("a/deep/er/file", 3 * MiB);
    at.file("b/file", 2 * MiB);
    expect(near(await measured(at.at("a"), at.at("b")), 5 * MiB)).toBe(true);
  });

  test("does not count what a link leads to, nor a file twice that has two names", async () => {
    using at = tree();
    using outside = tree();
    outside.file("big", 5 * MiB);
    at.folder("a");
    symlinkSync(outside.root, at.at("a/folder"));
    symlinkSync(outside.at("big"), at.at("a/file"));
    at.file("a/one", MiB);
    linkSync(at.at("a/one"), at.at("a/two"));
    expect(near(await measured(at.at("a")), MiB)).toBe(true);
  });

  test("is known where a part is missing or closed", async () => {
    using at = tree();
    at.folder("a/closed");
    at.file("a/file", 2 * MiB);
    chmodSync(at.at("a/closed"), 0);
    const found = await measured(at.at("a"), at.at("missing"));
    chmodSync(at.at("a/closed"), 0o700); // else only root could take it away
    expect(near(found, 2 * MiB)).toBe(true);
  });

  test("is not known where there is nothing, and when nobody waits for it any more", async () => {
    using at = tree();
    expect(await treeBytes([at.at("missing")], never)).toBeUndefined();
    expect(await treeBytes([at.root], AbortSignal.abort())).toBeUndefined();
  });
});

const folder = "work" as Folder;

function watched({ sizes = [], floor = 0 }: { sizes?: (number | undefined)[]; floor?: number }) {
  const clock = manualClock();
  const gone = new AbortController();
  const failures: Failure[] = [];
  let measurements = 0;
  const watch = createUsageWatch({
    disk: tmpdir(),
    freeFloor: floor,
    clock,
    log: silentLog,
    measure: () => Promise.resolve(sizes[measurements++]),
  });
  const start = () => watch({ folder, trees: [], limit: 100 * MiB }, (failure) => failures.push(failure), gone.signal);
  /** The free space is asked of the real disk: the next sleep tells that the round is over. */
  const round = async () => {
    while (clock.sleepers() === 0 && failures.length === 0) await new Promise(setImmediate);
  };
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds && failures.length === 0; second += 1) {
      await round();
      await clock.advance(1_000);
      await round();
    }
  };
  return { start, pass, round, gone, clock, failures, measurements: () => measurements };
}

describe("a group's size while it runs", () => {
  test("may grow to its limit, and ends the run when it is over", async () => {
    const at = watched({ sizes: [10 * MiB, 100 * MiB, 3 * 1024 * MiB] });
    at.start();
    await at.pass(9);
    expect(at.failures).toEqual([]);
    await at.pass(5);
    expect(at.failures).toEqual([expect.objectContaining({ class: "disk" })]);
    expect(at.failures[0]?.cause).toBe("the files of this group take 3.0 GiB, and may take 100.0 MiB");
    expect(at.failures[0]?.cure).toContain("groups set work --group-size");
  });

  test("is looked at every few seconds, not at every look at the disk", async () => {
    const at = watched({ sizes: Array.from({ length: 100 }, () => MiB) });
    at.start();
    await at.pass(20);
    expect(at.measurements()).toBeLessThanOrEqual(5);
    expect(at.measurements()).toBeGreaterThanOrEqual(4);
  });

  test("is not measured again for a run that follows at once, but is for the one after a run that was ended", async () => {
    const small = watched({ sizes: [MiB, MiB] });
    small.start();
    await small.round();
    small.start();
    await small.pass(1);
    expect(small.measurements()).toBe(1);
    const large = watched({ sizes: [200 * MiB, 200 * MiB] });
    for (const runs of [1, 2]) {
      large.start();
      while (large.failures.length < runs) await new Promise(setImmediate);
    }
    expect(large.measurements()).toBe(2);
  });

  test("that nobody can tell ends nothing", async () => {
    const at = watched({ sizes: [] });
    at.start();
    await at.pass(12);
    expect([at.failures, at.measurements() > 1]).toEqual([[], true]);
  });

  test("is not watched any more when the run is gone", async () => {
    const at = watched({ sizes: [MiB, 200 * MiB] });
    at.start();
    await at.round();
    at.gone.abort();
    await new Promise(setImmediate);
    await at.clock.advance(60_000);
    expect([at.failures, at.clock.sleepers(), at.measurements()]).toEqual([[], 0, 1]);
  });
});

test("a run ends when the disk has less free space than must stay", async () => {
  const at = watched({ sizes: [MiB], floor: Number.MAX_SAFE_INTEGER });
  at.start();
  await at.round();
  expect(at.failures[0]?.class).toBe("disk");
  expect(at.failures[0]?.cause).toMatch(/^the disk of the machine has .* free, and .* must stay free$/);
  expect(at.failures[0]?.cure).toContain("NANOCLAW_FREE_DISK");
});
