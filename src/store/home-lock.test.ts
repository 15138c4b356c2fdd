import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { StoreError } from "./database.ts";
import { lockHome } from "./home-lock.ts";

describe("one host per home", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "nanoclaw-lock-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const lock = (path = folder): Disposable => {
    const locked = lockHome(path, "the test");
    if ("heldBy" in locked) throw new Error("it is held");
    return locked.lock;
  };

  test("a second one is refused in the same process, and told who holds it", () => {
    using _held = lock();
    const second = lockHome(folder, "another");
    expect(second).toMatchObject({ heldBy: { pid: process.pid, what: "the test" } });
  });

  test("by another path to the same folder, too", () => {
    mkdirSync(join(folder, "real"));
    symlinkSync(join(folder, "real"), join(folder, "link"));
    using _held = lock(join(folder, "real"));
    expect(lockHome(join(folder, "link"), "another")).toHaveProperty("heldBy");
    expect(lockHome(join(folder, "real", "..", "real"), "another")).toHaveProperty("heldBy");
  });

  test("a refused one does not loosen the lock", () => {
    using _held = lock();
    for (let times = 0; times < 3; times += 1) expect(lockHome(folder, "another")).toHaveProperty("heldBy");
  });

  test("other homes are other locks", () => {
    mkdirSync(join(folder, "other"));
    using _one = lock();
    using _two = lock(join(folder, "other"));
  });

  test("it is released when the host ends, as often as that is said", () => {
    const held = lock();
    held[Symbol.dispose]();
    held[Symbol.dispose]();
    expect(existsSync(join(folder, "host.json"))).toBe(false);
    using _again = lock();
  });

  test("a holder that left no name is still the holder", () => {
    using _held = lock();
    writeFileSync(join(folder, "host.json"), "{half");
    expect(lockHome(folder, "another")).toEqual({ heldBy: undefined });
  });

  test("it dies with the process, however that ends", async () => {
    const module = fileURLToPath(new URL("./home-lock.ts", import.meta.url));
    const program = `
      const { lockHome } = await import(${JSON.stringify(module)});
      globalThis.held = lockHome(${JSON.stringify(folder)}, "a child");
      console.log("locked");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const gone = once(child, "exit");
    try {
      await once(child.stdout, "data");
      expect(lockHome(folder, "another")).toMatchObject({ heldBy: { pid: child.pid, what: "a child" } });
    } finally {
      child.kill("SIGKILL");
    }
    await gone;
    using _mine = lock();
  });

  test("a folder that cannot be used is a clear error", () => {
    expect(() => lockHome(join(folder, "none"), "x")).toThrow(StoreError);
    expect(() => lockHome(join(folder, "none"), "x")).toThrow(/host\.lock cannot be used/);
  });
});
