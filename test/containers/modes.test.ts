import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { homePaths, installId } from "../../src/home.ts";
import { nanoclaw, run } from "../system/command.ts";
import { tempHome } from "../system/site.ts";
import { until } from "../system/until.ts";
import { openContainerSite } from "./container-site.ts";
import { describeContainers } from "./engine.ts";

await describeContainers("containers of a host", (engine) => {
  test("are there for a turn and gone after it, one for each", async () => {
    await using opened = await openContainerSite(engine, { settings: { NANOCLAW_AGENT_IMAGE: engine.image } });
    const { site } = opened;
    for (const item of ["walrus", "heron"]) {
      expect(await site.answered(await site.say(`search for ${item}`))).toEqual([expect.stringContaining(item)]);
      await opened.untilNone();
    }
    expect(site.ledger("SELECT DISTINCT handle FROM attempts")).toHaveLength(2);
  });

  test("stay for the next turns in long-lived mode, until they idle or the host stops", async () => {
    const settings = { NANOCLAW_AGENT_IMAGE: engine.image, NANOCLAW_AGENT_ONE_SHOT: "false", IDLE_TIMEOUT: "2000" };
    await using opened = await openContainerSite(engine, { settings });
    const { site } = opened;
    const ask = async (item: string) => site.answered(await site.say(`search for ${item}`));
    expect(await ask("walrus")).toEqual([expect.stringContaining("walrus")]);
    const first = await opened.container();
    expect(await ask("heron")).toEqual([expect.stringContaining("heron")]);
    expect(site.ledger("SELECT DISTINCT handle FROM attempts")).toHaveLength(1);
    await opened.untilNone();
    expect(await ask("otter")).toEqual([expect.stringContaining("otter")]);
    expect(await opened.container()).not.toBe(first);
    await site.stop();
    await opened.untilNone();
  });

  test("finish their turn when Ctrl-C reaches the whole terminal, and are gone with the host", async () => {
    const home = tempHome();
    const { DOCKER_HOST } = process.env;
    const env = { ...engine.settings(await engine.ways()), ...(DOCKER_HOST !== undefined && { DOCKER_HOST }) };
    await using host = nanoclaw(home, ["start"], { env, ownGroup: true });
    await host.says("Next: ");
    writeFileSync(join(home, "groups", "main", "way"), "answers-late");
    await using asking = nanoclaw(home, ["chat", "hello"], { env });
    await until(() => readdirSync(join(home, "ipc", "main", "journal")).length > 0);
    process.kill(-(host.child.pid as number), "SIGINT");
    writeFileSync(join(home, "groups", "main", "go"), "");
    expect(await host.ended).toBe(0);
    asking.child.kill("SIGKILL");
    await asking.ended;
    expect(await engine.containersOf(installId(homePaths(home)))).toEqual([]);
    writeFileSync(join(home, "groups", "main", "way"), "answers");
    const next = await run(home, ["chat", "again"], { env });
    // Whoever was shown it while the host ended could not tell it any more, and sees it again.
    expect(asking.stdout() + next.stdout).toMatch(/^you said hello$/m);
    expect(answersIn(home, "you said hello")).toBe(1);
    expect(next.stdout).toContain("you said again");
    await engine.removeAll(installId(homePaths(home)));
    rmSync(home, { recursive: true });
  });
});

function answersIn(home: string, text: string): number {
  using ledger = new DatabaseSync(join(home, "store", "messages.db"), { readOnly: true });
  return ledger.prepare("SELECT 1 FROM outbox WHERE content = ?").all(text).length;
}
