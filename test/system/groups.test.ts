import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { nanoclaw } from "./command.ts";
import { onLinux } from "./processes.ts";
import { openSite, type Site } from "./site.ts";
import { until } from "./until.ts";

async function groups(site: Site, ...args: string[]) {
  await using command = nanoclaw(site.home, ["groups", ...args]);
  return { code: await command.ended, out: command.stdout(), err: command.stderr() };
}
const running = (site: Site) => site.ledger("SELECT 1 FROM turns WHERE status = 'running'").length;

describe.runIf(onLinux).concurrent("groups by command", { timeout: 120_000 }, () => {
  it("are registered with every setting, changed, and refused where they would take another's place", async () => {
    await using site = await openSite();
    const settings = {
      ...{ agent: "offline", model: "m", zone: "Asia/Tokyo", timeout: 60_000, silenceTimeout: 5_000 },
      ...{ idleTimeout: 7_000, memory: 2 ** 28, cpus: 1.5, pids: 64, shm: 2 ** 24, fileSize: 2 ** 24 },
      ...{ groupSize: 2 ** 26, network: "none", mcp: ["files"], guests: "hidden" },
      mounts: [{ hostPath: "/srv/a", containerPath: "a", readonly: false }],
    };
    const added = await groups(
      site,
      ...["add", "--jid", "120363000@g.us", "--name", "Plans", "--folder", "plans", "--trigger", "@Bob"],
      ...["--senders", "everyone", "--guests", "hidden", "--agent", "offline", "--model", "m", "--zone", "Asia/Tokyo"],
      ...["--timeout", "60000", "--silence-timeout", "5000", "--idle-timeout", "7000", "--memory", `${2 ** 28}`],
      ...["--cpus", "1.5", "--pids", "64", "--shm", `${2 ** 24}`, "--file-size", `${2 ** 24}`, "--group-size"],
      ...[`${2 ** 26}`, "--network", "none", "--mount", "/srv/a:a:rw", "--mcp", "files", "--json"],
    );
    expect(JSON.parse(added.out)).toMatchObject({
      settings,
      chats: [{ jid: "120363000@g.us", trigger: "@Bob", requiresTrigger: true, senders: "everyone" }],
    });
    const set = await groups(site, "set", "plans", "--unset", "memory", "mounts", "--no-trigger-required", "--json");
    const { memory: _, mounts: __, ...kept } = settings;
    expect(JSON.parse(set.out)).toMatchObject({ settings: kept, chats: [{ requiresTrigger: false }] });
    const refused: [string[], RegExp][] = [
      [["add", "--name", "x", "--folder", "plans"], /used by the group "Plans" already/],
      [["add", "--name", "x", "--folder", "../up"], /cannot be used/],
      [["add", "--name", "x", "--folder", "errors"], /reserved/],
      [["add", "--name", "x", "--folder", "new", "--jid", "120363000@g.us"], /belongs to the group "plans" already/],
      [["remove", "main"], /main group cannot be removed/],
      [["remove", "nobody"], /There is no group "nobody"/],
      [["remove", "nobody", "--purge", "--yes"], /nothing left of one/],
    ];
    for (const [args, why] of refused)
      expect(await groups(site, ...args)).toMatchObject({ code: 1, err: expect.stringMatching(why) as string });
    expect(site.ledger("SELECT folder FROM registered_groups ORDER BY folder")).toEqual([
      { folder: "main" },
      { folder: "plans" },
    ]);
  });

  it("are removed with what runs in them, and purged only when somebody says so", async () => {
    await using site = await openSite({ scripted: true });
    await site.ask("POST", "/control/groups", { name: "Family", folder: "family" });
    site.behave("never-answers", "family");
    writeFileSync(site.path("groups", "family", "notes.md"), "ours");
    mkdirSync(site.path("data", "inbox", "family", "x"), { recursive: true });
    await site.say("hold it", "family");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    expect(await groups(site, "remove", "family", "--purge")).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--yes/) as string,
    });
    expect(running(site)).toBe(1);
    expect(await groups(site, "remove", "family")).toMatchObject({ code: 0 });
    await until(() => running(site) === 0);
    expect(existsSync(site.path("groups", "family", "notes.md"))).toBe(true);

    await site.ask("POST", "/control/groups", { name: "Family", folder: "family" });
    await site.say("hold it again", "family");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 2);
    const purged = await groups(site, "remove", "family", "--purge", "--yes");
    expect(purged).toMatchObject({ code: 0 });
    expect(running(site)).toBe(0);
    for (const path of ["groups", "ipc", "data/inbox", "data/kiro"])
      expect(existsSync(site.path(path, "family"))).toBe(false);
    expect(site.ledger("SELECT 1 FROM messages WHERE folder = 'family'")).toEqual([]);
    await site.untilNoneLeft();
    site.behave("answers");
    expect(await site.answered(await site.say("still there?"))).toEqual(["you said still there?"]);
  });

  it("what is left of one can be purged without a host", async () => {
    const site = await openSite();
    await site.ask("POST", "/control/groups", { name: "Family", folder: "family" });
    await site.stop();
    expect(await groups(site, "remove", "family")).toMatchObject({ code: 0 });
    expect(existsSync(site.path("groups", "family"))).toBe(true);
    expect(await groups(site, "remove", "family", "--purge", "--yes")).toMatchObject({ code: 0 });
    expect(existsSync(site.path("groups", "family"))).toBe(false);
    await site[Symbol.asyncDispose]();
  });
});
