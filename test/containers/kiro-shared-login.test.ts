import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { homePaths, installId } from "../../src/home.ts";
import { crashSite, type CrashSite } from "../system/crash-site.ts";
import { addGroup, askKiro, contentOf, logOf, newPerson, type Person } from "../system/kiro-site.ts";
import { mountProblem } from "../system/mounts.ts";
import type { Site } from "../system/site.ts";
import { until } from "../system/until.ts";
import { describeContainers, type TestEngine } from "./engine.ts";
import {
  filesWith,
  kiroHomeOf,
  kiroImage,
  loggedIn,
  openKiro,
  simulateIn,
  tokensOf,
  V1,
  V2,
  watchContainers,
} from "./kiro-kit.ts";

/** Every run renews the token that it finds, as one does whose hour is over. */
const refreshing = { ...V2, refresh: true };
const groups = ["main", "family", "friends"];

async function share(site: Site): Promise<void> {
  for (const folder of groups.slice(1)) await addGroup(site, folder, { shareLogin: true });
}

await describeContainers("a login that main shares", (engine) => {
  test.each([
    ["V1", V1],
    ["V2", V2],
  ])("%s: every group goes on in words of its own", async (_, standIn) => {
    await using opened = await openKiro(engine, { standIn, ...loggedIn });
    const { site } = opened;
    await share(site);
    for (const group of groups) await askKiro(site, `!!remember the ${group} walrus!!`, group);
    for (const group of groups) {
      const words = (await askKiro(site, "!!recall!!", group)).match(/the \w+ walrus/g);
      expect(words).toEqual([`the ${group} walrus`]);
    }
  });

  test("is in one container at a time, and what each of them refreshes comes back", async () => {
    await using opened = await openKiro(engine, { standIn: refreshing, ...loggedIn });
    const { site, person } = opened;
    await share(site);
    await using witness = watchContainers(engine, opened.install);
    const before = tokensOf(person);
    const asked = [...groups, ...groups].map((group) => askKiro(site, "!!sleep 300!!!!say here!!", group));
    expect(new Set(await Promise.all(asked))).toEqual(new Set(["here"]));
    await opened.untilNone();
    const runs = site.ledger("SELECT 1 FROM attempts").length;
    expect(await witness.atOnce(runs)).toBe(1);
    expect(tokensOf(person)).not.toEqual(before);
    // It is noted a moment after the container is gone.
    await until(() => (logOf(site).match(/Kiro's login was refreshed/g) ?? []).length >= 2);
    expect(await askKiro(site, "!!say still here!!")).toBe("still here");
  });

  test("leaves no copy behind when a run is over, and shows a group no word of the person's", async () => {
    await using opened = await openKiro(engine, {
      standIn: V1,
      prepare: async (person) => {
        await person.login();
        await person.kiro("chat", "--no-interactive", "!!remember the person's walrus!!");
      },
    });
    const { site, person } = opened;
    await share(site);
    await askKiro(site, "!!remember the heron!!");
    const count = (words: string) => `cat * | tr -d '\\0' | grep -cE '${words}'`;
    const script = `cd ~/.local/share/kiro-cli; ${count("refresh_token")}; ${count("wal[r]us|her[o]n")}`;
    expect(await askKiro(site, `!!shell ${script}!!`, "family")).toMatch(/^Done: shell: [1-9]\d*\n0$/);
    await opened.untilNone();
    await until(() => filesWith(site.path("data"), tokensOf(person)).length === 0);
    expect(existsSync(site.path("data", "kiro-login", "family.json"))).toBe(false);
    expect(await askKiro(site, "!!recall!!", "family")).toContain("cd ~/.local");
  });

  test.skipIf(mountProblem() !== undefined)("survives a service that takes each refresh token once", async () => {
    await using opened = await openKiro(engine, { standIn: refreshing, ...loggedIn });
    const { site, person } = opened;
    await share(site);
    using service = sharedFolder();
    person.simulate({ service: service.path });
    for (const group of groups) {
      simulateIn(site, group, { service: "/home/node/service" });
      service.mountAt(join(kiroHomeOf(site, group), "service"));
    }
    for (let round = 0; round < 2; round += 1) {
      const asked = groups.map((group) => askKiro(site, "!!say here!!", group));
      expect(await Promise.all(asked)).toEqual(["here", "here", "here"]);
    }
    await opened.untilNone();
    // Every one of these runs and the person's own has used up a token.
    expect(await person.kiro("chat", "--no-interactive", "--v2", "!!say here!!")).toContain("here");
    expect(Object.keys(contentOf(service.path))).toHaveLength(7);
  });

  test.each([
    ["the run ended without it", "after-input"],
    ["the answer was written down", "after-answer"],
  ])("is taken back at the next start when the host was killed and %s", async (_, point) => {
    using person = await loggedInPerson();
    await using site = await killedInMidRun(engine, person, "!!say here!!", point);
    const install = installId(homePaths(site.home));
    await until(async () => (await engine.containersOf(install)).length === 0);
    const lent = tokensOf(person);
    // What the run made of its copy is known to nobody else.
    expect(filesWith(join(site.home, "data", "kiro-login"), ["at_"])).not.toEqual([]);
    site.watch("family");
    await site.start();
    await until(() => site.shown("family").length > 0);
    expect(site.shown("family").map(({ text }) => text)).toEqual(["here"]);
    await untilReturned(site, person);
    expect(tokensOf(person)).not.toEqual(lent);
    await engine.removeAll(install);
  });

  test("stays with a run that outlives its host, and is taken back at its end", async () => {
    using person = await loggedInPerson();
    const here = "!!shell touch here; until [ -e go ]; do sleep 0.05; done!!";
    await using site = await killedInMidRun(engine, person, `${here}!!say done!!`);
    const install = installId(homePaths(site.home));
    const place = (name: string) => join(site.home, "groups", "family", name);
    await until(() => existsSync(place("here")));
    site.watch("family");
    site.watch("main");
    await site.start();
    const seq = await site.say("main", "m1", "!!anew!!!!say main too!!");
    expect(seq).toBeGreaterThan(0);
    // Main would log it out: it waits.
    expect(filesWith(join(site.home, "data", "kiro-login"), ["at_"])).not.toEqual([]);
    mkdirSync(place("go"));
    await until(() => site.shown("main").length > 0 && site.shown("family").length > 0);
    expect(site.shown("family").map(({ text }) => text)).toEqual(["done"]);
    expect(site.shown("main").map(({ text }) => text)).toEqual(["main too"]);
    await untilReturned(site, person);
    await engine.removeAll(install);
  });
});

async function loggedInPerson(): Promise<Person> {
  const person = newPerson(refreshing);
  await person.login();
  return person;
}

/** A host that dies at that point of the family's run. */
async function killedInMidRun(
  engine: TestEngine,
  person: Person,
  prompt: string,
  point = "after-input",
): Promise<CrashSite> {
  const image = await kiroImage(engine, refreshing);
  const site = crashSite({ ...person.env, ...engine.settings(image), NANOCLAW_AGENT: "kiro" });
  const host = await site.start(point);
  await site.request("POST", "/control/groups", { name: "family", folder: "family", settings: { shareLogin: true } });
  await site.say("family", "f1", `!!anew!!${prompt}`);
  await until(() => host.signalCode === "SIGKILL");
  return site;
}

/** Nothing of the login, old or new, is left below the home. */
const untilReturned = (site: CrashSite, person: Person): Promise<void> =>
  until(() =>
    filesWith(join(site.home, "data"), [...tokensOf(person), "at_", "rt_"])
      // Compiled code has names that look like the beginning of a token.
      .every((path) => path.startsWith(join(site.home, "data", "compile-cache"))),
  );

/** One folder that can be seen at several places. */
function sharedFolder() {
  const path = mkdtempSync(join(tmpdir(), "nanoclaw-service-"));
  chmodSync(path, 0o777);
  const places: string[] = [];
  return {
    path,
    mountAt: (place: string) => {
      mkdirSync(place, { recursive: true });
      execFileSync("mount", ["--bind", path, place]);
      places.push(place);
    },
    [Symbol.dispose]: () => {
      for (const place of places) execFileSync("umount", ["--lazy", place]);
      rmSync(path, { recursive: true });
    },
  };
}
