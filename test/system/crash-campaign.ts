import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { TaskView } from "@nanoclaw/agent-runner/protocol";
import { crashSite, until, type CrashSite } from "./crash-site.ts";

export interface CrashOptions {
  /** Settings of the host that is killed; they choose the runtime. */
  settings: Record<string, string>;
  kills: number;
  /** Waits until nothing that a host of this home started is left. */
  untilNoneLeft(site: CrashSite): Promise<void>;
}

const points = [
  "after-claim",
  "after-spawn",
  "after-ready",
  "after-input",
  "after-answer",
  "before-send",
  "after-send",
] as const;

/** Answers name what was searched for, and searching has no effect that forbids a second try. */
const question = (item: string) => `search for ${item}`;
const answersTo = (site: CrashSite, group: string, item: string) =>
  site.shown(group).filter(({ text }) => new RegExp(`\\b${item}\\b`).test(text));
const settled = async (site: CrashSite) => {
  const { runningTurns, waitingTurns, unsent } = await site.request<{
    runningTurns: unknown[];
    waitingTurns: unknown[];
    unsent: number;
  }>("GET", "/control/status");
  return runningTurns.length + waitingTurns.length + unsent === 0;
};

/** The client has been shown everything that the chat holds. */
const caughtUp = async (site: CrashSite, group: string) => {
  const { newestReply } = await site.request<{ newestReply: number }>("GET", `/control/why?chat=${group}`);
  return (site.shown(group).at(-1)?.seq ?? 0) >= newestReply;
};

/** The host dies at each named point, then at random moments under a stream of messages. */
export function describeCrashes({ settings, kills, untilNoneLeft }: CrashOptions): void {
  describe.concurrent("a host killed at a named point", () => {
    it.each(points)("answers exactly once after a kill %s", { timeout: 60_000 }, async (point) => {
      await using site = crashSite(settings);
      site.watch("main");
      const doomed = await site.start(point);
      const dead = doomed.exitCode ?? doomed.signalCode ?? once(doomed, "exit");
      void site.say("main", "q1", question("walrus"));
      await dead;
      await site.start();
      await until(() => answersTo(site, "main", "walrus").length > 0);
      await until(() => settled(site));
      expect(answersTo(site, "main", "walrus")).toHaveLength(1);
      expect(site.shown("main")).toHaveLength(1);
    });

    it("does not repeat a turn that had already acted, and says so", { timeout: 60_000 }, async () => {
      await using site = crashSite(settings);
      site.watch("main");
      // The reminder's own request is executed, then the host dies before the answer is stored.
      const host = await site.start();
      await site.say("main", "r1", "remind me in 5 hours to feed the walrus");
      await until(async () => (await tasks(site)).length > 0);
      host.kill("SIGKILL");
      await once(host, "exit");
      await site.start();
      await until(() => site.shown("main").length > 0);
      await until(() => settled(site));
      expect(await tasks(site)).toHaveLength(1);
      expect(site.shown("main")).toHaveLength(1);
      expect(site.shown("main")[0]?.text).toMatch(/remind you to feed the walrus|cut off/);
    });
  });

  describe(`${kills} kills at random moments`, () => {
    it("lose nothing, show nothing twice, leave nothing behind", { timeout: 60_000 + kills * 20_000 }, async () => {
      await using site = crashSite(settings);
      const groups = ["main", "alpha", "beta"];
      let host = await site.start();
      // Before the kills: asked again after one, a group that is there already is refused.
      for (const folder of [...groups.slice(1), "reminded"]) {
        await site.request("POST", "/control/groups", { name: folder, folder });
      }
      for (const group of groups) site.watch(group);

      const flood = new AbortController();
      const sent = groups.map((group) => speak(site, group, flood.signal));
      const reminders = remind(site, flood.signal);
      for (let kill = 0; kill < kills; kill += 1) {
        await delay(Math.random() * 1_500);
        expect(host.exitCode, "the host lives until it is killed").toBeNull();
        host.kill("SIGKILL");
        await once(host, "exit");
        host = await site.start();
      }
      flood.abort();
      const items = (await Promise.all(sent)).flatMap((list, index) =>
        list.map((item) => ({ group: groups[index] ?? "", item })),
      );
      const asked = await reminders;
      await until(() => settled(site));
      for (const group of [...groups, "reminded"]) await until(() => caughtUp(site, group));

      const counts = items.map(({ group, item }) => ({ item, times: answersTo(site, group, item).length }));
      expect(counts.filter(({ times }) => times !== 1)).toEqual([]);
      await expectReminders(site, asked);
      const stopped = once(host, "exit");
      host.kill("SIGTERM");
      await stopped;
      await untilNoneLeft(site);
      const asks = `${items.length} questions, ${asked.length} reminders`;
      process.stdout.write(`${kills} kills: ${asks}, lost 0, shown twice 0; after them ${whatStartsFound(site)}\n`);
    });
  });
}

/** One question after the other, each under a name of its own. */
async function speak(site: CrashSite, group: string, signal: AbortSignal): Promise<string[]> {
  const items: string[] = [];
  while (!signal.aborted) {
    const item = `${group}item${items.length}`;
    items.push(item);
    await site.say(group, item, question(item));
    await delay(150 + Math.random() * 300);
  }
  return items;
}

/** Reminders have an effect: they must exist once, or the chat must say that the turn was cut off. */
async function remind(site: CrashSite, signal: AbortSignal): Promise<string[]> {
  const items: string[] = [];
  site.watch("reminded");
  while (!signal.aborted) {
    const item = `chore${items.length}`;
    items.push(item);
    await site.say("reminded", item, `remind me in 9 hours to do ${item}`);
    await delay(400 + Math.random() * 600);
  }
  return items;
}

async function expectReminders(site: CrashSite, asked: string[]): Promise<void> {
  const made = (await tasks(site)).map(({ prompt }) => prompt);
  const cutOff = site.shown("reminded").filter(({ source }) => source === "notice");
  for (const item of asked) {
    const times = made.filter((prompt) => new RegExp(`\\b${item}\\b`).test(prompt)).length;
    const confirmed = answersTo(site, "reminded", item).length;
    expect(times, `${item} exists once`).toBeLessThanOrEqual(1);
    expect(confirmed, `${item} is confirmed once at most`).toBeLessThanOrEqual(1);
    if (confirmed === 1) expect(times, `${item} was confirmed`).toBe(1);
    if (confirmed === 0) expect(cutOff.length, `${item} was not confirmed`).toBeGreaterThan(0);
  }
}

/** Which ways of going on the starts took, to see that the kills really hit something. */
function whatStartsFound(site: CrashSite): string {
  const log = readFileSync(join(site.home, "logs", "nanoclaw.log"), "utf8");
  const count = (event: string) => log.split(`"msg":"${event}"`).length - 1;
  return [
    `${count("Adopted a running turn")} turns adopted`,
    `${count("Finished from its journal")} finished from the journal`,
    `${count("A turn was interrupted")} interrupted`,
  ].join(", ");
}

const tasks = (site: CrashSite) => site.request<TaskView[]>("GET", "/control/tasks");
