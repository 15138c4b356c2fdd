import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { manualClock, type ManualClock } from "../../test/manual-clock.ts";
import { loadConfig } from "../config.ts";
import { StoreError } from "../store/database.ts";
import { runAsService, type ServiceStart } from "./start-service.ts";

let home: string;
let said: string;
let stop: AbortController;
let clock: ManualClock;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "nanoclaw-start-"));
  said = "";
  stop = new AbortController();
  clock = manualClock();
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const start = (serve: ServiceStart["serve"]): Promise<"stopped" | "failed"> =>
  runAsService({
    config: () => loadConfig({ env: {}, defaultHome: home }),
    homePath: () => home,
    stderr: { write: (text) => (said += text) },
    clock,
    interrupted: stop.signal,
    serve,
  });

/** Lets it come to its next sleep; its files take real time. */
async function asleep(): Promise<void> {
  while (clock.sleepers() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

it("waits while the settings cannot be used, says so once for each mistake, and starts when they can", async () => {
  writeFileSync(join(home, ".env"), "CONTAINER_TIMEOUT=soon\n");
  let served = 0;
  const ended = start(() => Promise.resolve(void (served += 1)));
  await asleep();
  await clock.advance(10_000);
  await asleep();
  expect(said.match(/CONTAINER_TIMEOUT="soon"/g)).toHaveLength(1);
  expect(said).toContain(".env is read again every two seconds");
  writeFileSync(join(home, ".env"), "CONTAINER_TIMEOUT=later\n");
  await clock.advance(2_000);
  await asleep();
  expect(said).toContain('CONTAINER_TIMEOUT="later"');
  expect(served).toBe(0);
  writeFileSync(join(home, ".env"), "CONTAINER_TIMEOUT=60000\n");
  await clock.advance(2_000);
  expect(await ended).toBe("stopped");
  expect(served).toBe(1);
  expect(said).toContain("The settings can be used now.");
  const logged = readFileSync(join(home, "logs", "nanoclaw.error.log"), "utf8")
    .trim()
    .split("\n");
  expect(logged).toHaveLength(2);
});

it("stops at once when it is told to while it waits for settings", async () => {
  writeFileSync(join(home, ".env"), "CONTAINER_TIMEOUT=soon\n");
  const ended = start(() => Promise.reject(new Error("it must not start")));
  await asleep();
  stop.abort();
  expect(await ended).toBe("stopped");
});

it("ends with a failure, a minute late, when the home cannot be used", async () => {
  const ended = start(() => Promise.reject(new StoreError("The database is damaged. Restore a backup.")));
  await asleep();
  let isOver = false;
  void ended.then(() => (isOver = true));
  await clock.advance(59_000);
  expect(isOver).toBe(false);
  await clock.advance(1_000);
  expect(await ended).toBe("failed");
  expect(said).toMatch(/^20\S+Z The database is damaged. Restore a backup\.\n20\S+Z It ends in 60 seconds/);
  expect(readFileSync(join(home, "logs", "nanoclaw.error.log"), "utf8")).toContain("The database is damaged");
});

it("does not pause when it is told to stop", async () => {
  const ended = start(() => Promise.reject(new StoreError("The disk is full.")));
  await asleep();
  stop.abort();
  expect(await ended).toBe("failed");
});

it("says where an error that nobody expected came from", async () => {
  const ended = start(() => Promise.reject(new TypeError("x is not a function")));
  await asleep();
  stop.abort();
  await ended;
  expect(said).toContain("start-service.test.ts");
});
