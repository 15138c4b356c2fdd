import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { API_KEY, askKiro, newPerson, openKiroSite, promptsOf } from "./kiro-site.ts";

const withKey = { settings: { KIRO_API_KEY: API_KEY } };

describe.concurrent("Kiro without containers", { timeout: 60_000 }, () => {
  it("continues a group's conversation in the next turn", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    expect(await askKiro(site, "!!remember the walrus!!")).not.toBe("");
    expect(await askKiro(site, "!!recall!!")).toContain("walrus");
    const sessions = site.ledger("SELECT session_id FROM sessions");
    expect(sessions).toHaveLength(1);
    expect(sessions[0]?.["session_id"]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("reaches the host's tools", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    const answer = await askKiro(site, '!!tool nanoclaw send_message {"text":"on my way"}!! !!say done!!');
    expect(answer).toBe("on my way\ndone");
  });

  it("starts anew with what the ledger knows when its own memory is gone", async () => {
    using person = newPerson();
    await using site = await openKiroSite(person, withKey);
    await askKiro(site, "my cat is called Fred");
    const [before] = site.ledger("SELECT session_id FROM sessions");
    rmSync(site.path("data", "kiro", "main", ".kiro", "sessions"), { recursive: true });
    expect(await askKiro(site, "!!say here!!")).toBe("here");
    expect(promptsOf(site).join("\n")).toContain("called Fred");
    expect(site.ledger("SELECT session_id FROM sessions")).not.toEqual([before]);
  });
});
