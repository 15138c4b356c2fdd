import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { GroupView } from "../../src/control/groups.ts";
import { makeForkHome } from "../fork-home/fork-home.ts";
import { tree } from "../fork-home/tree.ts";
import { run } from "./command.ts";
import { isRoot } from "./processes.ts";
import { bareClone, openScriptSite, packages, says, type ScriptSite } from "./setup-script.ts";

const groupsOf = async (site: ScriptSite) =>
  JSON.parse((await run(site.home, ["groups", "list", "--json"])).stdout) as GroupView[];

describe.concurrent("the setup's scripts", { timeout: 180_000 }, () => {
  test("say what the machine has, and make nothing but their log", async () => {
    using site = openScriptSite();
    const { exit, block } = await site.run("01-check-environment.sh");
    expect({ exit, keys: Object.keys(block).slice(1) }).toEqual({
      exit: 0,
      keys: [
        ...["PLATFORM", "NODE_VERSION", "NODE_OK", "DOCKER", "KIRO_CLI", "KIRO_AGENT_CONFIG"],
        ...["HAS_ENV", "HAS_AUTH", "HAS_REGISTERED_GROUPS", "OLD_HOME", "STATUS", "LOG"],
      ],
    });
    expect(block).toMatchObject({
      "": "CHECK_ENVIRONMENT",
      ...{ PLATFORM: process.platform === "darwin" ? "macos" : "linux", NODE_OK: "true", KIRO_AGENT_CONFIG: "missing" },
      ...{ HAS_ENV: "false", HAS_AUTH: "false", HAS_REGISTERED_GROUPS: "false", STATUS: "success" },
    });
    expect(block["LOG"]).toBe(join(site.home, "logs", "setup.log"));
    expect(site.logMode()).toBe("600");
    expect(readdirSync(site.home).sort()).toEqual(["data", "logs"]);
  });

  test("find an engine that does not answer, and what was set up before", async () => {
    using site = openScriptSite();
    site.program("docker", "echo 'no daemon' >&2; exit 1");
    mkdirSync(join(site.person, ".kiro", "agents"), { recursive: true });
    writeFileSync(join(site.person, ".kiro", "agents", "agent_config.json"), "{}");
    writeFileSync(join(site.home, ".env"), "LOG_LEVEL=debug\n");
    mkdirSync(join(site.home, "store", "auth"), { recursive: true });
    // A folder that is not empty is no link.
    writeFileSync(join(site.home, "store", "auth", "notes.txt"), "");
    const before = await site.run("01-check-environment.sh");
    expect(before.block).toMatchObject({
      ...{ DOCKER: "installed_not_running", KIRO_AGENT_CONFIG: "found", HAS_ENV: "true", HAS_AUTH: "false" },
    });
    writeFileSync(join(site.home, "store", "auth", "creds.json"), "{}");
    await run(site.home, ["groups", "add", "--name", "Plans", "--folder", "plans", "--jid", "120363000000000001@g.us"]);
    expect((await site.run("01-check-environment.sh")).block).toMatchObject({
      ...{ HAS_AUTH: "true", HAS_REGISTERED_GROUPS: "true" },
    });
    expect(site.log()).toContain("no daemon");
  });

  test("find a home of the system before this one, and do not take it over", async () => {
    using old = makeForkHome();
    old.group("family");
    using site = openScriptSite({ NANOCLAW_HOME: old.root });
    const before = tree(old.path("store"));
    const { exit, block } = await site.run("01-check-environment.sh");
    expect({ exit, ...block }).toMatchObject({ exit: 0, OLD_HOME: "true", HAS_REGISTERED_GROUPS: "true" });
    expect(tree(old.path("store"))).toEqual(before);
  });

  test("use the engine that the settings name", async () => {
    using site = openScriptSite();
    writeFileSync(join(site.home, ".env"), "NANOCLAW_DOCKER=my-engine\n");
    expect((await site.run("01-check-environment.sh")).block["DOCKER"]).toBe("not_found");
    site.program("my-engine", "exit 0");
    expect((await site.run("01-check-environment.sh")).block["DOCKER"]).toBe("running");
  });

  test("install the packages where they are missing, and leave them alone where they are there", async () => {
    using clone = bareClone();
    using site = openScriptSite({}, clone.root);
    site.program("npm", `echo "npm $*" >>"$HOME/npm"; ln -sfn '${packages}' node_modules`);
    const missing = await site.run("04-auth-whatsapp.sh", ["--method", "qr-browser"]);
    expect(missing.block["ERROR"]).toContain("02-install-deps.sh");
    const first = await site.run("02-install-deps.sh");
    expect(first.block).toMatchObject({ "": "INSTALL_DEPS", PACKAGES: "installed", STATUS: "success" });
    expect((await site.run("02-install-deps.sh")).block).toMatchObject({ PACKAGES: "installed", STATUS: "success" });
    expect(readFileSync(join(site.person, "npm"), "utf8")).toBe("npm ci --no-audit --no-fund\n");
  });

  test("say where the reason lies when the packages cannot be installed", async () => {
    using clone = bareClone();
    using site = openScriptSite({}, clone.root);
    site.program("npm", "echo 'no network' >&2; exit 1");
    const { exit, block } = await site.run("02-install-deps.sh");
    expect({ exit, ...block }).toMatchObject({ exit: 1, PACKAGES: "failed", STATUS: "failed" });
    expect(site.log()).toContain("no network");
  });

  test("that are ended half-way print their block, and end what they started", async () => {
    using clone = bareClone();
    using site = openScriptSite({}, clone.root);
    site.program("npm", `trap 'echo ended >>"$HOME/npm"; exit 1' TERM; echo begun >&2; sleep 60 & wait`);
    await using script = site.start("02-install-deps.sh");
    await says(script, "Installing the packages");
    while (!site.log().includes("begun")) await new Promise((resolve) => setTimeout(resolve, 25));
    script.child.kill("SIGTERM");
    const { exit, block } = await script.ended;
    expect({ exit, ...block }).toMatchObject({
      exit: 143,
      "": "INSTALL_DEPS",
      STATUS: "failed",
      ERROR: "it ended early",
    });
    expect(readFileSync(join(site.person, "npm"), "utf8")).toBe("ended\n");
  });

  test("refuse what they do not know, and options without a value", async () => {
    using site = openScriptSite();
    const tries: [string, string[], string][] = [
      ["01-check-environment.sh", ["--fast"], "there is no option --fast"],
      ["02-install-deps.sh", ["--fast"], "there is no option --fast"],
      ["03-setup-container.sh", ["--build-arg"], "--build-arg needs a value"],
      ["04-auth-whatsapp.sh", ["--method"], "--method needs a value"],
      [
        "04-auth-whatsapp.sh",
        ["--method", "smoke"],
        "there is no method smoke: qr-browser, pairing-code or qr-terminal",
      ],
      ["04-auth-whatsapp.sh", ["--method", "pairing-code"], "--method pairing-code needs --phone"],
      ["05b-list-groups.sh", ["many"], "many is no number of groups"],
      ["06-register-channel.sh", ["--name", "x"], "--jid, --name and --folder are needed"],
      ["07-configure-mounts.sh", ["--full"], "there is no option --full"],
      ["07-configure-mounts.sh", ["--force"], "--force goes with --empty"],
      ["08-setup-service.sh", ["--platform", "beos"], "there is no service for beos"],
      ["09-verify.sh", ["--slow"], "there is no option --slow"],
    ];
    for (const [script, args, error] of tries) {
      const { exit, block } = await site.run(script, args);
      expect({ script, exit, STATUS: block["STATUS"] }).toEqual({ script, exit: 1, STATUS: "failed" });
      expect(block["ERROR"]).toContain(error);
    }
  });

  test.skipIf(isRoot)("say so where their log cannot be written", async () => {
    using site = openScriptSite();
    chmodSync(site.home, 0o500);
    const { exit, block } = await site.run("01-check-environment.sh");
    chmodSync(site.home, 0o700);
    expect({ exit, STATUS: block["STATUS"] }).toEqual({ exit: 1, STATUS: "failed" });
    expect(block["ERROR"]).toContain("the log cannot be written");
  });

  test("are found through a link to the folder, from anywhere, with a home named from there", async () => {
    using site = openScriptSite();
    const link = join(site.person, "linked scripts");
    symlinkSync(join(packages, "..", ".kiro"), link);
    const { spawnSync } = await import("node:child_process");
    const said = spawnSync(join(link, "skills", "setup", "scripts", "01-check-environment.sh"), [], {
      cwd: site.person,
      env: { ...site.env, NANOCLAW_HOME: "here" },
      encoding: "utf8",
    });
    expect(said.stdout).toContain("STATUS: success");
    expect(existsSync(join(site.person, "here", "logs", "setup.log"))).toBe(true);
  });
});

describe.concurrent("a chat is registered by 06", { timeout: 180_000 }, () => {
  const JID = "120363000000000001@g.us";

  test("under any name, once, and may be changed by running it again", async () => {
    using site = openScriptSite();
    const name = `Ann's "plans"'); DROP TABLE registered_groups; --`;
    const args = ["--jid", JID, "--name", name, "--folder", "plans", "--trigger", "@Andy"];
    const first = await site.run("06-register-channel.sh", args);
    expect({ exit: first.exit, ...first.block }).toEqual({
      ...{ exit: 0, "": "REGISTER_CHANNEL", JID, NAME: name, FOLDER: "plans", TRIGGER: "@Andy" },
      ...{ REQUIRES_TRIGGER: "true", ASSISTANT_NAME: "Andy", ASSISTANT_NAME_APPLIED: "false", STATUS: "success" },
      LOG: join(site.home, "logs", "setup.log"),
    });
    const again = ["--jid", JID, "--name", "Plans\nSTATUS: failed", "--folder", "plans", "--no-trigger-required"];
    const second = await site.run("06-register-channel.sh", again);
    expect(second.block).toMatchObject({ NAME: "Plans STATUS: failed", REQUIRES_TRIGGER: "false", STATUS: "success" });
    const [group, ...others] = (await groupsOf(site)).filter(({ folder }) => folder !== "main");
    expect(others).toEqual([]);
    expect(group).toMatchObject({ name: "Plans\nSTATUS: failed" });
    // The default trigger stays the default: it follows the assistant's name.
    expect(group?.chats.find(({ jid }) => jid === JID)).toMatchObject({ trigger: null, requiresTrigger: false });
  });

  test("and says what is in force, also where a later run does not name it", async () => {
    using site = openScriptSite();
    const again = async (...options: string[]) => {
      const args = ["--jid", JID, "--name", "Plans", "--folder", "plans", ...options];
      const { block } = await site.run("06-register-channel.sh", args);
      const [chat] = (await groupsOf(site)).flatMap(({ chats }) => chats).filter(({ jid }) => jid === JID);
      expect(block).toMatchObject({
        TRIGGER: chat?.trigger ?? "@Andy",
        REQUIRES_TRIGGER: String(chat?.requiresTrigger),
        STATUS: "success",
      });
      return [block["TRIGGER"], block["REQUIRES_TRIGGER"]];
    };
    expect(await again("--trigger", "@Bot", "--no-trigger-required")).toEqual(["@Bot", "false"]);
    expect(await again()).toEqual(["@Bot", "false"]);
    expect(await again("--trigger-required")).toEqual(["@Bot", "true"]);
    expect(await again("--trigger", "@Andy")).toEqual(["@Andy", "true"]);
  });

  test("under the id that it is kept by, where another one is given", async () => {
    using site = openScriptSite();
    const args = ["--jid", "4915200000002:7@s.whatsapp.net", "--name", "Ann", "--folder", "ann", "--trigger", "@Bot"];
    const { block } = await site.run("06-register-channel.sh", args);
    expect(block).toMatchObject({ TRIGGER: "@Bot", REQUIRES_TRIGGER: "true", STATUS: "success" });
  });

  test("for main beside main's other chats, and with no other folder than its own", async () => {
    using site = openScriptSite();
    await run(site.home, ["groups", "add", "--name", "Main", "--folder", "main"]);
    const main = await site.run("06-register-channel.sh", ["--jid", JID, "--name", "main", "--folder", "main"]);
    expect(main.block).toMatchObject({ FOLDER: "main", REQUIRES_TRIGGER: "false", STATUS: "success" });
    const other = await site.run("06-register-channel.sh", ["--jid", JID, "--name", "x", "--folder", "other"]);
    expect(other).toMatchObject({ exit: 1 });
    expect(other.block["ERROR"]).toBe(`the chat ${JID} is registered with the folder main already`);
    const chats = (await groupsOf(site)).flatMap((group) => group.chats.map(({ jid }) => `${group.folder} ${jid}`));
    expect(chats.sort()).toEqual([`main ${JID}`, "main local:main"].sort());
  });

  test("with a name for the assistant that is written to .env, or refused before it is", async () => {
    using site = openScriptSite();
    writeFileSync(join(site.home, ".env"), "# mine\nLOG_LEVEL=debug\n");
    const args = ["--jid", JID, "--name", "Plans", "--folder", "plans", "--assistant-name"];
    const bad = await site.run("06-register-channel.sh", [...args, "x".repeat(41)]);
    expect(bad).toMatchObject({ exit: 1 });
    expect(bad.block["ERROR"]).toContain("must have at most 40 characters");
    expect(readFileSync(join(site.home, ".env"), "utf8")).toBe("# mine\nLOG_LEVEL=debug\n");
    const good = await site.run("06-register-channel.sh", [...args, "Mr. O'Neil"]);
    expect(good.block).toMatchObject({
      ...{ ASSISTANT_NAME: "Mr. O'Neil", ASSISTANT_NAME_APPLIED: "true", TRIGGER: "@Mr. O'Neil", STATUS: "success" },
    });
    const env = readFileSync(join(site.home, ".env"), "utf8");
    expect(env).toMatch(/^# mine\nLOG_LEVEL=debug\nASSISTANT_NAME=.*O'Neil.*\n$/);
    expect(statSync(join(site.home, ".env")).mode & 0o777).toBe(0o600);
  });
});

describe.concurrent("the allowlist is written by 07", { timeout: 180_000 }, () => {
  const path = (site: ScriptSite) => join(site.person, ".config", "nanoclaw", "mount-allowlist.json");

  test("as given; --empty leaves one alone, and with --force keeps it beside an empty one", async () => {
    using site = openScriptSite();
    const input = '{"allowedRoots":[{"path":"~/plans","allowReadWrite":true}],"nonMainReadOnly":false}';
    const given = await site.run("07-configure-mounts.sh", [], { input });
    expect(given.block).toMatchObject({
      ...{
        "": "CONFIGURE_MOUNTS",
        PATH: path(site),
        ALLOWED_ROOTS: "1",
        NON_MAIN_READ_ONLY: "false",
        STATUS: "success",
      },
    });
    expect(statSync(path(site)).mode & 0o777).toBe(0o600);
    await site.run("07-configure-mounts.sh", [], { input });
    expect(readdirSync(join(path(site), ".."))).toEqual(["mount-allowlist.json"]);
    const kept = await site.run("07-configure-mounts.sh", ["--empty"]);
    expect(kept.block).toMatchObject({ ALLOWED_ROOTS: "1", NON_MAIN_READ_ONLY: "false", STATUS: "success" });
    expect(readdirSync(join(path(site), ".."))).toEqual(["mount-allowlist.json"]);
    expect(readFileSync(path(site), "utf8")).toContain("~/plans");
    const empty = await site.run("07-configure-mounts.sh", ["--empty", "--force"]);
    expect(empty.block).toMatchObject({ ALLOWED_ROOTS: "0", NON_MAIN_READ_ONLY: "true", STATUS: "success" });
    const [, beside = ""] = readdirSync(join(path(site), "..")).sort();
    expect(readFileSync(join(path(site), "..", beside), "utf8")).toContain("~/plans");
  });

  test("empty where the one that stands there cannot be used", async () => {
    using site = openScriptSite();
    mkdirSync(join(path(site), ".."), { recursive: true });
    writeFileSync(path(site), "{");
    const { block } = await site.run("07-configure-mounts.sh", ["--empty"]);
    expect(block).toMatchObject({ ALLOWED_ROOTS: "0", NON_MAIN_READ_ONLY: "true", STATUS: "success" });
    expect(readdirSync(join(path(site), ".."))).toHaveLength(2);
  });

  test.each([
    ["no JSON", "{", "it is no JSON"],
    ["without roots", "{}", "allowedRoots"],
    ["with a relative path", '{"allowedRoots":[{"path":"plans"}]}', "plans: a path begins with / or ~/"],
    ["empty input", "", "it is no JSON"],
  ])("not at all with %s", async (_, input, error) => {
    using site = openScriptSite();
    const { exit, block } = await site.run("07-configure-mounts.sh", [], { input });
    expect({ exit, STATUS: block["STATUS"] }).toEqual({ exit: 1, STATUS: "failed" });
    expect(block["ERROR"]).toContain(error);
    expect(existsSync(path(site))).toBe(false);
  });
});
