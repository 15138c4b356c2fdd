import { describe, expect, it } from "vitest";
import { addGroup, askKiro, newPerson, openKiroSite, restart, sessionOf, tellKiro, withKey } from "./kiro-site.ts";
import { until } from "./until.ts";

/** The last of each kind: V1 alone, V2 to be named, events, ids that work, today's, the newest. */
const versions = ["2.5.0", "2.10.0", "2.19.2", "2.21.1", "2.29.0", "3.0.0"];

describe.concurrent("a conversation with Kiro without containers", { timeout: 60_000 }, () => {
  it.each(versions)("goes on in %s over turns, a restart and a turn that failed", async (version) => {
    using person = newPerson({ version });
    await using site = await openKiroSite(person, withKey);
    expect(await askKiro(site, "!!remember the walrus!!")).toBe("I will remember: the walrus");
    const id = sessionOf(site);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    await restart(site);
    expect(await askKiro(site, "!!recall!!")).toContain("the walrus");
    person.simulate({ fail: "rate-limit" });
    const failing = await tellKiro(site, "!!say too soon!!");
    await until(async () => (await site.outcome(failing)).held);
    expect(sessionOf(site)).toBe(id);
    person.simulate({});
    expect(await askKiro(site, "!!recall!!")).toMatch(/the walrus[^]*recall/);
    expect(sessionOf(site)).toBe(id);
  });

  it("has an answer without narration, with everything that was written in it", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    const code = "```ts\\nconst a = 1;\\n```\\n\\n> quoted";
    const answer = await askKiro(site, `!!narrate Let me look.!!!!shell echo hi!!!!say ${code}!!`);
    expect(answer).toBe(code.replaceAll("\\n", "\n"));
  });

  it("reaches the host's tools, each group as itself, also when two run at once", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    const groups = ["main", "family"];
    await addGroup(site, "family");
    // Both agents are there before either calls a tool.
    const script = (group: string) =>
      `!!sleep 500!!!!tool nanoclaw send_message {"text":"news for ${group}"}!!!!say done!!`;
    expect(await Promise.all(groups.map((group) => askKiro(site, script(group), group)))).toEqual([
      "news for main\ndone",
      "news for family\ndone",
    ]);
  });
});
