import { describe, expect, it } from "vitest";
import { jumpingClock } from "./clocks.ts";
import {
  addGroup,
  askKiro,
  newPerson,
  openKiroSite,
  promptsOf,
  resultsOf,
  scheduleIn,
  sessionOf,
  setSession,
  tellKiro,
  withKey,
} from "./kiro-site.ts";
import { until } from "./until.ts";

const HOUR = 3_600_000;

describe.concurrent("a group that starts anew", { timeout: 60_000 }, () => {
  it.each(["2.5.0", "2.29.0"])("remembers nothing and is told nothing (%s)", async (version) => {
    using person = newPerson({ version });
    await using site = await openKiroSite(person, withKey);
    await addGroup(site, "family");
    await askKiro(site, "my cat is called Fred");
    await askKiro(site, "my dog is called Rex", "family");
    const [before, others] = [sessionOf(site), sessionOf(site, "family")];
    await site.ask("POST", "/control/groups/main/new");
    expect(sessionOf(site)).toBeUndefined();
    expect(await askKiro(site, "!!recall!!")).toBe("Nothing yet.");
    expect(promptsOf(site).filter((prompt) => /Fred/.test(prompt))).toHaveLength(1);
    expect(sessionOf(site)).not.toBe(before);
    expect(sessionOf(site, "family")).toBe(others);
  });

  it("does so after a turn that was running meanwhile, and is not told of that one either", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    const seq = await tellKiro(site, "!!sleep 1500!!!!remember Fred!!");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    await site.ask("POST", "/control/groups/main/new");
    expect(await site.answered(seq)).toEqual(["I will remember: Fred"]);
    expect(sessionOf(site)).toBeUndefined();
    expect(await askKiro(site, "!!recall!!")).toBe("Nothing yet.");
    // When its memory is lost after that, the ledger tells no more than what was said since.
    setSession(site, "0d9c4b5e-0000-4000-8000-000000000000");
    await askKiro(site, "!!say here!!");
    expect(promptsOf(site).filter((prompt) => prompt.includes("remember Fred"))).toHaveLength(1);
  });
});

describe.concurrent("a task's run", { timeout: 60_000 }, () => {
  it.each(["2.5.0", "2.19.2", "2.29.0"])(
    "that is isolated knows nothing of its group, and leaves nothing there (%s)",
    async (version) => {
      using person = newPerson({ version });
      const clock = jumpingClock();
      await using site = await openKiroSite(person, { ...withKey, clock });
      await askKiro(site, "my cat is called Fred");
      const prompt = "!!recall!! !!shell printf %s-%s task news!!";
      await scheduleIn(site, { prompt, every: HOUR, context: "isolated" });
      const before = sessionOf(site);
      clock.jump(HOUR);
      await until(() => resultsOf(site).length === 1);
      expect(resultsOf(site)).toEqual(["Done: shell: task-news"]);
      expect(promptsOf(site).filter((prompt) => prompt.startsWith("[SCHEDULED TASK"))).toHaveLength(1);
      expect(sessionOf(site)).toBe(before);
      // There only the newest can be continued, and that is the task's: the chat's history is told instead.
      if (version === "2.19.2") await askKiro(site, "!!say here!!");
      const recalled = await askKiro(site, "!!recall!!");
      expect(recalled).toContain("Fred");
      expect(recalled).not.toContain("[SCHEDULED TASK");
      if (version !== "2.19.2") expect(sessionOf(site)).toBe(before);
    },
  );

  it("that is not isolated continues its group's conversation", async () => {
    using person = newPerson();
    const clock = jumpingClock();
    await using site = await openKiroSite(person, { ...withKey, clock });
    await askKiro(site, "my cat is called Fred");
    await scheduleIn(site, { prompt: "!!recall!!", every: HOUR, context: "group" });
    const before = sessionOf(site);
    clock.jump(HOUR);
    await until(() => resultsOf(site).length === 1);
    // The run log keeps the beginning of a result alone.
    const [answer] = site.ledger("SELECT content FROM outbox WHERE source = 'answer' AND task_id IS NOT NULL");
    expect(answer?.["content"]).toContain("Fred");
    expect(sessionOf(site)).toBe(before);
    expect(await askKiro(site, "!!recall!!")).toContain("SCHEDULED TASK");
  });
});
