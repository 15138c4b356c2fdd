import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { installKiroCli } from "../kiro-cli/bundle.ts";
import { chatClient } from "../../src/cli/chat-client.ts";
import { connect } from "../../src/cli/connection.ts";
import { loadConfig } from "../../src/config.ts";
import { nanoclaw } from "./command.ts";
import { isRoot, plainUser } from "./processes.ts";
import { endsOf, lineOf, linesOf, openSetupSite, type SetupSite } from "./setup-site.ts";
import { until } from "./until.ts";

const API_KEY = "ksk_0123456789abcdef";
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

describe("setup without questions", { timeout: 120_000 }, () => {
  test("leads to a local chat that answers, on a machine that has nothing else", async () => {
    using site = openSetupSite();
    await using command = site.run(["setup", "--yes", "--skip", "service"]);
    expect(await command.ended).toBe(1);
    const said = command.stdout();
    expect(said).toMatch(/^FAILED {3}engine {7}Docker is not installed/m);
    expect(said).toMatch(/^skipped {2}image {8}waits for: engine/m);
    expect(said).toMatch(/^ok {7}test {9}the built-in offline agent answered \(no language model/m);
    expect(said).toContain("Done: environment, main, groups, mounts, test. Not done: engine. The same command goes on");
  });

  test("ends with 0 when what is missing was left out, and again when it is run again", async () => {
    using site = openSetupSite();
    for (const _ of ["first", "again"]) {
      const { exit, lines } = await site.setup(["--yes", "--skip", "engine,image,service"]);
      expect(exit).toBe(0);
      expect(endsOf(lines)).toEqual({
        ...{ environment: "done", kiro: "skipped", whatsapp: "skipped", main: "done", groups: "done" },
        ...{ mounts: "done", test: "done", summary: "done" },
      });
    }
  });

  test("tells a program what is missing and by which flag it is given", async () => {
    using site = openSetupSite();
    const { exit, lines } = await site.setup(["--only", "kiro,whatsapp"]);
    expect(exit).toBe(1);
    expect(lines).toEqual([
      expect.objectContaining({ step: "kiro", status: "needs", flag: "--kiro key|login|skip" }),
      expect.objectContaining({ step: "whatsapp", status: "needs", flag: "--whatsapp qr|code|skip" }),
      expect.objectContaining({ step: "summary", status: "failed", needs: ["kiro", "whatsapp"], done: [] }),
    ]);
  });

  test("without a terminal it asks for flags instead of hanging", async () => {
    using site = openSetupSite();
    await using command = site.run(["setup"]);
    expect(await command.ended).toBe(2);
    expect(command.stderr()).toContain("There is no terminal to ask questions in");
    expect(command.stderr()).toContain("--yes");
  });

  const wrong: [string[], string][] = [
    [["--only", "image,whatsap"], "there is no such step. Steps: environment, engine, image"],
    [["--only", ""], "there is no such step"],
    [["--only", "image", "--skip", "test"], "exclude each other"],
    [["--whatsapp", "code", "--phone", "0152 1"], "it lacks the country code"],
    [["--whatsapp", "qr", "--phone", "+4915200000001"], "--phone goes with --whatsapp code"],
    [["--owner", "12"], "--owner 12: it must be digits"],
    [["--no-own-number", "--owner", "+4915200000001"], "--owner goes with --own-number"],
    [["--kiro", "login", "--kiro-key-file", "x"], "--kiro-key-file goes with --kiro key"],
    [["--kiro", "maybe"], "Allowed choices are key, login, skip"],
    [["--mounts", "none", "--mount-root", "/tmp"], "exclude each other"],
    [["--build-arg", "KIRO_CLI"], "write it as <name>=<value>"],
    [["--frobnicate"], "unknown option"],
  ];
  test("flags that are wrong are told before anything is done, with exit 2", async () => {
    using site = openSetupSite();
    for (const [args, problem] of wrong) await expect(site.setup(args)).rejects.toThrow(problem);
    await using command = site.run(["setup", "--yes", "--only", "whatsap"]);
    expect(await command.ended).toBe(2);
    expect(existsSync(join(site.home, "store"))).toBe(false);
  });

  test("twice at once: the second one says so", async () => {
    using site = openSetupSite();
    site.docker("up", "hangs");
    await using first = site.run(["setup", "--yes", "--only", "image"]);
    await first.says("Step 1/2");
    await using second = site.run(["setup", "--yes", "--only", "environment"]);
    expect(await second.ended).toBe(1);
    expect(second.stderr()).toContain("Setup runs in this home already (process ");
    first.child.kill("SIGKILL");
    await first.ended;
    site.docker("up"); // nobody was left to end the build
    expect((await site.setup(["--only", "environment"])).exit).toBe(0);
  });

  test("beside a running host it talks to that one", async () => {
    using site = openSetupSite();
    await using host = site.run(["start"], { NANOCLAW_AGENT_RUNTIME: "host" });
    await host.says("NanoClaw runs");
    const { exit, lines } = await site.setup(["--only", "main,test"]);
    expect([exit, lineOf(lines, "test").status]).toEqual([0, "done"]);
  });

  test("what nobody has seen yet is still unseen after the test message, whose own answer is not", async () => {
    using site = openSetupSite();
    await using host = site.run(["start"], { NANOCLAW_AGENT_RUNTIME: "host" });
    await host.says("NanoClaw runs");
    await site.setup(["--only", "test"]);
    const config = loadConfig({ env: { NANOCLAW_HOME: site.home }, defaultHome: site.home });
    using connection = await connect(config);
    const client = chatClient(config, "main", connection);
    const { seq } = await client.send("search for walrus");
    await until(async () => (await client.outcome(seq)).state === "answered");
    await site.setup(["--only", "test"]);
    await using chat = site.run(["chat", "list reminders"]);
    expect(await chat.ended).toBe(0);
    const replies = chat.stdout();
    expect(replies).toContain("walrus");
    // The first test came when everything was seen.
    expect(replies.split("built-in offline assistant")).toHaveLength(2);
  });
});

describe("the container engine", { timeout: 120_000 }, () => {
  test("that answers is named", async () => {
    using site = openSetupSite();
    site.docker("up");
    expect(lineOf((await site.setup(["--only", "engine"])).lines, "engine")).toMatchObject({
      status: "done",
      detail: "docker 20.10.24",
    });
  });

  test("that is down, or not for this user, is told with what helps", async () => {
    using site = openSetupSite();
    site.docker("down");
    const down = await site.setup(["--only", "engine"]);
    expect([down.exit, lineOf(down.lines, "engine").detail]).toEqual([
      1,
      "docker is installed, but its engine does not answer.",
    ]);
    site.docker("denied");
    const denied = lineOf((await site.setup(["--only", "engine"])).lines, "engine");
    expect(denied.detail).toContain("may not use it");
    expect(denied.cure).toContain('sudo usermod -aG docker "$USER"');
  });

  test("is not needed where turns run as processes", async () => {
    using site = openSetupSite();
    const { exit, lines } = await site.setup(["--only", "engine,image"], { NANOCLAW_AGENT_RUNTIME: "host" });
    expect([exit, endsOf(lines)]).toEqual([0, { engine: "done", image: "done", summary: "done" }]);
  });
});

describe("the image", { timeout: 120_000 }, () => {
  const build = (site: SetupSite, ...args: string[]) => site.setup(["--only", "image", ...args]);
  const builds = (site: SetupSite) => site.dockerCalls().filter((call) => call.startsWith("build"));

  test("is built once, with the log kept for this user", async () => {
    using site = openSetupSite();
    site.docker("up");
    const { exit, lines } = await build(site, "--build-arg", "KIRO_CLI=none");
    expect([exit, lineOf(lines, "image")]).toEqual([
      0,
      { step: "image", status: "done", detail: "nanoclaw-agent:latest was built" },
    ]);
    expect(builds(site)).toEqual([
      expect.stringMatching(/^build -t nanoclaw-agent:latest --build-arg KIRO_CLI=none \/.*\/container$/),
    ]);
    const log = join(site.home, "logs", "image-build.log");
    expect([modeOf(log), readFileSync(log, "utf8")]).toEqual(["600", expect.stringContaining("Step 1/2 : FROM node")]);
    await build(site);
    expect(builds(site)).toHaveLength(1);
    await build(site, "--rebuild");
    expect(builds(site)).toHaveLength(2);
  });

  test("that fails shows the end of the log, and where all of it lies", async () => {
    using site = openSetupSite();
    site.docker("up", "fails");
    await using command = site.run(["setup", "--yes", "--only", "image"]);
    expect(await command.ended).toBe(1);
    const log = join(site.home, "logs", "image-build.log");
    expect(command.stdout()).toContain("Step 2/2 : RUN install-something");
    expect(command.stdout()).toContain(`All of it: ${log}`);
    expect(command.stdout()).toMatch(/FAILED {3}image {8}the build failed: .*non-zero code: 3/);
    site.docker("up", "fills-disk");
    expect(lineOf((await build(site)).lines, "image").cure).toContain("docker system prune");
    site.docker("up");
    expect((await build(site)).exit).toBe(0);
  });

  test("whose engine stops half-way says so, and is built when it is back", async () => {
    using site = openSetupSite();
    site.docker("up", "stops");
    const { exit, lines } = await build(site);
    expect([exit, lineOf(lines, "image").detail]).toEqual([
      1,
      expect.stringContaining("the container engine stopped while the image was built"),
    ]);
    const down = await build(site);
    expect(lineOf(down.lines, "image").detail).toBe("the container engine does not answer");
    site.docker("up");
    expect((await build(site)).exit).toBe(0);
  });

  test("Ctrl-C ends the build as well, and says what is done", async () => {
    using site = openSetupSite();
    site.docker("up", "hangs");
    await using command = site.run(["setup", "--yes", "--only", "environment,image"]);
    await command.says("Step 1/2");
    command.child.kill("SIGINT");
    expect(await command.ended).toBe(130);
    expect(command.stdout()).toContain("Stopped at image. Done: environment. The same command goes on");
    expect(site.dockerCalls().at(-1)).toBe("ended");
  });
});

describe("Kiro", { timeout: 120_000 }, () => {
  const kiro = (site: SetupSite, args: string[], env?: Record<string, string>, input?: string) =>
    site.setup(["--only", "kiro", ...args], env, input);
  const env = (site: SetupSite) => readFileSync(join(site.home, ".env"), "utf8");

  test("a key goes from a file, from standard input or from the environment into .env, and is never shown", async () => {
    using site = openSetupSite();
    const file = join(site.person, "key");
    writeFileSync(file, `${API_KEY}1\n`);
    const said = [
      await kiro(site, ["--kiro-key-file", file]),
      await kiro(site, ["--kiro", "key", "--kiro-key-file", "-"], {}, `${API_KEY}2\n`),
    ];
    expect(said.map(({ exit }) => exit)).toEqual([0, 0]);
    expect([env(site), modeOf(join(site.home, ".env"))]).toEqual([`KIRO_API_KEY=${API_KEY}2\n`, "600"]);
    writeFileSync(join(site.home, ".env"), "# mine\n");
    said.push(await kiro(site, [], { KIRO_API_KEY: `${API_KEY}3` }));
    expect(env(site)).toBe(`# mine\nKIRO_API_KEY=${API_KEY}3\n`);
    expect(lineOf((await kiro(site, [])).lines, "kiro").detail).toContain("KIRO_API_KEY is set");
    expect(JSON.stringify(said)).not.toContain(API_KEY);
  });

  test("what cannot be a key is refused without being repeated, and nothing is written", async () => {
    using site = openSetupSite();
    const { exit, lines } = await kiro(site, ["--kiro-key-file", "-"], {}, "KIRO_API_KEY=sk_secret");
    expect([exit, lineOf(lines, "kiro").detail]).toEqual([1, expect.stringContaining("paste the key alone")]);
    expect(JSON.stringify(lines)).not.toContain("sk_secret");
    expect(existsSync(join(site.home, ".env"))).toBe(false);
    const missing = await kiro(site, ["--kiro-key-file", "/nowhere/key"]);
    expect(lineOf(missing.lines, "kiro").detail).toContain("/nowhere/key cannot be read");
  });

  test("the environment's key wins over the file, so another one is not written below it", async () => {
    using site = openSetupSite();
    const { lines } = await kiro(site, ["--kiro-key-file", "-"], { KIRO_API_KEY: API_KEY }, `${API_KEY}2`);
    expect(lineOf(lines, "kiro")).toMatchObject({
      status: "failed",
      detail: expect.stringContaining("unset") as string,
    });
  });

  test("a login is looked at, and cured by a command of the person's", async () => {
    using site = openSetupSite();
    const none = lineOf((await kiro(site, ["--kiro", "login"])).lines, "kiro");
    expect([none.detail, none.cure]).toEqual([
      "kiro-cli is not installed on this machine",
      expect.stringContaining("https://cli.kiro.dev/install"),
    ]);
    installKiroCli(site.bin);
    const out = lineOf((await kiro(site, ["--kiro", "login"])).lines, "kiro");
    expect([out.status, out.cure]).toEqual(["failed", expect.stringContaining("kiro-cli login")]);
  });

  test("a program without a login, or a login without a program in the image, is no success", async () => {
    using site = openSetupSite();
    site.docker("up");
    site.image();
    const { exit, lines } = await kiro(site, ["--kiro-key-file", "-"], {}, API_KEY);
    expect([exit, lineOf(lines, "kiro").detail]).toEqual([1, expect.stringContaining("has none that can be used")]);
    writeFileSync(join(site.bin, "docker.probe"), JSON.stringify({ version: "2.29.0" }));
    expect(lineOf((await kiro(site, [])).lines, "kiro")).toMatchObject({
      status: "done",
      detail: expect.stringContaining("2.29.0, in nanoclaw-agent:latest") as string,
    });
  });
});

describe("the folders that groups may be shown", { timeout: 120_000 }, () => {
  const path = (site: SetupSite) => join(site.person, ".config", "nanoclaw", "mount-allowlist.json");
  const mounts = (site: SetupSite, ...args: string[]) => site.setup(["--only", "mounts", ...args]);

  test("are none unless some are named; the file is for this user alone", async () => {
    using site = openSetupSite();
    expect((await mounts(site)).exit).toBe(0);
    const none = { allowedRoots: [], blockedPatterns: [], nonMainReadOnly: true };
    expect([JSON.parse(readFileSync(path(site), "utf8")), modeOf(path(site))]).toEqual([none, "600"]);
  });

  test("are written as they are named", async () => {
    using site = openSetupSite();
    for (const name of ["projects", "notes"]) mkdirSync(join(site.person, name));
    expect((await mounts(site, "--mount-root", "~/projects:rw", join(site.person, "notes"))).exit).toBe(0);
    expect((JSON.parse(readFileSync(path(site), "utf8")) as { allowedRoots: unknown }).allowedRoots).toEqual([
      { path: "~/projects", allowReadWrite: true },
      { path: join(site.person, "notes"), allowReadWrite: false },
    ]);
    expect((await mounts(site)).exit).toBe(0);
  });

  test("that cannot be shown are refused by name", async () => {
    using site = openSetupSite();
    mkdirSync(join(site.person, ".ssh"));
    const { exit, lines } = await mounts(site, "--mount-root", "~/.ssh", "/", "projects", "~/gone");
    expect([exit, lineOf(lines, "mounts").detail]).toEqual([
      1,
      '~/.ssh: what is called ".ssh" is never shown; /: with it goes the whole machine; ' +
        "projects: a path begins with / or ~/; ~/gone: there is nothing at that path",
    ]);
    expect(existsSync(path(site))).toBe(false);
  });

  test("an allowlist that is there is never overwritten, whatever it says", async () => {
    using site = openSetupSite();
    mkdirSync(join(site.person, ".config", "nanoclaw"), { recursive: true });
    for (const [text, wanted] of [
      ['{"allowedRoots":[{"path":"~/code"}]}', "~/code"],
      ["{ damaged", "cannot be used"],
    ] as const) {
      writeFileSync(path(site), text);
      const { exit, lines } = await mounts(site, "--mounts", "none");
      expect([exit, lineOf(lines, "mounts").detail]).toEqual([1, expect.stringContaining(wanted)]);
      expect(readFileSync(path(site), "utf8")).toBe(text);
    }
  });
});

describe.runIf(process.platform === "linux")("the service", { timeout: 120_000 }, () => {
  const service = (site: SetupSite, ...args: string[]) => site.setup(["--only", "service", ...args]);
  /** Its process is the one that the stand-in for the manager names. */
  const host = (agent = "offline", startedAt = Date.now()) => ({ pid: 4321, startedAt, agent });
  /** `install` is one, too. */
  const restarts = (site: SetupSite) => site.managerCalls().filter((call) => /--user restart nanoclaw/.test(call));
  const key = ["--kiro-key-file", "-"];

  test("is installed and runs; the second time there is nothing to do", async () => {
    using site = openSetupSite();
    site.manager();
    await using _host = await site.serving(host());
    for (const _ of ["first", "again"]) {
      const { exit, lines } = await service(site);
      expect([exit, lineOf(lines, "service").detail]).toEqual([0, expect.stringContaining("4321")]);
    }
    expect(restarts(site)).toHaveLength(1);
    expect(readFileSync(join(site.person, ".config", "systemd", "user", "nanoclaw.service"), "utf8")).toContain(
      `NANOCLAW_HOME=${site.home}`,
    );
  });

  test("is started anew when .env is newer than it, also by a later run; without its step that is said", async () => {
    using site = openSetupSite();
    site.manager();
    await using _host = await site.serving(host("kiro", Date.now() - 1));
    await service(site);
    const { exit, lines } = await site.setup(["--only", "kiro", ...key], {}, API_KEY);
    expect([exit, lineOf(lines, "summary").detail]).toEqual([
      0,
      "Done: kiro. The host that runs (process 4321) does not know all of this yet; " +
        "restart it: npm run nanoclaw -- service restart",
    ]);
    expect(restarts(site)).toHaveLength(1);
    expect((await service(site)).exit).toBe(0);
    expect(restarts(site)).toHaveLength(2);
  });

  test("is started anew when Kiro is there now and it still answers by the offline agent", async () => {
    using site = openSetupSite();
    site.manager();
    mkdirSync(site.home);
    const env = join(site.home, ".env");
    writeFileSync(env, `KIRO_API_KEY=${API_KEY}\n`);
    utimesSync(env, 1, 1);
    for (const [agent, wanted] of [
      ["kiro", 1],
      ["offline", 2],
    ] as const) {
      await using _host = await site.serving(host(agent));
      expect((await service(site)).exit).toBe(0);
      expect(restarts(site)).toHaveLength(wanted);
    }
  });

  test("that never answers is a failure with its last words, and no host of setup's own answers in its place", async () => {
    using site = openSetupSite();
    site.manager();
    mkdirSync(site.home);
    const { exit, lines } = await site.setup(["--only", "service,test", "--yes"]);
    expect([exit, endsOf(lines)]).toEqual([1, { service: "failed", test: "skipped", summary: "failed" }]);
    expect(lineOf(lines, "service").detail).toMatch(/^it does not answer .*4321.*it said last: .*the stand-in began$/);
    expect(lineOf(lines, "test").detail).toContain("waits for: service");
    const alone = await site.setup(["--only", "test"]);
    expect([alone.exit, lineOf(alone.lines, "test").detail]).toEqual([1, "the service runs, but does not answer"]);
    // One of another home says nothing about this one.
    const unit = join(site.person, ".config", "systemd", "user", "nanoclaw.service");
    writeFileSync(
      unit,
      readFileSync(unit, "utf8").replaceAll(`NANOCLAW_HOME=${site.home}`, "NANOCLAW_HOME=/elsewhere"),
    );
    expect((await site.setup(["--only", "test"])).exit).toBe(0);
  });

  test("without a manager of services says what else there is", async () => {
    using site = openSetupSite();
    const { exit, lines } = await service(site);
    expect([exit, lineOf(lines, "service").status]).toEqual([1, "failed"]);
    expect(lineOf(lines, "service").cure).toContain("start");
  });
});

describe("a home that cannot be used", { timeout: 120_000 }, () => {
  test.skipIf(isRoot && plainUser() === undefined)("is what its first step says, whatever was wanted", async () => {
    using site = openSetupSite();
    mkdirSync(site.home);
    chmodSync(dirname(site.home), 0o755);
    chmodSync(site.home, 0o555);
    const uid = plainUser();
    const options = { env: site.env, ...(uid !== undefined && { uid }) };
    await using command = nanoclaw(site.home, ["setup", "--json", "--only", "image"], options);
    expect([await command.ended, command.stderr()]).toEqual([1, ""]);
    const lines = linesOf(command);
    expect(endsOf(lines)).toEqual({ environment: "failed", summary: "failed" });
    const { detail, cure } = lineOf(lines, "environment");
    expect([detail, cure]).toEqual([
      expect.stringContaining(`the home ${site.home} cannot be written: `),
      expect.stringContaining(`sudo chown -R "$USER" '${site.home}'`),
    ]);
    chmodSync(site.home, 0o755);
  });

  test("settings that are wrong are told all at once, with exit 2", async () => {
    using site = openSetupSite();
    mkdirSync(site.home);
    writeFileSync(join(site.home, ".env"), "TZ=Nowhere\nCONTAINER_TIMEOUT=soon\n");
    await using command = nanoclaw(site.home, ["setup", "--yes"], { env: { ...site.env, TZ: "" } });
    expect(await command.ended).toBe(2);
    expect(command.stderr()).toContain("CONTAINER_TIMEOUT");
    expect(command.stdout()).toBe("");
  });
});
