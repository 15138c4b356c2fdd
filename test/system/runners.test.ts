import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connectHost } from "../../src/cli/connection.ts";
import { chatClient } from "../../src/cli/chat-client.ts";
import { loadConfig } from "../../src/config.ts";
import { fastClock } from "./clocks.ts";
import { onLinux, processesOf } from "./processes.ts";
import { openSite, tempHome, type Site } from "./site.ts";
import { until } from "./until.ts";

const attempts = (site: Site) =>
  site.ledger("SELECT status, failure_class AS class, failure_detail AS detail FROM attempts ORDER BY turn_id, n");
const turns = (site: Site) => site.ledger("SELECT status, failure_class AS class, told FROM turns ORDER BY created_at");

/** The runner is mended: what is written now is answered, once, and nothing of before is left. */
async function expectServed(site: Site, shown: { text: string }[], expected: string[]): Promise<void> {
  site.behave("answers");
  const seq = await site.say("and now?");
  expect(await site.answered(seq)).toEqual([expect.stringContaining("and now?")]);
  await until(() => shown.length > expected.length);
  expect(shown.slice(0, -1).map(({ text }) => text)).toEqual(expected);
  await site.untilNoneLeft();
}

describe.runIf(onLinux).concurrent("a runner that breaks down", { timeout: 60_000 }, () => {
  const brokenDown =
    "I could not answer: the agent broke down 6 times. `nanoclaw why` shows the reason; write again to have me try once more.";

  it.each([
    ["prints garbage", "garbage", "exited with code 0"],
    ["exits 0 with nothing", "exits 0", "exited with code 0 before it answered"],
    ["exits 0 before it is ready", "exits-at-once", "exited with code 0 before it was ready"],
    ["exits 137", "exits 137", "exited with code 137 (killed; possibly out of memory) before it answered"],
    ["never says ready", "never-ready", "not ready after 30000 ms"],
  ])("and %s is tried six times, then the chat is told once", async (_, way, detail) => {
    await using site = await openSite({ scripted: true, clock: fastClock(50) });
    const shown = site.watch();
    site.behave(way);
    const seq = await site.say("hello");
    expect(await site.answered(seq)).toEqual([brokenDown]);
    expect(attempts(site)).toEqual(
      Array.from({ length: 6 }, () => ({ status: "failed", class: "crash", detail: expect.stringContaining(detail) })),
    );
    expect(turns(site)).toEqual([{ status: "failed", class: "crash", told: 0 }]);
    expect((await site.outcome(seq)).lines.join(" ")).toContain("Given up");
    await expectServed(site, shown, [brokenDown]);
  });

  it("is not waited for when the person writes again", async () => {
    await using site = await openSite({ scripted: true });
    const shown = site.watch();
    site.behave("exits 1");
    const seq = await site.say("hello");
    await until(() => turns(site)[0]?.["status"] === "queued");
    expect((await site.outcome(seq)).lines.join(" ")).toMatch(/It waits for attempt 2.*Last failure: crash/);
    await expectServed(site, shown, []);
    expect(shown.map(({ text }) => text)).toEqual(["you said hello|and now?"]);
  });
});

describe.runIf(onLinux).concurrent("a runner that takes too long", { timeout: 60_000 }, () => {
  it("is ended when it is silent, and the chat is told once", async () => {
    await using site = await openSite({ scripted: true, settings: { NANOCLAW_SILENCE_TIMEOUT: "300" } });
    const shown = site.watch();
    site.behave("never-answers");
    const said = await site.answered(await site.say("hello"));
    expect(said).toEqual([expect.stringMatching(/^I stopped: .*no sign of life.*NANOCLAW_SILENCE_TIMEOUT/)]);
    expect(turns(site)).toEqual([{ status: "failed", class: "silence", told: 0 }]);
    await expectServed(site, shown, said);
  });

  it("is ended at the limit of the whole turn, and the chat is told once", async () => {
    await using site = await openSite({ scripted: true, settings: { CONTAINER_TIMEOUT: "2000" } });
    const shown = site.watch();
    site.behave("ticks-for-ever");
    const said = await site.answered(await site.say("hello"));
    expect(said).toEqual([expect.stringMatching(/^I stopped: .*longer than one turn may take.*CONTAINER_TIMEOUT/)]);
    expect(turns(site)).toEqual([{ status: "failed", class: "timeout", told: 0 }]);
    await expectServed(site, shown, said);
  });
});

describe.runIf(onLinux).concurrent("a runner that reports a failure", { timeout: 60_000 }, () => {
  it.each([
    ["logged-out", /agent is logged out.*kiro-cli login.*Your message waits/],
    ["agent-missing", /not installed.*doctor.*Your message waits/],
    ["image-mismatch", /image is missing.*doctor.*Your message waits/],
    ["limit-reached", /usage limit is reached.*Your message waits/],
    ["engine-down", /engine does not run.*Your message waits/],
  ])("of class %s waits, is told once, and is answered with the next message", async (errorClass, sentence) => {
    await using site = await openSite({ scripted: true });
    const shown = site.watch();
    site.behave(`fails ${errorClass}`);
    const first = await site.say("one");
    await until(() => shown.length === 1);
    // A second try fails the same way, and does not say so again.
    await site.say("two");
    await until(() => attempts(site).filter(({ status }) => status === "failed").length === 2);
    expect(await site.outcome(first)).toMatchObject({ state: "waiting", held: true });
    expect(shown.map(({ text }) => text)).toEqual([expect.stringMatching(sentence)]);
    expect(turns(site)).toEqual([{ status: "queued", class: errorClass, told: 1 }]);
    site.behave("answers");
    await site.answered(await site.say("three"));
    await until(() => shown.length === 2);
    expect(shown[1]?.text).toBe("you said one|two|three");
    await site.untilNoneLeft();
  });

  it.each([
    ["timeout", /longer than one turn may take/],
    ["silence", /no sign of life/],
    ["output-cap", /wrote more than one turn may/],
    ["disk", /disk of the machine is nearly full/],
  ])("of class %s ends the turn and is told once", async (errorClass, sentence) => {
    await using site = await openSite({ scripted: true });
    const shown = site.watch();
    site.behave(`fails ${errorClass}`);
    const said = await site.answered(await site.say("hello"));
    expect(said).toEqual([expect.stringMatching(sentence)]);
    expect(turns(site)).toEqual([{ status: "failed", class: errorClass, told: 0 }]);
    await expectServed(site, shown, said);
  });

  it("of class crash is tried again after its back-off", async () => {
    await using site = await openSite({ scripted: true, clock: fastClock(50) });
    site.behave("fails crash");
    const seq = await site.say("hello");
    await until(() => attempts(site).some(({ status }) => status === "failed"));
    site.behave("answers");
    expect(await site.answered(seq)).toEqual(["you said hello"]);
  });
});

describe.runIf(onLinux)("a runner that writes without end", { timeout: 60_000 }, () => {
  it("is ended at the cap; the host's memory stays small", async () => {
    const home = tempHome();
    const config = loadConfig({ env: { NANOCLAW_HOME: home, TZ: "UTC" }, defaultHome: home });
    const program = fileURLToPath(new URL("fixtures/host.ts", import.meta.url));
    const host = spawn(process.execPath, [program, home, "floods"], { stdio: ["ignore", "pipe", "inherit"] });
    try {
      await once(host.stdout, "data");
      const connection = await connectHost(config);
      if (!connection) throw new Error("no host runs");
      const client = chatClient(config, "main", connection);
      const before = peakMiB(host.pid);
      const { seq } = await client.send("hello");
      await until(async () => (await client.outcome(seq)).state === "failed");
      expect(peakMiB(host.pid) - before).toBeLessThan(150);
      const over = new AbortController();
      for await (const { text } of client.replies(over.signal, () => {})) {
        expect(text).toMatch(/^I stopped: the agent wrote more than one turn may \(CONTAINER_MAX_OUTPUT_SIZE\)/);
        over.abort();
      }
      await until(() => processesOf(home).length === 1);
    } finally {
      host.kill("SIGKILL");
      await once(host, "exit");
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    }
  });
});

/** The most memory the process ever held. */
const peakMiB = (pid: number | undefined): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
