import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { makeClone, repository } from "../docs/clone.ts";
import { isShell, readPage } from "../docs/read-page.ts";
import { openShell } from "../docs/shell.ts";
import { bundleKiroCli } from "../kiro-cli/bundle.ts";
import { databaseOf, newPerson } from "../system/kiro-site.ts";
import { readBlock } from "../system/setup-script.ts";
import { openContainerSite } from "./container-site.ts";
import { describeContainers, newInstall, type TestEngine } from "./engine.ts";
import { kiroImage } from "./kiro-kit.ts";

const PAGE = "docs/seed-walkthrough.md";
const blocks = readPage(PAGE, readFileSync(join(repository, PAGE), "utf8")).filter(isShell);
/** The page's command that begins so. */
const commandOf = (start: string): string => {
  const block = blocks.find(({ text }) => text.startsWith(start));
  if (!block) throw new Error(`the page has no command that begins with ${start}`);
  return block.text;
};

/** A clone, a person, and a shell in which `docker` talks to the tests' engine. */
function openPlace(engine: TestEngine, settings: Record<string, string> = {}) {
  const programs = mkdtempSync(join(tmpdir(), "nanoclaw-docker-"));
  writeFileSync(join(programs, "docker"), `#!/bin/sh\nexec '${engine.program}' "$@"\n`, { mode: 0o755 });
  const clone = makeClone({
    ...{ PATH: `${programs}${delimiter}${process.env["PATH"] ?? ""}`, DOCKER_BUILDKIT: "0" },
    ...{ DOCKER_CONFIG: process.env["DOCKER_CONFIG"] ?? "", ...settings },
  });
  const shell = openShell(clone.root, clone.env);
  return {
    ...{ clone, shell },
    [Symbol.asyncDispose]: async () => {
      await shell[Symbol.asyncDispose]();
      clone[Symbol.dispose]();
      rmSync(programs, { recursive: true });
    },
  };
}

/** What the gate builds with: the vendor's kiro-cli is not fetched, and there may be a proxy. */
function buildArgs(root: string): string {
  const container = join(root, "container");
  if (!existsSync(join(container, "kiro-cli"))) bundleKiroCli(join(container, "kiro-cli"));
  const [ca, own] = [process.env["NODE_EXTRA_CA_CERTS"] ?? "", join(container, "extra-ca.pem")];
  if (ca !== "" && existsSync(ca) && !existsSync(own)) copyFileSync(ca, own);
  return `--build-arg KIRO_CLI=kiro-cli${existsSync(own) ? " --build-arg EXTRA_CA=extra-ca.pem" : ""}`;
}

await describeContainers("the seed's commands on an engine", (engine) => {
  test("03-setup-container.sh and docker build make an image with kiro-cli", { timeout: 400_000 }, async () => {
    const tag = `nanoclaw-test:seed-${newInstall()}`;
    await using place = openPlace(engine, { NANOCLAW_AGENT_IMAGE: tag });
    const { clone, shell } = place;
    const args = buildArgs(clone.root);
    try {
      const script = await shell.run(
        `${commandOf("./.kiro/skills/setup/scripts/03-setup-container.sh")} ${args} 2>/dev/null`,
      );
      expect({ exit: script.exit, ...readBlock(script.output) }).toEqual({
        ...{ exit: 0, "": "SETUP_CONTAINER", RUNTIME: "docker", IMAGE: tag, DOCKER: "running" },
        ...{ BUILD_OK: "true", IMAGE_OK: "true", STATUS: "success", LOG: "logs/setup.log" },
      });
      const direct = commandOf("docker build").replace("nanoclaw-agent:latest", `${tag} ${args}`);
      const built = await shell.run(direct);
      expect(built).toMatchObject({ exit: 0 });
      expect(built.output).toContain(`Successfully tagged ${tag}`);
    } finally {
      await engine.ask("rmi", tag);
    }
  });

  test("03-setup-container.sh says what keeps the image from being made", { timeout: 180_000 }, async () => {
    await using place = openPlace(engine, { NANOCLAW_AGENT_IMAGE: `nanoclaw-test:seed-${newInstall()}` });
    const script = commandOf("./.kiro/skills/setup/scripts/03-setup-container.sh");
    const bad = await place.shell.run(`${script} --build-arg KIRO_CLI=not-there 2>/dev/null`);
    expect({ exit: bad.exit, ...readBlock(bad.output) }).toMatchObject({
      ...{ exit: 1, DOCKER: "running", BUILD_OK: "false", IMAGE_OK: "false", STATUS: "failed" },
    });
    expect(readFileSync(join(place.clone.root, "logs", "setup.log"), "utf8")).toContain("not-there");
    const away = await place.shell.run(`DOCKER_HOST=unix:///nowhere ${script} 2>/dev/null`);
    expect({ exit: away.exit, ...readBlock(away.output) }).toMatchObject({ exit: 1, DOCKER: "not_running" });
  });

  test("the container of section 7 sees the login, at the places of a Mac", async () => {
    const image = await kiroImage(engine);
    using person = newPerson();
    await person.login();
    await using place = openPlace(engine);
    const { clone, shell } = place;
    for (const name of [".kiro", ".aws"]) mkdirSync(join(clone.home, name));
    const data = join(clone.home, "Library", "Application Support", "kiro-cli");
    cpSync(dirname(databaseOf(person.home)), data, { recursive: true });
    const command = commandOf("docker run").replace("nanoclaw-agent:latest", image);
    expect(await shell.run(command)).toEqual({ exit: 0, output: "Logged in with Builder ID\n" });
  });

  test("the log says in which runtime a turn runs, and docker ps shows nothing of it afterwards", async () => {
    const settings = { NANOCLAW_AGENT_IMAGE: engine.image, NANOCLAW_AGENT: "offline" };
    await using opened = await openContainerSite(engine, { settings });
    const { site } = opened;
    expect(await site.answered(await site.say("help"))).toHaveLength(1);
    await opened.untilNone();
    expect(readFileSync(site.path("logs", "nanoclaw.log"), "utf8")).toMatch(
      /"runtime":"docker","msg":"Spawning agent process"/,
    );
  });
});
