import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { jumpingClock } from "./clocks.ts";
import {
  addGroup,
  askKiro,
  databaseOf,
  homeOf,
  logOf,
  newPerson,
  noticesIn,
  openKiroSite,
  promptsOf,
  restart,
  sessionOf,
  setSession,
  tellKiro,
  waitingIn,
  withKey,
  type Person,
} from "./kiro-site.ts";
import type { Site } from "./site.ts";
import { until } from "./until.ts";

const MINUTE = 60_000;
const UNKNOWN = "0d9c4b5e-0000-4000-8000-000000000000";
const filesOf = (site: Site): string => join(homeOf(site), ".kiro", "sessions", "cli");

interface Loss {
  what: string;
  version: string;
  bugs?: Record<string, boolean>;
  lose(site: Site, person: Person): void | Promise<void>;
}

const losses: Loss[] = [
  ...["2.19.2", "2.29.0"].map((version) => ({
    ...{ what: "its session files are gone", version },
    lose: (site: Site) => rmSync(filesOf(site), { recursive: true }),
  })),
  {
    ...{ what: "its database is gone", version: "2.5.0" },
    lose: (site) => rmSync(join(homeOf(site), ".local"), { recursive: true }),
  },
  {
    ...{ what: "its row is gone", version: "2.10.0" },
    lose: (site) => {
      using db = new DatabaseSync(databaseOf(homeOf(site)), { timeout: 5_000 });
      db.exec("DELETE FROM conversations_v2");
    },
  },
  {
    ...{ what: "its file is spoilt", version: "2.29.0" },
    lose: (site) => writeFileSync(join(filesOf(site), `${String(sessionOf(site))}.json`), "{"),
  },
  {
    ...{ what: "another process holds it", version: "2.29.0", bugs: { "lock-honoured": true } },
    lose: (site) => {
      const lock = join(filesOf(site), `${String(sessionOf(site))}.lock`);
      writeFileSync(lock, JSON.stringify({ pid: process.pid }));
    },
  },
  ...["2.5.0", "2.19.2"].map((version) => ({
    ...{ what: "the ledger names one that nobody knows", version },
    lose: (site: Site) => setSession(site, UNKNOWN),
  })),
  {
    ...{ what: "an unknown one is begun without a word", version: "2.29.0", bugs: { "unknown-id-silent": true } },
    lose: (site) => setSession(site, UNKNOWN),
  },
  {
    ...{ what: "the ledger holds no id at all", version: "2.29.0" },
    lose: (site) => setSession(site, "--agent; rm -rf"),
  },
  ...["2.10.0", "2.29.0"].map((version) => ({
    ...{ what: "the ledger says the newest, and there is none", version },
    lose: (site: Site) => {
      rmSync(homeOf(site), { recursive: true });
      setSession(site, "kiro:main");
    },
  })),
  {
    ...{ what: "the newest is not resumed", version: "2.19.2", bugs: { "resume-broken": true } },
    lose: () => {},
  },
  {
    ...{ what: "an update changed the engine", version: "2.5.0" },
    lose: (_site, person) => person.install({ version: "2.29.0" }),
  },
];

describe.concurrent("a conversation that Kiro cannot continue", { timeout: 60_000 }, () => {
  it.each(losses)("is begun anew with what the ledger knows: $what ($version)", async ({ lose, ...standIn }) => {
    const { version, bugs = {} } = standIn;
    using person = newPerson({ version, bugs });
    await using site = await openKiroSite(person, withKey);
    await askKiro(site, "my cat is called Fred");
    const before = sessionOf(site);
    await lose(site, person);
    expect(await askKiro(site, "!!say here!!")).toBe("here");
    expect(sessionOf(site)).not.toBe(before);
    expect(logOf(site)).toMatch(/new conversation is started|new one is started/);
    expect(site.ledger("SELECT max(attempts) AS most FROM turns")).toEqual([{ most: 1 }]);
    expect(promptsOf(site)).toContainEqual(expect.stringMatching(/^<earlier [^]*called Fred[^]*say here/));
  });

  it.each(["2.5.0", "2.29.0"])("is never another group's, whatever the ledger says (%s)", async (version) => {
    using person = newPerson({ version });
    await using site = await openKiroSite(person, withKey);
    await addGroup(site, "family");
    await askKiro(site, "my cat is called Fred");
    await askKiro(site, "my dog is called Rex", "family");
    const [cat, dog] = [sessionOf(site), sessionOf(site, "family")];
    setSession(site, String(dog));
    expect(await askKiro(site, "!!recall!!")).toBe("Nothing yet.");
    const prompts = promptsOf(site).join("\n");
    expect(prompts).toMatch(/<earlier [^]*called Fred/);
    expect(prompts).not.toContain("Rex");
    expect([cat, dog]).not.toContain(sessionOf(site));
    expect(await askKiro(site, "!!recall!!", "family")).toContain("Rex");
    expect(sessionOf(site, "family")).toBe(dog);
  });

  it("is left for a new one after a turn that was killed in it, without crashing on", async () => {
    using person = newPerson();
    const clock = jumpingClock();
    await using site = await openKiroSite(person, { ...withKey, clock });
    await askKiro(site, "my cat is called Fred");
    const before = sessionOf(site);
    person.simulate({ fail: "oom" });
    const killed = await tellKiro(site, "!!say late!!");
    await until(() => waitingIn(site)[0]?.["why"] === "crash");
    expect(sessionOf(site)).toBe(before);
    person.simulate({});
    clock.jump(MINUTE);
    expect(await site.answered(killed)).toEqual(["late"]);
    expect(await askKiro(site, "!!recall!!")).toContain("called Fred");
    expect(sessionOf(site)).not.toBe(before);
    expect(noticesIn(site)).toEqual([]);
  });

  it("that the host cut off at its stop is begun anew at the next start", async () => {
    using person = newPerson();
    const settings = { ...withKey.settings, NANOCLAW_STOP_BUDGET: "1000" };
    await using site = await openKiroSite(person, { settings });
    await askKiro(site, "my cat is called Fred");
    const before = sessionOf(site);
    const seq = await tellKiro(site, "!!sleep 4000!!!!say late!!");
    await until(() => readdirSync(filesOf(site)).includes(`${String(before)}.lock`));
    await restart(site);
    expect(await site.answered(seq)).toEqual(["late"]);
    expect(await askKiro(site, "!!recall!!")).toContain("called Fred");
    expect(sessionOf(site)).not.toBe(before);
  });
});
