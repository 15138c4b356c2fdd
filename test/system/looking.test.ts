import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { afterAll, describe, expect, test } from "vitest";
import { checkoutSource } from "../../src/containers.ts";
import { homePaths, installId, makeHome } from "../../src/home.ts";
import { PROTOCOL_LABEL, SOURCE_LABEL } from "../../src/runtime/docker/image.ts";
import { lockHome } from "../../src/store/home-lock.ts";
import { commandLine as run } from "./command-line.ts";
import { openSite, tempHome } from "./site.ts";
import { until } from "./until.ts";

const homes: string[] = [];
afterAll(() => homes.forEach((home) => rmSync(home, { recursive: true, force: true, maxRetries: 5 })));
const newHome = (): string => {
  homes.push(tempHome());
  return homes.at(-1) ?? "";
};

interface StatusJson {
  running: boolean;
  pid: number;
  groups: { folder: string; chats: { jid: string; held: boolean }[] }[];
  channels: { name: string; connected: boolean }[];
  runningTurns: { folder: string; chat: string; startedAt: number }[];
  nextTasks: { words: string; task_id: string }[];
  versions: Record<string, string>;
  needs: { what: string; cure: string }[];
}

/** Without an engine, and with nothing of the person who runs the tests. */
const plain = (home: string) => ({ env: { HOME: home, NANOCLAW_AGENT_RUNTIME: "host" } });
const statusOf = async (home: string): Promise<StatusJson> =>
  JSON.parse((await run(home, ["status", "--json"], plain(home))).stdout) as StatusJson;

describe("status", { timeout: 60_000 }, () => {
  test("says that no host runs, and fails only when it is asked to", async () => {
    const home = newHome();
    const said = await run(home, ["status"], plain(home));
    expect(said).toMatchObject({ exit: 0, stdout: expect.stringContaining("Host: does not run.") });
    expect(await run(home, ["status", "--check"], plain(home))).toMatchObject({
      exit: 1,
      stderr: "1 thing needs you.\n",
    });
    expect((await statusOf(home)).needs).toEqual([{ what: "The host does not run", cure: "npm start" }]);
  });

  test("tells what runs, where and since when, what comes next, and what is waited for", async () => {
    await using site = await openSite({ scripted: true });
    await site.ask("POST", "/control/groups", { name: "Plans \u001b[31mred\nline", folder: "plans" });
    const task = { group: "main", prompt: `water \u001b[2J${"the plants ".repeat(20)}` };
    await site.ask("POST", "/control/tasks", { ...task, schedule_type: "cron", schedule_value: "0 8 * * 1-5" });
    site.behave("answers-late");
    await site.say("hello");
    await until(async () => (await statusOf(site.home)).runningTurns.length === 1);
    const said = await run(site.home, ["status"], plain(site.home));
    expect(said.exit).toBe(0);
    const lines = said.stdout.split("\n");
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(said.stdout).not.toContain("\u001b");
    expect(said.stdout).toContain(`Host: runs since`);
    expect(said.stdout).toContain("  local     connected");
    expect(said.stdout).toContain("Plans red line");
    expect(said.stdout).toMatch(/Running:\n {2}main {2}message {2}for \d+ s, in local:main\n/);
    expect(said.stdout).toContain("At 08:00, Monday through Friday");
    const json = await statusOf(site.home);
    expect(json).toMatchObject({
      running: true,
      pid: process.pid,
      needs: [],
      channels: expect.arrayContaining([expect.objectContaining({ name: "local", connected: true })]) as unknown,
    });
    const chats = json.groups.map((group) => group.chats.map(({ jid, held }) => [group.folder, jid, held]));
    expect(chats).toEqual([[["main", "local:main", false]], [["plans", "local:plans", false]]]);
    writeFileSync(site.path("groups", "main", "go"), "");
    expect(Object.keys(json.versions)).toEqual(["nanoclaw", "node", "baileys"]);
  });

  test("a host that takes the connection and says nothing is named, with what ends it", async () => {
    const home = newHome();
    const paths = homePaths(home);
    makeHome(paths);
    const locked = lockHome(paths.store, "a host that hangs");
    if ("heldBy" in locked) throw new Error("the home is in use");
    using _lock = locked.lock;
    const server = createServer(() => {}).listen(paths.socket);
    try {
      const [said, json] = await Promise.all([
        run(home, ["status"], plain(home)),
        run(home, ["status", "--json"], plain(home)),
      ]);
      const words = `The host (process ${process.pid}, a host that hangs, since `;
      expect(said).toMatchObject({ exit: 1, stderr: expect.stringContaining(words) });
      expect(said.stderr).toContain(`kill ${process.pid}`);
      expect(json.exit).toBe(1);
      expect(JSON.parse(json.stdout)).toMatchObject({ running: true, answers: false, pid: process.pid });
    } finally {
      server.close();
    }
  });
});

describe("logs", { timeout: 60_000 }, () => {
  const at = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const line = (minutes: number, msg: string, data: object = {}) =>
    `${JSON.stringify({ level: 30, time: at(minutes), ...data, msg })}\n`;
  const messages = (text: string): string[] =>
    text
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((one) => (JSON.parse(one) as { msg: string }).msg);

  function home(): string {
    const made = newHome();
    const logs = join(made, "logs");
    mkdirSync(logs);
    writeFileSync(join(logs, "nanoclaw.log.1"), line(90, "older") + line(40, "old", { group: "plans" }));
    writeFileSync(
      join(logs, "nanoclaw.log"),
      line(5, "new", { chat: "local:plans" }) + line(1, "newest", { group: "main" }),
    );
    writeFileSync(join(logs, "nanoclaw.error.log"), line(1, "an error"));
    writeFileSync(join(logs, "service.err.log"), "plain \u001b[31mwords\n");
    return made;
  }

  test("the newest lines, on into older files, of a time, of a group, of errors, of the service", async () => {
    const at = home();
    const logs = async (...flags: string[]) => run(at, ["logs", ...flags], plain(at));
    const json = async (...flags: string[]) => messages((await logs("--json", ...flags)).stdout);
    expect(await json()).toEqual(["older", "old", "new", "newest"]);
    expect(await json("-n", "3")).toEqual(["old", "new", "newest"]);
    expect(await json("-n", "0")).toEqual([]);
    expect(await json("--since", "10m")).toEqual(["new", "newest"]);
    expect(await json("--since", "1h", "-n", "2")).toEqual(["new", "newest"]);
    expect(await json("--errors")).toEqual(["an error"]);
    expect((await logs("--service")).stdout).toBe("err  plain words\n");
    expect((await run(at, ["groups", "add", "--name", "Plans", "--folder", "plans"], plain(at))).exit).toBe(0);
    expect(await json("--group", "plans")).toEqual(["old", "new"]);
    const refused = await logs("--group", "plant");
    expect(refused).toMatchObject({ exit: 1, stderr: expect.stringContaining('There is no group "plant"') });
  });

  test("what cannot be meant is said", async () => {
    const at = newHome();
    for (const flags of [
      ["--since", "soon"],
      ["-n", "many"],
      ["--group", "../x"],
      ["--service", "--errors"],
    ]) {
      expect((await run(at, ["logs", ...flags], plain(at))).exit).toBe(2);
    }
    expect(await run(at, ["logs"], plain(at))).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining("There is no log yet at"),
    });
  });

  test("a log is followed until Ctrl-C", async () => {
    const at = home();
    const interrupted = new AbortController();
    const add = (...lines: string[]) => writeFileSync(join(at, "logs", "nanoclaw.log"), lines.join(""), { flag: "a" });
    const said = await run(at, ["logs", "-f", "--json", "--group", "main"], {
      ...plain(at),
      interrupted: interrupted.signal,
      onOutput: (text) => {
        if (text.includes("newest")) add(line(0, "other", { group: "plans" }), line(0, "later", { group: "main" }));
        if (text.includes("later")) interrupted.abort();
      },
    });
    expect(said.exit).toBe(0);
    expect(messages(said.stdout)).toEqual(["newest", "later"]);
  });
});

describe("doctor --fix", { timeout: 60_000 }, () => {
  const engine = `#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >> calls
case "$1" in
  version) echo 28.0 ;;
  image) [ -f built ] && exec cat labels; echo "Error: No such image" >&2; exit 1 ;;
  build) echo "#1 building"; touch built ;;
  ps) [ -f left ] && cat left; exit 0 ;;
  rm) rm left ;;
esac
`;

  /** A home with an engine that has no image, and a container that the last host left. */
  function broken() {
    const home = newHome();
    const bin = join(home, "bin");
    mkdirSync(bin);
    writeFileSync(join(bin, "docker"), engine, { mode: 0o755 });
    writeFileSync(
      join(bin, "labels"),
      JSON.stringify({ [PROTOCOL_LABEL]: String(PROTOCOL_VERSION), [SOURCE_LABEL]: checkoutSource() }),
    );
    writeFileSync(join(bin, "left"), "nanoclaw-main-abc\n");
    writeFileSync(join(home, ".env"), "KIRO_MODEL=x\n", { mode: 0o644 });
    makeHome(homePaths(home));
    installId(homePaths(home));
    chmodSync(home, 0o755);
    chmodSync(join(home, "logs"), 0o755);
    const env = {
      HOME: home,
      NANOCLAW_DOCKER: join(bin, "docker"),
      NANOCLAW_AGENT: "offline",
      NANOCLAW_AGENT_RUNTIME: "docker",
    };
    const doctor = (...flags: string[]) => run(home, ["doctor", "--quick", ...flags], { env });
    return { home, bin, doctor, calls: () => readFileSync(join(bin, "calls"), "utf8") };
  }

  test("says what is wrong, puts right what needs no decision, and checks again", async () => {
    const at = broken();
    const before = await at.doctor();
    expect(before.exit).toBe(1);
    for (const name of ["env file", "folders", "image", "containers"]) {
      expect(before.stdout).toMatch(new RegExp(`^WRONG +${name}`, "m"));
    }
    expect(before.stderr).toContain("doctor --fix");
    expect(at.calls()).not.toMatch(/^(build|rm)/m);

    const fixed = await at.doctor("--fix");
    expect(fixed.exit).toBe(0);
    expect(fixed.stdout).toMatch(/^env file: make .*\.env private/m);
    expect(fixed.stdout).toMatch(/^containers: remove the containers nanoclaw-main-abc\n {2}removed$/m);
    expect(fixed.stdout).toMatch(/^image: build the image, .*\n {2}.* was built$/m);
    expect(fixed.stdout).not.toContain("WRONG");
    expect([".env", "logs"].map((name) => statSync(join(at.home, name)).mode & 0o777)).toEqual([0o600, 0o700]);
    expect(at.calls()).toMatch(/^rm --force nanoclaw-main-abc$/m);
    expect((await at.doctor("--fix")).stdout).toContain("There is nothing that could be put right without you.");
  });

  test("what cannot be put right is still wrong, with its cure, and programs get JSON alone", async () => {
    const at = broken();
    rmSync(join(at.bin, "built"), { force: true });
    writeFileSync(join(at.bin, "docker"), engine.replace("touch built", "echo no space left on device; exit 1"), {
      mode: 0o755,
    });
    const said = await at.doctor("--fix", "--json");
    expect(said.exit).toBe(1);
    expect(said.stderr).toContain("that failed: no space left on device");
    const checks = JSON.parse(said.stdout) as { name: string; state: string; cure?: string; fix?: string }[];
    expect(checks.filter(({ state, name }) => state === "wrong" && name !== "runtime")).toEqual([
      {
        name: "image",
        state: "wrong",
        detail: expect.any(String),
        cure: expect.stringContaining("build -t"),
        fix: expect.stringContaining("build the image"),
      },
    ]);
    expect(existsSync(join(at.home, "logs", "image-build.log"))).toBe(true);
  });
});
