import { describe, expect, it } from "vitest";
import { jumpingClock, type JumpingClock } from "./clocks.ts";
import {
  addGroup,
  API_KEY,
  askKiro,
  heldByKiro,
  newPerson,
  noticesIn,
  openKiroSite,
  promptsIn,
  resultsOf,
  scheduleIn,
  sessionOf,
  tellKiro,
  waitingIn,
  type Person,
} from "./kiro-site.ts";
import type { Site } from "./site.ts";
import { until } from "./until.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The wait is over by the clock, and nobody writes. */
async function laterAnswered(site: Site, clock: JumpingClock, seq: number, ms: number): Promise<string | undefined> {
  clock.jump(ms);
  return (await site.answered(seq)).at(-1);
}

describe.concurrent("Kiro that is logged out in the middle of the day", { timeout: 60_000 }, () => {
  it("is told once in the chat with the command; messages and a task wait, and are answered after a login", async () => {
    using person = newPerson();
    await person.login();
    const clock = jumpingClock();
    await using site = await openKiroSite(person, { clock });
    await askKiro(site, "my cat is called Fred");
    await scheduleIn(site, { prompt: "!!say the daily news!!", every: HOUR, context: "group" });
    const session = sessionOf(site);
    await person.kiro("logout");
    const first = await heldByKiro(site, "!!say one!!");
    await tellKiro(site, "!!recall!!");
    clock.jump(HOUR);
    const reasons = () => waitingIn(site).map(({ kind, why }) => `${String(kind)}: ${String(why)}`);
    await until(() => reasons().join() === "message: logged-out,task: logged-out");
    expect(noticesIn(site)).toEqual([expect.stringMatching(/\brun: kiro-cli login\b.*Your message waits/)]);
    expect(sessionOf(site)).toBe(session);
    await person.login();
    expect(await laterAnswered(site, clock, first, MINUTE)).toContain("Fred");
    await until(() => resultsOf(site).length === 1);
    expect(resultsOf(site)).toEqual(["the daily news"]);
    expect(waitingIn(site)).toEqual([]);
    expect(sessionOf(site)).toBe(session);
    expect(noticesIn(site)).toHaveLength(1);
  });

  it.each([
    ["2.29.0", "logged-out-1"],
    ["2.5.0", "logged-out-2"],
    ["2.29.0", "logged-out-3"],
    ["2.5.0", "token-expired"],
  ])("is recognised by what kiro-cli does then (%s, %s)", async (version, fail) => {
    using person = newPerson({ version });
    await person.login();
    const clock = jumpingClock();
    await using site = await openKiroSite(person, { clock });
    person.simulate({ fail });
    const seq = await heldByKiro(site, "hello");
    expect(waitingIn(site)).toMatchObject([{ why: "logged-out" }]);
    expect(noticesIn(site)).toEqual([expect.stringMatching(/\brun: kiro-cli login\b.*Your message waits/)]);
    person.simulate({});
    expect(await laterAnswered(site, clock, seq, MINUTE)).toMatch(/^I read: .*hello/);
  });

  it.each(["2.5.0", "2.29.0"])(
    "for a wrong API key names the key, and never asks for a login (%s)",
    async (version) => {
      using person = newPerson({ version });
      person.simulate({ keys: ["ksk_another_one"] });
      const clock = jumpingClock();
      await using site = await openKiroSite(person, { clock, settings: { KIRO_API_KEY: API_KEY } });
      const seq = await heldByKiro(site, "hello");
      expect(waitingIn(site)).toMatchObject([{ why: "logged-out" }]);
      expect(noticesIn(site)).toEqual([expect.stringMatching(/KIRO_API_KEY.*Your message waits/)]);
      expect(noticesIn(site)[0]).not.toContain("kiro-cli login");
      person.simulate({});
      expect(await laterAnswered(site, clock, seq, MINUTE)).toMatch(/^I read: .*hello/);
    },
  );
});

describe.concurrent("a limit of Kiro's", { timeout: 60_000 }, () => {
  const open = async (person: Person, clock: JumpingClock) =>
    openKiroSite(person, { clock, settings: { KIRO_API_KEY: API_KEY } });

  it.each([
    ["2.5.0", "rate-limit"],
    ["2.29.0", "throttled"],
  ])("on requests costs a minute (%s, %s)", async (version, fail) => {
    using person = newPerson({ version });
    const clock = jumpingClock();
    await using site = await open(person, clock);
    person.simulate({ fail });
    const seq = await heldByKiro(site, "hello");
    expect(waitingIn(site)).toMatchObject([{ why: "limit-reached" }]);
    const [{ since, due } = {}] = waitingIn(site);
    expect(Number(due) - Number(since)).toBeGreaterThanOrEqual(MINUTE);
    expect(Number(due) - clock.now()).toBeLessThanOrEqual(MINUTE);
    expect(noticesIn(site)).toEqual([expect.stringMatching(/minute.*Your message waits/)]);
    person.simulate({});
    expect(await laterAnswered(site, clock, seq, MINUTE)).toMatch(/^I read: .*hello/);
  });

  it.each([
    ["2.29.0", "monthly-limit", /monthly.*resets on \d{4}-12-01/],
    ["2.5.0", "monthly-usage", /monthly.*plan/],
  ])("of the month is said to be one, and looked at again (%s, %s)", async (version, fail, words) => {
    using person = newPerson({ version });
    const clock = jumpingClock();
    await using site = await open(person, clock);
    person.simulate({ fail });
    const seq = await heldByKiro(site, "hello");
    expect(waitingIn(site)).toMatchObject([{ why: "limit-reached" }]);
    expect(noticesIn(site)).toEqual([expect.stringMatching(words)]);
    person.simulate({});
    expect(await laterAnswered(site, clock, seq, HOUR)).toMatch(/^I read: .*hello/);
  });
});

const shared = { settings: { NANOCLAW_KIRO_SHARED_HOME: "true" } };
const groups = [
  { group: "main", own: "Fred", others: "Rex" },
  { group: "family", own: "Rex", others: "Fred" },
];

describe.concurrent("a second group without containers", { timeout: 60_000 }, () => {
  it("is refused the login, and told the cure, while main works", async () => {
    using person = newPerson();
    await person.login();
    await using site = await openKiroSite(person);
    await addGroup(site, "family", { shareLogin: true });
    await heldByKiro(site, "!!say here!!", "family");
    const [notice] = noticesIn(site, "family");
    expect(notice).toMatch(/only the main group can use the login.*Your message waits/);
    for (const cure of ["KIRO_API_KEY", "NANOCLAW_AGENT_RUNTIME=docker", "NANOCLAW_KIRO_SHARED_HOME=true"])
      expect(notice).toContain(cure);
    expect(await askKiro(site, "!!say here!!")).toBe("here");
    expect(noticesIn(site)).toEqual([]);
  });

  it("does not matter to main, which finds the login where the person keeps such data", async () => {
    using person = newPerson();
    person.env["XDG_DATA_HOME"] = person.path("elsewhere");
    await person.login();
    await using site = await openKiroSite(person);
    expect(await askKiro(site, "!!env XDG_DATA_HOME!!")).toBe(`XDG_DATA_HOME=${person.path("elsewhere")}`);
  });

  it("works as main does with an API key, and the login is not used", async () => {
    using person = newPerson();
    await person.login();
    await using site = await openKiroSite(person, { settings: { KIRO_API_KEY: API_KEY } });
    await addGroup(site, "family");
    for (const { group } of groups)
      expect(await askKiro(site, "!!env KIRO_API_KEY!!!!env HOME!!", group)).toBe(
        `KIRO_API_KEY=[removed: KIRO_API_KEY]\nHOME=${site.path("data", "kiro", group)}`,
      );
  });

  // V1 prints no id, and in a home of all groups its rows are anybody's.
  it.each([
    ["2.5.0", false],
    ["2.29.0", true],
  ])("in the shared home has a conversation of its own (%s)", async (version, goesOn) => {
    using person = newPerson({ version });
    await person.login();
    await using site = await openKiroSite(person, shared);
    await addGroup(site, "family");
    for (const { group, own } of groups) await askKiro(site, `my pet is called ${own}`, group);
    for (const { group, own, others } of groups) {
      const recalled = await askKiro(site, "!!recall!!!!env HOME!!", group);
      expect(recalled).toContain(`HOME=${person.home}`);
      expect(recalled).not.toContain(others);
      if (goesOn) expect(recalled).toContain(own);
      const last = promptsIn(person.home).findLast((prompt) => prompt.includes(`group="${group}"`));
      expect(last).not.toContain(others);
      if (!goesOn) expect(last).toMatch(new RegExp(`<earlier[^]*called ${own}`));
    }
    expect(sessionOf(site)).not.toBe(sessionOf(site, "family"));
  });
});
