import { describe, expect, it } from "vitest";
import { lockProblems, lockSchema } from "./lock-problems.ts";

const lock = (packages: Record<string, object>) => lockSchema.parse({ lockfileVersion: 3, packages });
const entry = (version: string) => ({ version, integrity: `sha512-${version}` });
const wanted = { dependencies: { zod: "4.0.0" } };
const runnerRoot = { "": wanted };

describe("lockProblems", () => {
  it("finds nothing when both name the same packages", () => {
    const root = lock({ "node_modules/zod": entry("4.0.0"), "node_modules/other": entry("1.0.0") });
    expect(lockProblems(root, lock({ ...runnerRoot, "node_modules/zod": entry("4.0.0") }), wanted)).toEqual([]);
  });

  it("names a package of another version", () => {
    const root = lock({ "node_modules/zod": entry("4.0.1") });
    const runner = lock({ ...runnerRoot, "node_modules/zod": entry("4.0.0") });
    expect(lockProblems(root, runner, wanted)).toEqual(["node_modules/zod: 4.0.0 here, 4.0.1 in the root's lock"]);
  });

  it("compares with what the root keeps below the runner's folder when versions clash", () => {
    const root = lock({
      "node_modules/zod": entry("3.0.0"),
      "container/agent-runner/node_modules/zod": entry("4.0.0"),
    });
    expect(lockProblems(root, lock({ ...runnerRoot, "node_modules/zod": entry("4.0.0") }), wanted)).toEqual([]);
  });

  it("names a package that the root does not have, and one of other content", () => {
    const root = lock({ "node_modules/a": { version: "1.0.0", integrity: "sha512-x" } });
    const runner = lock({ ...runnerRoot, "node_modules/a": entry("1.0.0"), "node_modules/b": entry("1.0.0") });
    expect(lockProblems(root, runner, wanted)).toEqual([
      "node_modules/a: its integrity differs from the root's lock",
      "node_modules/b: the root's lock does not have it",
    ]);
  });

  it("names a dependency that was changed without the lock", () => {
    const runner = lock({ "": { dependencies: { zod: "3.0.0", gone: "1.0.0" } } });
    expect(lockProblems(lock({}), runner, wanted)).toEqual([
      "zod: package.json asks for 4.0.0, the lock for 3.0.0",
      "gone: package.json asks for nothing, the lock for 1.0.0",
    ]);
  });

  it("refuses addresses of a registry in either lock", () => {
    const fetched = { ...entry("4.0.0"), resolved: "https://example.org/zod.tgz" };
    const root = lock({
      "node_modules/zod": fetched,
      "node_modules/@nanoclaw/agent-runner": { resolved: "container/agent-runner", link: true },
    });
    const runner = lock({ ...runnerRoot, "node_modules/zod": fetched });
    expect(lockProblems(root, runner, wanted)).toEqual([
      'package-lock.json: node_modules/zod carries an address ("resolved")',
      'container/agent-runner/package-lock.json: node_modules/zod carries an address ("resolved")',
    ]);
  });
});
