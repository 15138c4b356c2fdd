import { readdirSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import {
  addGroup,
  API_KEY,
  askKiro,
  databaseOf,
  logOf,
  newPerson,
  noticesIn,
  openKiroSite,
  tellKiro,
  withKey,
} from "./kiro-site.ts";
import type { Site } from "./site.ts";
import { until } from "./until.ts";

const base64 = Buffer.from(API_KEY).toString("base64");

/** What leaves the agent on its way to people: rows to be sent, journals, the log. */
function wayOut(site: Site, group: string): string {
  const journal = site.path("ipc", group, "journal");
  const rows = site.ledger("SELECT content FROM outbox").map(({ content }) => String(content));
  const frames = readdirSync(journal).map((name) => readFileSync(`${journal}/${name}`, "utf8"));
  return [...rows, ...frames, logOf(site)].join("\n");
}

const failures = (site: Site): unknown[] =>
  site.ledger("SELECT failure_detail AS why FROM turns WHERE failure_detail IS NOT NULL").map(({ why }) => why);

describe.concurrent("a secret in an agent's words", { timeout: 60_000 }, () => {
  it.each([
    ["2.29.0", "plain", "!!env KIRO_API_KEY!!"],
    ["2.5.0", "as base64", '!!shell printf %s "key: $KIRO_API_KEY" | base64!!'],
  ])("is removed from chat, journal and log, and the owner is told (%s, %s)", async (version, _how, script) => {
    using person = newPerson({ version });
    await using site = await openKiroSite(person, withKey);
    await addGroup(site, "family");
    const answer = await askKiro(site, script, "family");
    expect(answer).toContain("[removed: KIRO_API_KEY]");
    for (const form of [API_KEY, base64, base64.slice(4, -4)]) expect(wayOut(site, "family")).not.toContain(form);
    expect(noticesIn(site)).toEqual([expect.stringMatching(/took a secret \(KIRO_API_KEY\).*"family"/)]);
    expect(noticesIn(site, "family")).toEqual([]);
  });

  it.each(["2.29.0", "2.5.0"])("is removed from what Kiro says when it fails (%s)", async (version) => {
    using person = newPerson({ version });
    await using site = await openKiroSite(person, withKey);
    await tellKiro(site, `!!stderr error: the key ${API_KEY} is odd!!!!fail half 0!!`);
    await until(() => failures(site).length > 0);
    expect(failures(site)).toEqual([expect.stringContaining("[removed: KIRO_API_KEY] is odd")]);
    expect(wayOut(site, "main")).not.toContain(API_KEY);
  });

  it("is removed from what a tool sends", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    const answer = await askKiro(site, `!!tool nanoclaw send_message {"text":"it is ${API_KEY}"}!!!!say done!!`);
    expect(answer).toBe("it is [removed: KIRO_API_KEY]\ndone");
    expect(noticesIn(site)).toEqual([expect.stringMatching(/took a secret \(KIRO_API_KEY\).*"main"/)]);
  });

  it("is removed when it is of the person's login, a refreshed one too", async () => {
    using person = newPerson({ refresh: true });
    await person.login();
    await using site = await openKiroSite(person);
    const database = databaseOf(person.home);
    const token = (): string => {
      using db = new DatabaseSync(database, { readOnly: true });
      const row = db.prepare("SELECT value FROM auth_kv WHERE key LIKE '%:token'").get();
      return (JSON.parse(String(row?.["value"])) as { refresh_token: string }).refresh_token;
    };
    const old = token();
    const answer = await askKiro(
      site,
      `!!shell grep -aEho 'rt_[0-9a-f-]{36}' '${database}' '${database}-wal' | sort -u!!`,
    );
    expect(token()).not.toBe(old);
    expect(answer).toContain("[removed: ");
    expect(answer).not.toContain("rt_");
    expect(noticesIn(site)).toEqual([expect.stringContaining("took a secret (Kiro login")]);
  });
});
