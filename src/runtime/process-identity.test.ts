import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isOfThisBoot, processStart } from "./process-identity.ts";

/** A process that runs until it is disposed of. */
async function startProcess(program = "sleep") {
  const child = spawn(program, ["1000"], { stdio: "ignore" });
  await once(child, "spawn");
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  return { pid: child.pid as number, end, [Symbol.asyncDispose]: end };
}

const platforms = [process.platform, "darwin" as const].filter(
  (platform, index, all) => all.indexOf(platform) === index && (platform === "linux" || existsSync("/bin/ps")),
);

describe.each(platforms)("the identity of a process, as on %s", (platform) => {
  test("stays the same while it runs, and is gone with it", async () => {
    await using running = await startProcess();
    const start = await processStart(running.pid, platform);
    expect(start).toMatch(/\S/);
    expect(await processStart(running.pid, platform)).toBe(start);
    await running.end();
    expect(await processStart(running.pid, platform)).toBeUndefined();
  });

  test("a process that is dead but not buried is none", async () => {
    // The shell becomes a program that never asks what became of its child.
    const parent = spawn("sh", ["-c", "sleep 0.2 & echo $!; exec sleep 1000"], { stdio: ["ignore", "pipe", "ignore"] });
    const [pid] = (await once(parent.stdout, "data")) as [Buffer];
    while ((await processStart(Number(pid.toString()), platform)) !== undefined) await new Promise(setImmediate);
    expect(await processStart(parent.pid as number, platform)).toBeDefined();
    process.kill(Number(pid.toString()), 0); // it does have its number still
    parent.kill("SIGKILL");
    await once(parent, "exit");
  });

  test("lies in this boot", async () => {
    const start = (await processStart(process.pid, platform)) as string;
    expect(await isOfThisBoot(start, Date.now(), platform)).toBe(true);
  });

  test.each(["", "nonsense", "00000000-0000-4000-8000-000000000000:12345", "Thu Jan  1 00:00:00 1970"])(
    "%j lies in no boot of ours",
    async (start) => {
      expect(await isOfThisBoot(start, Date.now(), platform)).toBe(false);
    },
  );

  test("no process has a number that is too large", async () => {
    expect(await processStart(2 ** 31 - 2, platform)).toBeUndefined();
  });
});

describe.skipIf(process.platform !== "linux")("the identity of a process on linux", () => {
  test("two processes differ, and neither is fooled by a name with brackets and spaces", async () => {
    const folder = mkdtempSync(join(tmpdir(), "nanoclaw-process-"));
    const program = join(folder, "a) R 1 (b");
    copyFileSync("/bin/sleep", program);
    chmodSync(program, 0o755);
    {
      await using first = await startProcess(program);
      const before = await processStart(first.pid);
      // Starts are counted in hundredths of a second.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await using second = await startProcess();
      expect(before).toMatch(/:\d+$/);
      expect(await processStart(second.pid)).not.toBe(before);
    }
    rmSync(folder, { recursive: true });
  });
});
