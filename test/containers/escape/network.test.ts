import { afterAll, beforeAll, expect, test } from "vitest";
import { networkName } from "../../../src/runtime/docker/network.ts";
import { describeContainers } from "../engine.ts";
import { openEscapeSite, type EscapeSite } from "./site.ts";

await describeContainers("the network of one installation", (engine) => {
  let at: EscapeSite;
  beforeAll(async () => {
    at = await openEscapeSite(engine);
    for (const folder of ["one", "two", "three"]) await at.group(folder);
  }, 60_000);
  afterAll(() => at[Symbol.asyncDispose](), 60_000);

  const networks = async () => {
    const mine = `--filter=label=com.nanoclaw.install=${at.install}`;
    return (await engine.run("network", "ls", mine, "--format={{.Name}}")).split("\n");
  };
  const allAnswer = async () => {
    const agents = await Promise.all(["one", "two", "three"].map((folder) => at.takeOver(folder)));
    for (const agent of agents) expect(await agent.answer("here")).toEqual(["here"]);
  };

  test("E29 is one, without traffic between containers, also when several first turns start at once", async () => {
    await allAnswer();
    expect(await networks()).toEqual([networkName(at.install)]);
    const options = await engine.run("network", "inspect", "--format={{json .Options}}", networkName(at.install));
    expect(JSON.parse(options)).toMatchObject({ "com.docker.network.bridge.enable_icc": "false" });
  });

  test("is made one again when an earlier host left several of its name", async () => {
    const name = networkName(at.install);
    const label = `--label=com.nanoclaw.install=${at.install}`;
    // The engine only lets it happen when they are made at the same moment.
    for (let tries = 0; tries < 10 && (await networks()).length < 2; tries += 1) {
      await engine.ask("network", "rm", name);
      await Promise.all([1, 2, 3, 4].map(() => engine.ask("network", "create", "--driver=bridge", label, name)));
    }
    await allAnswer();
    expect(await networks()).toEqual([name]);
  });
});
