import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Reply } from "../../src/channels/local/local-channel.ts";
import { chatClient } from "../../src/cli/chat-client.ts";
import { connectHost } from "../../src/cli/connection.ts";
import { loadConfig } from "../../src/config.ts";
import { jumpingClock } from "./clocks.ts";
import { openSite, tempHome, type Site } from "./site.ts";
import { until } from "./until.ts";

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;
/** Long enough for every loop of the host to look at the clock once more. */
const SETTLE_MS = 1_500;

const runs = (site: Site) => site.ledger("SELECT status FROM task_run_logs ORDER BY id").map(({ status }) => status);
const shownTimes = (shown: readonly Reply[], words: string) => shown.filter(({ text }) => text.includes(words)).length;

describe.concurrent("a clock that is set while the host runs", { timeout: 60_000 }, () => {
  it("forward by a day: what became due fires, once, and repeated tasks go on", async () => {
    const clock = jumpingClock();
    await using site = await openSite({ clock });
    const shown = site.watch();
    await site.answered(await site.say("remind me in 3 hours to stretch"));
    await site.answered(await site.say("remind me every hour to drink"));
    clock.jump(DAY);
    await until(() => shownTimes(shown, "Reminder: stretch") > 0 && shownTimes(shown, "Reminder: drink") > 0);
    await delay(SETTLE_MS);
    expect(shownTimes(shown, "Reminder: stretch")).toBe(1);
    expect(shownTimes(shown, "Reminder: drink")).toBe(1);
    expect(runs(site)).toEqual(["success", "success"]);
    const next = site.ledger("SELECT next_run FROM scheduled_tasks WHERE status = 'active'")[0]?.["next_run"];
    expect(Number(next) - clock.now()).toBeGreaterThan(0);
    expect(Number(next) - clock.now()).toBeLessThanOrEqual(HOUR);
  });

  it("back by a day: nothing fires again, and what is due by the clock still fires", async () => {
    const clock = jumpingClock();
    await using site = await openSite({ clock });
    const shown = site.watch();
    await site.answered(await site.say("remind me in 1 second to stretch"));
    await site.answered(await site.say("remind me in 3 hours to walk"));
    await until(() => shownTimes(shown, "Reminder: stretch") === 1);
    clock.jump(-DAY);
    await delay(SETTLE_MS);
    expect(runs(site)).toEqual(["success"]);
    clock.jump(DAY + 3 * HOUR);
    await until(() => shownTimes(shown, "Reminder: walk") === 1);
    await delay(SETTLE_MS);
    expect(runs(site)).toEqual(["success", "success"]);
    expect(shownTimes(shown, "Reminder: stretch")).toBe(1);
  });

  it("forward and back by a day: an interval goes on within its own length", async () => {
    const clock = jumpingClock();
    await using site = await openSite({ clock });
    const shown = site.watch();
    await site.answered(await site.say("remind me every 10 minutes to blink"));
    clock.jump(DAY);
    await until(() => shownTimes(shown, "Reminder: blink") === 1);
    await until(() => runs(site).join() === "success");
    clock.jump(-DAY);
    const nextIn = () => Number(site.ledger("SELECT next_run FROM scheduled_tasks")[0]?.["next_run"]) - clock.now();
    await until(() => nextIn() <= 10 * 60_000);
    clock.jump(10 * 60_000);
    await until(() => shownTimes(shown, "Reminder: blink") === 2);
    await delay(SETTLE_MS);
    expect(runs(site)).toEqual(["success", "success"]);
  });

  it("back by a day: a retry that waits is not delayed by a day", async () => {
    const clock = jumpingClock();
    await using site = await openSite({ clock, scripted: true });
    site.behave("fails limit-reached");
    const seq = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM turns WHERE status = 'queued'").length === 1);
    site.behave("answers");
    clock.jump(-DAY);
    await until(async () => (await site.outcome(seq)).state === "answered");
    expect(await site.answered(seq)).toEqual([expect.stringContaining("usage limit"), "you said hello"]);
  });

  it("back and forth during a turn: it is neither cut off nor repeated", async () => {
    const clock = jumpingClock();
    await using site = await openSite({ clock, scripted: true, settings: { CONTAINER_TIMEOUT: "30000" } });
    site.behave("answers-late");
    const seq = await site.say("hello");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    for (const jump of [DAY, -2 * DAY, DAY]) {
      clock.jump(jump);
      await delay(300);
    }
    writeFileSync(site.path("groups", "main", "go"), "");
    expect(await site.answered(seq)).toEqual(["you said hello"]);
    expect(site.ledger("SELECT attempts, status FROM turns")).toEqual([{ attempts: 1, status: "answered" }]);
  });
});

const faketime = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`)
  .find((path) => spawnSync(process.execPath, ["-e", ""], { env: { LD_PRELOAD: path } }).stderr.length === 0);
const reason = "needs Debian's package faketime";

describe
  .skipIf(faketime === undefined)
  .concurrent(
    faketime === undefined ? `the whole host under faketime (skipped: ${reason})` : "the whole host under faketime",
    { timeout: 60_000 },
    () => {
      it("lives with jumps of a day: answers, fires what is due once, fires nothing twice", async () => {
        await using place = await fakedHost(faketime ?? "");
        const { client, shown, setTime } = place;
        await answered(client, "remind me in 3 hours to stretch");
        setTime("+1d");
        await until(() => shownTimes(shown, "Reminder: stretch") === 1);
        await answered(client, "help");
        setTime("-1d");
        await delay(SETTLE_MS);
        const before = shown.length;
        await answered(client, "remind me in 2 seconds to smile");
        await until(() => shownTimes(shown, "Reminder: smile") === 1);
        await delay(SETTLE_MS);
        expect(shown.length).toBe(before + 2);
        expect(shownTimes(shown, "Reminder: stretch")).toBe(1);
      });
    },
  );

async function answered(client: ReturnType<typeof chatClient>, text: string): Promise<void> {
  const { seq } = await client.send(text);
  await until(async () => (await client.outcome(seq)).state === "answered");
}

async function fakedHost(library: string) {
  const home = tempHome();
  const folder = mkdtempSync(join(tmpdir(), "nanoclaw-faketime-"));
  const file = join(folder, "time");
  const setTime = (offset: string) => writeFileSync(file, `${offset}\n`);
  setTime("+0");
  const config = loadConfig({ env: { NANOCLAW_HOME: home, TZ: "UTC" }, defaultHome: home });
  const host = spawn(process.execPath, [fileURLToPath(new URL("fixtures/host.ts", import.meta.url)), home], {
    env: {
      ...process.env,
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: "1",
      // As in life: what is set is the wall clock.
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(host.stdout, "data");
  const connection = await connectHost(config);
  if (!connection) throw new Error("no host runs");
  const client = chatClient(config, "main", connection);
  const over = new AbortController();
  const shown: Reply[] = [];
  const watching = (async () => {
    for await (const reply of client.replies(over.signal, () => {})) shown.push(reply);
  })();
  return {
    ...{ client, shown, setTime },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await watching;
      host.kill("SIGKILL");
      await once(host, "exit");
      for (const path of [home, folder]) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
