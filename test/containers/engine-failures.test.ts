import { once } from "node:events";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crashSite } from "../system/crash-site.ts";
import { isRoot } from "../system/processes.ts";
import { tempHome, type Site } from "../system/site.ts";
import { until } from "../system/until.ts";
import { openContainerSite } from "./container-site.ts";
import { describeContainers } from "./engine.ts";
import { createOwnEngine, writeScript, type OwnEngine } from "./own-engine.ts";

const ENGINE_GONE =
  "I cannot answer: the container engine does not run on the machine, or starts no containers (npm run nanoclaw -- doctor says why). Your message waits and is answered when it works again.";

const classes = (site: Site) =>
  site.ledger("SELECT failure_class AS class FROM attempts ORDER BY started_at, n").map((row) => row["class"]);
const said = (site: Site) => site.ledger("SELECT content FROM outbox ORDER BY seq").map(({ content }) => content);
const go = (site: Site) => writeFileSync(site.path("groups", "main", "go"), "");

/** The client that sees a container through. */
function clientOf(container: string): number {
  const pid = readdirSync("/proc").find((name) => /^\d+$/.test(name) && isClient(name, container));
  return Number(pid);
}

function isClient(pid: string, container: string): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    return words.includes("run") && words.includes(`--name=${container}`);
  } catch {
    return false; // it ended meanwhile
  }
}

await describeContainers("a turn whose container meets with something", (engine) => {
  test("goes on when the client is killed, and is answered once", async () => {
    await using opened = await openContainerSite(engine);
    const { site } = opened;
    site.behave("answers-late");
    const seq = await site.say("hello");
    const container = await opened.container();
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length > 0);
    process.kill(clientOf(container), "SIGKILL");
    go(site);
    expect(await site.answered(seq)).toEqual(["you said hello"]);
    expect(classes(site)).toEqual([null]);
    await opened.untilNone();
  });

  test.each([
    ["the container is killed", (name: string) => ["kill", name]],
    ["the container is removed", (name: string) => ["rm", "--force", name]],
    ["the runner is killed", (name: string) => ["exec", name, "sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)"]],
  ])("is tried again when %s, and answered once", async (_what, how) => {
    await using opened = await openContainerSite(engine);
    const { site } = opened;
    site.behave("answers-late");
    const seq = await site.say("hello");
    const container = await opened.container();
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length > 0);
    await engine.run(...how(container));
    go(site);
    expect(await site.answered(seq)).toEqual(["you said hello"]);
    expect(classes(site)).toEqual(["crash", null]);
    await opened.untilNone();
  });

  test("waits for an image that is missing, says so once, and is answered when it is there", async () => {
    const image = `nanoclaw-test:missing-${Date.now()}`;
    await using opened = await openContainerSite(engine, { settings: { NANOCLAW_AGENT_IMAGE: image } });
    const { site } = opened;
    await site.say("hello");
    await until(() => said(site).length > 0);
    await site.say("are you there?");
    await until(() => classes(site).length > 1 && classes(site).every((one) => one === "image-mismatch"));
    expect(said(site)).toEqual([expect.stringMatching(/^I cannot answer: the agent image is missing/)]);
    await engine.run("tag", await engine.ways(), image);
    const seq = await site.say("now?");
    await until(() => said(site).length > 1);
    await site.answered(seq);
    expect(said(site).slice(1)).toEqual(["you said hello|are you there?|now?"]);
    await engine.run("rmi", image);
  });

  test("ends with what to do when the engine has no space left", async () => {
    const home = tempHome();
    const full = "docker: Error response from daemon: mkdir /var/lib/docker/x: no space left on device.";
    const line = `[ "$1" = run ] && { echo '${full}' >&2; exit 125; }\nexec ${engine.program} "$@"`;
    const program = writeScript(join(home, "full-docker"), line);
    await using opened = await openContainerSite(engine, { home, settings: { NANOCLAW_DOCKER: program } });
    const { site } = opened;
    expect(await site.answered(await site.say("hello"))).toEqual([expect.stringMatching(/^I stopped: the disk/)]);
    expect(classes(site)).toEqual(["disk"]);
    await site.stop();
    rmSync(home, { recursive: true });
  });
});

await describeContainers("an engine that goes away", (shared) => {
  let own: OwnEngine;
  describe.runIf(isRoot)("and comes back", { timeout: 240_000 }, () => {
    beforeAll(async () => {
      own = await createOwnEngine(shared, await shared.ways());
    }, 240_000);
    afterAll(() => own[Symbol.asyncDispose](), 240_000);

    const open = () => openContainerSite(own.engine, { settings: { NANOCLAW_AGENT_IMAGE: own.engine.image } });
    const begun = (site: Site) =>
      until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length > 0);

    test("when the host starts without it: told once, answered once", async () => {
      await own.end("SIGTERM");
      const opened = await open().finally(() => {});
      const { site } = opened;
      const seq = await site.say("hello");
      await until(() => said(site).length > 0);
      expect(said(site)).toEqual([ENGINE_GONE]);
      await own.start();
      await until(() => said(site).length > 1);
      await site.answered(seq);
      expect(said(site)).toEqual([ENGINE_GONE, "you said hello"]);
      expect(new Set(classes(site))).toEqual(new Set(["engine-down", null]));
      await opened[Symbol.asyncDispose]();
    });

    test.each(["SIGKILL", "SIGTERM"] as const)("in mid-turn by %s: told once, answered once", async (signal) => {
      await using opened = await open();
      const { site } = opened;
      site.behave("answers-late");
      const seq = await site.say("hello");
      await begun(site);
      await own.end(signal);
      await own.start();
      go(site);
      await until(() => said(site).includes("you said hello"));
      await site.answered(seq);
      expect(said(site)).toEqual([ENGINE_GONE, "you said hello"]);
      expect(classes(site)).toEqual(["engine-down", null]);
      await opened.untilNone();
    });

    test("in mid-turn, and the answer comes before it is back: it counts", async () => {
      await using opened = await open();
      const { site } = opened;
      site.behave("answers-late");
      const seq = await site.say("hello");
      await begun(site);
      await own.end("SIGKILL");
      go(site);
      await until(() => said(site).length > 0);
      await own.start();
      await site.answered(seq);
      await opened.untilNone();
      expect(said(site)).toEqual(["you said hello"]);
    });

    test("while no host runs: a turn that has answered meanwhile is not run again", async () => {
      await using site = crashSite({ ...own.engine.settings(own.engine.image), NANOCLAW_STOP_BUDGET: "2000" });
      site.watch("main");
      const group = join(site.home, "groups", "main");
      const journal = join(site.home, "ipc", "main", "journal");
      const host = await site.start();
      writeFileSync(join(group, "way"), "answers-late");
      await site.say("main", "m1", "hello");
      await until(() => readdirSync(journal).length > 0);
      host.kill("SIGKILL");
      await once(host, "exit");
      await own.end("SIGKILL");
      await site.start();
      writeFileSync(join(group, "go"), "");
      await until(() => site.shown("main").length > 0);
      await own.start();
      const status = () => site.request<{ runningTurns: unknown[] }>("GET", "/control/status");
      await until(async () => (await status()).runningTurns.length === 0);
      expect(site.shown("main").map(({ text }) => text)).toEqual(["you said hello"]);
    });
  });
});
