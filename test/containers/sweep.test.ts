import { writeFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { newTurnId } from "../../src/domain/ids.ts";
import { networkName } from "../../src/runtime/docker/network.ts";
import { createPlace } from "../runtime/place.ts";
import { openContainerSite } from "./container-site.ts";
import { describeContainers, newInstall, testRuntime } from "./engine.ts";

/** How each state comes about; `dead` is an engine's own failure and cannot be made at will. */
const states = {
  created: [],
  running: [["start"]],
  paused: [["start"], ["pause"]],
  exited: [["start"], ["kill"]],
} as const;
type State = keyof typeof states;
const all = Object.keys(states) as State[];

await describeContainers("what a crash left", async (engine) => {
  const image = await engine.scripted();
  const used: string[] = [];
  const install = () => {
    used.push(newInstall());
    return used.at(-1) as string;
  };
  afterAll(async () => {
    for (const each of used) await engine.removeAll(each);
  });

  /** As a host leaves one that was killed at that moment; never removed by itself. */
  const leave = async (owner: string, state: State, name = `nanoclaw-main-${newTurnId()}`) => {
    const label = `--label=com.nanoclaw.install=${owner}`;
    await engine.run("create", "--interactive", `--name=${name}`, label, "--network=none", image, "never-ready");
    for (const [verb] of states[state]) await engine.run(verb, name);
    return name;
  };
  const stateOf = async (name: string) => (await engine.run("inspect", "--format={{.State.Status}}", name)).trim();

  test("is removed in whatever state it is, and nobody else's is touched", async () => {
    const [mine, neighbour] = [install(), install()];
    const runtime = testRuntime(engine, { install: mine, image });
    const others = await Promise.all(all.map((state) => leave(neighbour, state)));
    const foreign = await leave("", "running", `foreign-${neighbour}`);
    await Promise.all(all.map((state) => leave(mine, state)));
    expect(await engine.containersOf(mine)).toHaveLength(all.length);
    await runtime.sweep([]);
    expect(await engine.containersOf(mine)).toEqual([]);
    expect(await Promise.all(others.map(stateOf))).toEqual(all);
    expect(await stateOf(foreign)).toBe("running");
    await engine.run("rm", "--force", foreign);
  });

  test("is spared when somebody works on it", async () => {
    const mine = install();
    const runtime = testRuntime(engine, { install: mine, image });
    const [kept] = await Promise.all([leave(mine, "running"), leave(mine, "running")]);
    await runtime.sweep([{ container: kept }, null, { pid: 7, start: "x" }]);
    expect(await engine.containersOf(mine)).toEqual([kept]);
  });

  test("is spared when another turn is being launched or runs meanwhile", async () => {
    const mine = install();
    const runtime = testRuntime(engine, { install: mine, image, command: ["answers-when-told"] });
    await using place = createPlace();
    const starting = place.start(runtime);
    for (let sweeps = 0; sweeps < 10; sweeps += 1) await runtime.sweep([]);
    const run = await starting;
    await runtime.sweep([]);
    await run.said;
    place.tell("go");
    expect((await run.result).answer).toMatchObject({ text: "late, but here" });
  });

  test.each(["created", "paused", "exited"] as const)("is not adopted when it is %s, but removed", async (state) => {
    const mine = install();
    const runtime = testRuntime(engine, { install: mine, image });
    const handle = { container: await leave(mine, state) };
    expect(await runtime.find(handle)).toBeUndefined();
    await runtime.clear(handle);
    expect(await engine.containersOf(mine)).toEqual([]);
  });

  test("is neither found nor cleared when it is a neighbour's", async () => {
    const [mine, neighbour] = [install(), install()];
    const runtime = testRuntime(engine, { install: mine, image });
    const handle = { container: await leave(neighbour, "running") };
    expect(await runtime.find(handle)).toBeUndefined();
    await runtime.clear(handle);
    expect(await stateOf(handle.container)).toBe("running");
  });

  test.each(all)("with the name of the next attempt and %s makes room for it", async (state) => {
    const mine = install();
    await using place = createPlace();
    await leave(mine, state, `nanoclaw-main-${place.spec.turn}`);
    const run = await place.start(testRuntime(engine, { install: mine, image, command: ["answers"] }));
    expect((await run.result).answer).toMatchObject({ text: `hello from ${place.spec.turn}` });
    expect(await engine.containersOf(mine)).toEqual([]);
  });

  test("with that name and a neighbour's label is a failure that says so, and stays", async () => {
    const [mine, neighbour] = [install(), install()];
    await using place = createPlace();
    const name = await leave(neighbour, "exited", `nanoclaw-main-${place.spec.turn}`);
    await expect(testRuntime(engine, { install: mine, image }).launch(place.spec)).rejects.toMatchObject({
      class: "crash",
      message: `another installation has a container named ${name}`,
    });
    expect(await stateOf(name)).toBe("exited");
  });

  test("a network that is missing is made once, by however many turns need it at the same moment", async () => {
    const mine = install();
    const runtime = testRuntime(engine, { install: mine, image, command: ["answers"] });
    const places = Array.from({ length: 4 }, createPlace);
    const runs = await Promise.all(places.map((place) => place.start(runtime)));
    for (const { result } of runs) expect((await result).answer).toMatchObject({ status: "ok" });
    const filter = `--filter=label=com.nanoclaw.install=${mine}`;
    expect(await engine.run("network", "ls", filter, "--format={{.Name}}")).toBe(networkName(mine));
    for (const place of places) await place[Symbol.asyncDispose]();
  });

  test("hosts start beside each other on one engine, each with its own", async () => {
    await using one = await openContainerSite(engine);
    await using two = await openContainerSite(engine);
    one.site.behave("answers-late");
    const asked = await one.site.say("hello");
    const running = await one.container();
    await leave(two.install, "running");
    await two.site.stop();
    await two.site.start();
    expect(await engine.containersOf(two.install)).toEqual([]);
    expect(await engine.containersOf(one.install)).toEqual([running]);
    writeFileSync(one.site.path("groups", "main", "go"), "");
    expect(await one.site.answered(asked)).toEqual(["you said hello"]);
    await one.untilNone();
  });
});
