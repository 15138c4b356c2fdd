import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inDatabase, ODIC } from "../kiro-database-kit.ts";
import { jumpingClock } from "../system/clocks.ts";
import {
  addGroup,
  API_KEY,
  askKiro,
  contentOf,
  databaseOf,
  logOf,
  noticesIn,
  tellKiro,
  type Person,
} from "../system/kiro-site.ts";
import { isRoot } from "../system/processes.ts";
import type { Site } from "../system/site.ts";
import { until } from "../system/until.ts";
import { describeContainers } from "./engine.ts";
import { kiroHomeOf, loggedIn, loginRows, openKiro, simulateIn, V1 } from "./kiro-kit.ts";

/** Whose conversations a person's own store holds, by the folder they were in. */
const foldersIn = (person: Person) =>
  inDatabase(databaseOf(person.home), (database) =>
    database.prepare("SELECT DISTINCT key FROM conversations_v2").all(),
  );

await describeContainers("Kiro in main's container, with the person's login", (engine) => {
  test("V1 keeps main's words in the person's own store, and goes on there", async () => {
    await using opened = await openKiro(engine, { standIn: V1, ...loggedIn });
    const { site, person } = opened;
    expect(await askKiro(site, "!!remember the walrus!!")).toBe("I will remember: the walrus");
    await opened.untilNone();
    expect(await askKiro(site, "!!recall!!")).toContain("the walrus");
    expect(foldersIn(person)).toEqual([{ key: "/workspace/group" }]);
    // And it is still theirs.
    await person.kiro("chat", "--no-interactive", "!!remember the heron!!");
    expect(foldersIn(person)).toContainEqual({ key: person.home });
    expect(await person.kiro("whoami")).toBe("Logged in with Builder ID\n");
  });

  test("V2 goes on in main's own home", async () => {
    await using opened = await openKiro(engine, loggedIn);
    const { site, person } = opened;
    await askKiro(site, "!!remember the walrus!!");
    await opened.untilNone();
    expect(await askKiro(site, "!!recall!!")).toContain("the walrus");
    expect(foldersIn(person)).toEqual([]);
    expect(Object.keys(contentOf(person.home)).filter((path) => path.includes("sessions"))).toEqual([]);
  });

  test.each([
    ["not at all", "false"],
    ["read-only where the owner wants it", "true"],
  ])("sees the person's steering and skills read-only, and their cloud account %s", async (_, aws) => {
    await using opened = await openKiro(engine, {
      settings: { NANOCLAW_KIRO_AWS: aws },
      prepare: async (person) => {
        await person.login();
        person.write(".kiro/steering/manners.md", "Be kind.");
        person.write(".kiro/skills/cook/SKILL.md", "How to cook.");
        person.write(".kiro/agents/agent_config.json", '{"name":"mine","prompt":"Be brief."}');
        person.write(".aws/config", "[default]");
        person.write(".aws/credentials", "secret");
        chmodSync(person.path(".aws", "credentials"), 0o600);
      },
    });
    const { site, person } = opened;
    const before = contentOf(person.path(".kiro"));
    const told = await askKiro(site, "!!system!!");
    for (const part of ["agent: mine", "prompt: Be brief.", "/home/node/.kiro/steering/manners.md", "skills: cook"]) {
      expect(told).toContain(part);
    }
    const places = [
      ".kiro/steering",
      ".kiro/skills",
      ".kiro/skills/cook",
      ".kiro/agents",
      ".kiro/settings",
      ".kiro/hooks",
      ".aws",
    ];
    const writes = places.map((place) => `touch ~/${place}/new`).join("; ");
    const tried = await askKiro(site, `!!shell cat ~/.kiro/steering/manners.md ~/.aws/config; ${writes}; true!!`);
    expect(tried).toContain("Be kind.");
    expect(tried.match(/Read-only file system/g)).toHaveLength(aws === "true" ? places.length : places.length - 1);
    expect(tried.includes("[default]")).toBe(aws === "true");
    expect(tried.includes("'/home/node/.aws/new': No such file or directory")).toBe(aws === "false");
    expect(contentOf(person.path(".kiro"))).toEqual(before);
    const isClosed = logOf(site).includes(`${person.path(".aws", "credentials")} cannot be read by the agent's user`);
    expect(isClosed).toBe(aws === "true" && isRoot);
  });
});

await describeContainers("Kiro in containers, logged out", (engine) => {
  /** A minute later: that is how long the host waits before it looks again. */
  const LATER = 61_000;

  test("inside, though the machine is logged in: main is told the cure, waits, and goes on after it", async () => {
    const clock = jumpingClock();
    await using opened = await openKiro(engine, { ...loggedIn, clock });
    const { site, person } = opened;
    simulateIn(site, "main", { fail: "logged-out-1" });
    const seq = await tellKiro(site, "!!say here again!!");
    await until(() => noticesIn(site).length > 0);
    expect(noticesIn(site)).toEqual([expect.stringContaining("On the machine, run: kiro-cli login")]);
    expect(await site.outcome(seq)).toMatchObject({ state: "waiting" });
    clock.jump(LATER);
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE ended_at IS NOT NULL").length === 2);
    await person.kiro("logout");
    await person.login();
    simulateIn(site, "main", {});
    clock.jump(LATER);
    expect(await site.answered(seq)).toEqual([noticesIn(site)[0], "here again"]);
  });

  test("by a refresh token that is used up: a group with a copy leaves the person's own as it is", async () => {
    const clock = jumpingClock();
    await using opened = await openKiro(engine, { ...loggedIn, clock });
    const { site, person } = opened;
    await addGroup(site, "family", { shareLogin: true });
    const before = changeLogin(person, { expires_at: "2026-01-01T00:00:00Z" });
    simulateIn(site, "family", { service: "/home/node/service" });
    refuseRefresh(site, "family", before);
    const seq = await tellKiro(site, "!!say here again!!", "family");
    await until(() => noticesIn(site, "family").length > 0);
    expect(noticesIn(site, "family")).toEqual([expect.stringContaining("On the machine, run: kiro-cli login")]);
    expect(loginOf(person)).toEqual(before);
    await person.kiro("logout");
    await person.login();
    clock.jump(LATER);
    expect((await site.answered(seq)).at(-1)).toBe("here again");
  });
});

await describeContainers("Kiro in containers, with the person's whole home", (engine) => {
  const shared = { NANOCLAW_KIRO_SHARED_HOME: "true" };

  test("writes where the person's own kiro-cli has written before, and nothing of agents, settings and hooks", async () => {
    await using opened = await openKiro(engine, {
      settings: shared,
      prepare: async (person) => {
        await person.login();
        await person.kiro("chat", "--no-interactive", "!!remember the walrus!!");
        person.write(".kiro/agents/agent_config.json", '{"name":"mine","prompt":"Be brief."}');
        person.write(".kiro/hooks/on-start", "");
        person.write(".aws/config", "[default]");
        chmodSync(person.path(".aws", "config"), 0o600);
      },
    });
    const { site, person } = opened;
    await addGroup(site, "family");
    const overlaid = () => ["agents", "settings", "hooks"].map((name) => contentOf(person.path(".kiro", name)));
    for (const group of ["main", "family"]) {
      expect(await askKiro(site, `!!remember the ${group} heron!!`, group)).toBe(`I will remember: the ${group} heron`);
    }
    const before = overlaid();
    const tried = await askKiro(
      site,
      "!!shell cat ~/.aws/config; for d in agents settings hooks; do touch ~/.kiro/$d/new; ls ~/.kiro/$d; done!!",
      "family",
    );
    expect(tried).toContain("[default]");
    expect(tried.match(/Read-only file system/g)).toHaveLength(3);
    expect(tried).not.toMatch(/agent_config|on-start/);
    expect(overlaid()).toEqual(before);
    for (const group of ["main", "family"]) {
      const recalled = await askKiro(site, "!!recall!!", group);
      expect(recalled.match(/the \w* ?(heron|walrus)/g)).toEqual([`the ${group} heron`]);
    }
    expect(await person.kiro("whoami")).toBe("Logged in with Builder ID\n");
  });

  test("with an API key needs no login there", async () => {
    await using opened = await openKiro(engine, { settings: { ...shared, KIRO_API_KEY: API_KEY } });
    expect(await askKiro(opened.site, "!!say here!!")).toBe("here");
  });
});

/** The person's token; `changes` are put into it first. */
function changeLogin(person: Person, changes: object): Record<string, string> {
  const changed = JSON.stringify({ ...loginOf(person), ...changes });
  inDatabase(databaseOf(person.home), (database) =>
    database.prepare("UPDATE auth_kv SET value = ? WHERE key = ?").run(changed, ODIC),
  );
  return loginOf(person);
}

const loginOf = (person: Person): Record<string, string> => loginRows(person)[ODIC] ?? {};

/** The service that this group's containers talk to has seen that refresh token before. */
function refuseRefresh(site: Site, group: string, { refresh_token = "" }: Record<string, string>): void {
  const used = createHash("sha256").update(refresh_token).digest("hex");
  mkdirSync(join(kiroHomeOf(site, group), "service"));
  writeFileSync(join(kiroHomeOf(site, group), "service", used), "");
}
