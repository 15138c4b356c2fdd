import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addGroup, askKiro, newPerson, withKey } from "../system/kiro-site.ts";
import { until } from "../system/until.ts";
import { describeContainers } from "./engine.ts";
import { kiroImage, loggedIn, notingImage, openKiro, V1, V2 } from "./kiro-kit.ts";

const versions = [
  ["V1", V1],
  ["V2", V2],
] as const;

await describeContainers("Kiro in containers, with an API key", (engine) => {
  test.each(versions)("%s goes on in the next container where the last one ended", async (_, standIn) => {
    await using opened = await openKiro(engine, { standIn, ...withKey });
    const { site } = opened;
    expect(await askKiro(site, "!!remember the walrus!!")).toBe("I will remember: the walrus");
    await opened.untilNone();
    expect(await askKiro(site, "!!recall!!")).toContain("the walrus");
    expect(site.ledger("SELECT DISTINCT handle FROM attempts")).toHaveLength(2);
  });

  test("reaches the host's tools, each group as itself, while both run", async () => {
    await using opened = await openKiro(engine, withKey);
    const { site } = opened;
    await addGroup(site, "family");
    const groups = ["main", "family"];
    const place = (group: string, name: string) => site.path("groups", group, name);
    const wait = "!!shell touch here; until [ -e go ]; do sleep 0.05; done!!";
    const asked = groups.map((group) =>
      askKiro(site, `${wait}!!tool nanoclaw send_message {"text":"news for ${group}"}!!!!say done!!`, group),
    );
    await until(() => groups.every((group) => existsSync(place(group, "here"))));
    for (const group of groups) writeFileSync(place(group, "go"), "");
    expect(await Promise.all(asked)).toEqual(["news for main\ndone", "news for family\ndone"]);
  });

  test("has nothing of the person's mounted", async () => {
    await using opened = await openKiro(engine, { ...withKey, ...loggedIn });
    const mounts = await askKiro(opened.site, "!!shell cat /proc/self/mountinfo!!");
    expect(mounts).toContain(opened.site.path("data", "kiro", "main"));
    expect(mounts).not.toContain(opened.person.home);
    expect(await askKiro(opened.site, "!!env KIRO_API_KEY!!")).toBe("KIRO_API_KEY=[removed: KIRO_API_KEY]");
  });
});

await describeContainers("the image with a kiro-cli", (engine) => {
  test("has it under both names, and what it told when the image was made", async (context) => {
    const inside = (...command: string[]) =>
      engine.ask("run", "--rm", "--network=none", "--entrypoint=", engine.image, ...command);
    const version = await inside("kiro-cli", "--version");
    if (version.code !== 0 && process.env["CI"] === undefined)
      return context.skip("the image was made without kiro-cli");
    expect(version.stdout).toMatch(/^kiro-cli \d/);
    for (const name of ["kiro-cli", "kiro-cli-chat"]) {
      expect(await inside("/usr/local/bin/" + name, "--version"), name).toMatchObject({
        code: 0,
        stdout: version.stdout,
      });
    }
    const { stdout } = await inside("cat", "/app/kiro-probe.json");
    expect(`kiro-cli ${(JSON.parse(stdout) as { version: string }).version}\n`).toBe(version.stdout);
  });

  test("starts it once for a turn, and asks it nothing else", async () => {
    const settings = { ...withKey.settings, NANOCLAW_AGENT_IMAGE: await notingImage(engine) };
    await using opened = await openKiro(engine, { settings });
    for (const word of ["one", "two"]) expect(await askKiro(opened.site, `!!say ${word}!!`)).toBe(word);
    const calls = readFileSync(opened.site.path("groups", "main", "calls"), "utf8")
      .trim()
      .split("\n");
    expect(calls).toEqual([expect.stringMatching(/^chat /), expect.stringMatching(/^chat .*--resume-id /)]);
  });

  test.each([
    ["a Mac", "darwin", "Library/Application Support/kiro-cli"],
    ["Linux", "linux", ".local/share/kiro-cli"],
  ])("sees the login of %s in the folders that a person mounts", async (_, platform, data) => {
    using person = newPerson({ platform });
    await person.login();
    const folders = { ".kiro": ".kiro", ".aws": ".aws", [data]: ".local/share/kiro-cli" };
    const mounts = Object.entries(folders).map(([own, inside]) => `--volume=${person.path(own)}:/home/node/${inside}`);
    const whoami = (...user: string[]) =>
      engine.ask("run", "--rm", ...user, ...mounts, "--entrypoint=/usr/local/bin/kiro-cli", image, "whoami");
    const image = await kiroImage(engine);
    const seen = { code: 0, stdout: "Logged in with Builder ID\n" };
    expect(await whoami()).toMatchObject(seen);
    giveAway(person.home, 234_567);
    expect(await whoami("--user=234567:234567")).toMatchObject(seen);
    await person.kiro("logout");
    expect(await whoami()).toMatchObject({ code: 1, stdout: "Not logged in\n" });
  });
});

function giveAway(folder: string, user: number): void {
  chownSync(folder, user, user);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    chownSync(join(entry.parentPath, entry.name), user, user);
  }
}
