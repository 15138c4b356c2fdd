import { readFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installKiroCli } from "../kiro-cli/bundle.ts";
import { keys, openSetupSite, type Dialogue, type SetupSite } from "./setup-site.ts";
import { until } from "./until.ts";

const API_KEY = "ksk_0123456789abcdef";
const hasScript = process.platform === "linux";

const ENGINE = "When that is done";
const BUILD = "Build it now?";
const KIRO = "How does the assistant get to Kiro?";
const KEY = "The API key";
const LINK = "Link this machine to WhatsApp?";
const PHONE = "The phone's number";
const FOLDERS = "May groups be shown folders";
const FOLDER = "A folder (empty: no more)";
const WRITE = "May it be written there";
const SERVICE = "Install it, and start it?";

describe.runIf(hasScript)("setup at a terminal", { timeout: 120_000 }, () => {
  test("goes from nothing to a chat that answers, and tells what is left", async () => {
    using site = openSetupSite();
    site.docker("down");
    await using dialogue = site.interactive();
    await dialogue.answer(ENGINE, keys.down + keys.enter);
    await dialogue.answer(KIRO, keys.enter);
    await dialogue.answer(KEY, `short${keys.enter}`);
    await dialogue.answer(/that is too short for a key/, `${API_KEY}${keys.enter}`);
    await dialogue.answer(LINK, keys.down + keys.down + keys.enter);
    await dialogue.answer(FOLDERS, keys.down + keys.enter);
    await dialogue.answer(FOLDER, `~/gone${keys.enter}`);
    await dialogue.answer(/there is nothing at that path/, `${keys.clear}~${keys.enter}`);
    await dialogue.answer(WRITE, keys.enter);
    await dialogue.answer(FOLDER, keys.enter);
    await dialogue.says(/FAILED|no answer from kiro|Done: /);
    await dialogue.ended;
    expect(dialogue.screen()).not.toContain(API_KEY);
    expect(readFileSync(join(site.home, ".env"), "utf8")).toBe(`KIRO_API_KEY=${API_KEY}\n`);
    const allowlist = readFileSync(join(site.person, ".config", "nanoclaw", "mount-allowlist.json"), "utf8");
    expect(JSON.parse(allowlist)).toMatchObject({ allowedRoots: [{ path: "~", allowReadWrite: false }] });
    // Kiro waits for containers, and that is said; nothing else answers in its place.
    expect(dialogue.screen()).toMatch(/no answer from kiro/);
  });

  test("an engine that is started meanwhile is seen, and a build that failed can be tried again", async () => {
    using site = openSetupSite();
    site.docker("down");
    await using dialogue = site.interactive(["--only", "engine,image"]);
    await dialogue.answer(ENGINE, keys.enter);
    await dialogue.says(ENGINE);
    site.docker("up", "fails");
    await dialogue.answer(ENGINE, keys.enter);
    await dialogue.answer(BUILD, keys.enter);
    await dialogue.says(/The build failed\. It said last:/);
    site.docker("up");
    await dialogue.answer(BUILD, keys.enter);
    expect(await dialogue.ended).toBe(0);
    expect(dialogue.screen()).toContain("nanoclaw-agent:latest was built");
  });

  test("a login is made by Kiro itself, on this terminal", async () => {
    using site = openSetupSite();
    installKiroCli(site.bin, { settings: { device: "succeeds" } });
    await using dialogue = site.interactive(["--only", "kiro"], { NANOCLAW_AGENT_RUNTIME: "host" });
    await dialogue.answer(KIRO, keys.down + keys.enter);
    // There is no browser here; Kiro says so itself, and the person is asked again.
    await dialogue.answer("Log in to Kiro:", keys.enter);
    await dialogue.answer(KIRO, keys.down + keys.enter);
    await dialogue.answer("Log in to Kiro:", keys.down + keys.enter);
    expect(await dialogue.ended).toBe(0);
    expect(dialogue.screen()).toContain("Failed to open browser for authentication.");
    expect(dialogue.screen()).toContain("kiro agent: kiro-assistant");
  });

  /** How each prompt is come to. */
  const prompts: [string, string[], (dialogue: Dialogue, site: SetupSite) => Promise<unknown>][] = [
    [ENGINE, ["--only", "environment,engine"], async () => {}],
    [BUILD, ["--only", "image"], async () => {}],
    [KIRO, ["--only", "kiro"], async () => {}],
    [KEY, ["--only", "kiro"], (dialogue) => dialogue.answer(KIRO, keys.enter)],
    [LINK, ["--only", "whatsapp"], async () => {}],
    [PHONE, ["--only", "whatsapp"], (dialogue) => dialogue.answer(LINK, keys.down + keys.enter)],
    [FOLDERS, ["--only", "mounts"], async () => {}],
    [FOLDER, ["--only", "mounts"], (dialogue) => dialogue.answer(FOLDERS, keys.down + keys.enter)],
    [
      WRITE,
      ["--only", "mounts"],
      async (dialogue) => {
        await dialogue.answer(FOLDERS, keys.down + keys.enter);
        await dialogue.answer(FOLDER, `~${keys.enter}`);
      },
    ],
    [SERVICE, ["--only", "service"], async () => {}],
  ];

  test.for(prompts)(
    "Ctrl-C at %j leaves cleanly: what is done is said, and nothing is half-written",
    async (prompt) => {
      const [shown, args, come] = prompt;
      using site = openSetupSite();
      site.docker(shown === ENGINE ? "down" : "up");
      site.manager();
      await using dialogue = site.interactive(args);
      await come(dialogue, site);
      await dialogue.answer(shown, keys.ctrlC);
      expect(await dialogue.ended).toBe(130);
      const step = args[1]?.split(",").at(-1) ?? "";
      const done = shown === ENGINE ? "Done: environment." : "Nothing was done yet.";
      expect(dialogue.screen()).toContain(
        `Stopped at ${step}. ${done} The same command goes on: npm run nanoclaw -- setup`,
      );
      for (const path of [join(site.home, ".env"), join(site.person, ".config")]) expect(existsSync(path)).toBe(false);
    },
  );

  test("Ctrl-C while the image is built ends the build, too", async () => {
    using site = openSetupSite();
    site.docker("up", "hangs");
    await using dialogue = site.interactive(["--only", "image"]);
    await dialogue.answer(BUILD, keys.enter);
    await dialogue.answer(/Step 1\/2/, keys.ctrlC);
    expect(await dialogue.ended).toBe(130);
    expect(dialogue.screen()).toContain("Stopped at image.");
    expect(site.dockerCalls().at(-1)).toBe("ended");
  });

  test("a terminal that is closed while the image is built takes the build along", async () => {
    using site = openSetupSite();
    site.docker("up", "hangs");
    await using dialogue = site.interactive(["--only", "image"]);
    await dialogue.answer(BUILD, keys.enter);
    await dialogue.says(/Step 1\/2/);
    dialogue.hangUp();
    await until(() => site.dockerCalls().at(-1) === "ended");
  });

  test("what is done is not asked again", async () => {
    using site = openSetupSite();
    site.docker("up");
    site.image();
    writeFileSync(join(site.bin, "docker.probe"), JSON.stringify({ version: "2.29.0" }));
    await site.setup(["--only", "mounts,kiro", "--kiro-key-file", "-"], {}, API_KEY);
    await using dialogue = site.interactive(["--only", "environment,engine,image,kiro,mounts"]);
    expect(await dialogue.ended).toBe(0);
    expect(dialogue.screen()).toContain("Done: environment, engine, image, kiro, mounts. Nothing is left to do.");
  });
});
