import { describe, expect, it } from "vitest";
import { onLinux, processesOf } from "./processes.ts";
import { openSite, type Site } from "./site.ts";
import { until } from "./until.ts";

const settings = { NANOCLAW_AGENT_ONE_SHOT: "false" };
const runners = (site: Site) => processesOf(site.home).map((line) => line.split(" ")[0]);
const ask = async (site: Site, text: string, group?: string) => site.answered(await site.say(text, group));

describe.runIf(onLinux)("long-lived runs", { timeout: 60_000 }, () => {
  it("serve one turn after the other, each answered once, and leave when the host stops", async () => {
    await using site = await openSite({ settings });
    const answers = [];
    for (const item of ["walrus", "heron", "otter"]) answers.push(await ask(site, `search for ${item}`));
    expect(answers.map((replies) => replies.length)).toEqual([1, 1, 1]);
    expect(answers.flat().join()).toMatch(/walrus.*heron.*otter/s);
    expect(runners(site)).toHaveLength(1);
    expect(site.ledger("SELECT count(DISTINCT handle) AS runs, count(*) AS turns FROM attempts")).toEqual([
      { runs: 1, turns: 3 },
    ]);
    await site.stop();
    await site.untilNoneLeft();
  });

  it("are asked to leave after the group's idle time, and come back with the next message", async () => {
    await using site = await openSite({ settings: { ...settings, IDLE_TIMEOUT: "300" } });
    expect(await ask(site, "help")).toHaveLength(1);
    await site.untilNoneLeft();
    expect(await ask(site, "help")).toHaveLength(1);
  });

  it("make room for other groups when the limit is reached", async () => {
    await using site = await openSite({ settings: { ...settings, MAX_CONCURRENT_CONTAINERS: "1" } });
    await site.ask("POST", "/control/groups", { name: "Other", folder: "other" });
    expect(await ask(site, "help")).toHaveLength(1);
    const [first] = runners(site);
    expect(await ask(site, "help", "other")).toHaveLength(1);
    await until(() => runners(site).length === 1);
    expect(runners(site)).not.toContain(first);
  });

  it("that die between two turns are replaced", async () => {
    await using site = await openSite({ settings });
    expect(await ask(site, "help")).toHaveLength(1);
    process.kill(Number(runners(site)[0]), "SIGKILL");
    await until(() => runners(site).length === 0);
    expect(await ask(site, "help")).toHaveLength(1);
  });

  it("end with a stopped turn, and the next message is answered by a new one", async () => {
    await using site = await openSite({ settings, scripted: true });
    site.behave("never-answers");
    await site.say("hang");
    await until(() => site.ledger("SELECT 1 FROM attempts WHERE input_at IS NOT NULL").length === 1);
    await site.ask("POST", "/control/groups/main/stop");
    await until(() => site.ledger("SELECT 1 FROM turns WHERE status = 'cancelled'").length === 1);
    await site.untilNoneLeft();
    site.behave("answers");
    expect(await ask(site, "again")).toHaveLength(1);
  });
});
