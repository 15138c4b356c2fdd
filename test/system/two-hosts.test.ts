import { readdirSync, readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { streamEvents } from "../../src/cli/connection.ts";
import { onLinux } from "./processes.ts";
import { openSite } from "./site.ts";
import { until } from "./until.ts";

describe("hosts in one process", { timeout: 60_000 }, () => {
  it("with homes of their own do not see each other's messages, tasks and groups", async () => {
    await using one = await openSite();
    await using two = await openSite();
    const [shownOne, shownTwo] = [one.watch(), two.watch()];
    await one.ask("POST", "/control/groups", { name: "Only here", folder: "only" });
    await one.answered(await one.say("remind me in 1 second to stretch"));
    const seq = await two.say("help");
    await two.answered(seq);
    await until(() => shownOne.some(({ text }) => text.includes("Reminder: stretch")));
    expect(shownTwo.map(({ text }) => text)).toEqual([expect.stringContaining("offline assistant")]);
    expect(await two.ask("GET", "/control/tasks?all=true")).toEqual([]);
    expect(await two.ask<unknown[]>("GET", "/control/groups")).toHaveLength(1);
    expect(two.ledger("SELECT content FROM messages WHERE from_assistant = 0")).toEqual([{ content: "help" }]);
    await expect(two.say("hello", "only")).rejects.toThrow(/There is no group "only"/);
    await one.stop();
    expect(await two.answered(await two.say("help"))).toHaveLength(1);
  });

  it("can be had only one per home, and the second says who has it", async () => {
    await using site = await openSite();
    await expect(openSite({ home: site.home })).rejects.toThrow(/is in use by system test \(process \d+, since/);
    expect(await site.answered(await site.say("help"))).toHaveLength(1);
  });

  it.runIf(onLinux)("leave nothing behind when they are started and stopped many times", async () => {
    await using site = await openSite({ scripted: true });
    const cycle = async () => {
      await site.say("hello");
      const over = new AbortController();
      for await (const { event } of streamEvents(site.config, "/chat/main/events", over.signal)) {
        if (event === "reply") over.abort();
      }
      await site.stop();
      // Tidying up after a turn is waited for by nobody.
      await until(() => !openFiles().some((path) => path.startsWith(site.home)));
      const left = open();
      await site.start();
      return left;
    };
    await cycle();
    const before = await cycle();
    for (let time = 0; time < 18; time += 1) await cycle();
    const after = await cycle();
    expect(after).toEqual(before);
  });
});

/** What keeps this process busy: open files and sockets, timers, listeners for signals and exits. */
function open() {
  const resources = process.getActiveResourcesInfo();
  return {
    files: openFiles().length,
    timers: resources.filter((name) => name === "Timeout").length,
    watches: resources.filter((name) => name === "FSEventWrap").length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

function openFiles(): string[] {
  return readdirSync("/proc/self/fd").map((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`);
    } catch {
      return ""; // the one that listed them
    }
  });
}
