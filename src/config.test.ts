import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ConfigError, loadConfig } from "./config.ts";

describe("configuration", () => {
  let home = "";
  beforeEach(() => {
    home = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-config-")));
  });
  afterEach(() => rmSync(home, { recursive: true, force: true }));

  const load = (env: NodeJS.ProcessEnv = {}, file?: string | Buffer) => {
    if (file !== undefined) writeFileSync(join(home, ".env"), file);
    return loadConfig({ env, defaultHome: home });
  };
  const problem = (env: NodeJS.ProcessEnv, file?: string | Buffer): string => {
    try {
      load(env, file);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    throw new Error("it was taken");
  };

  test("with nothing set everything has its default", () => {
    const { settings, ...rest } = load();
    expect(rest.home).toBe(home);
    expect(settings).toMatchObject({
      ASSISTANT_NAME: "Andy",
      ASSISTANT_HAS_OWN_NUMBER: false,
      NANOCLAW_AGENT_ONE_SHOT: true,
      NANOCLAW_AGENT_IMAGE: "nanoclaw-agent:latest",
      CONTAINER_TIMEOUT: 1_800_000,
      NANOCLAW_SILENCE_TIMEOUT: 600_000,
      IDLE_TIMEOUT: 1_800_000,
      MAX_CONCURRENT_CONTAINERS: 5,
      CONTAINER_MAX_OUTPUT_SIZE: 10 * 2 ** 20,
      CONTAINER_MEMORY: 2 ** 31,
      CONTAINER_CPUS: 2,
      CONTAINER_PIDS: 512,
      NANOCLAW_PROMPT_BUDGET: 96 * 1024,
      NANOCLAW_MESSAGE_AGE_LIMIT: 86_400_000,
      NANOCLAW_KEEP_MESSAGES: Infinity,
      NANOCLAW_KEEP_MEDIA: Infinity,
      NANOCLAW_KEEP_RUNS: 90 * 86_400_000,
      NANOCLAW_KEEP_JOURNALS: 7 * 86_400_000,
      NANOCLAW_STOP_BUDGET: 15_000,
      NANOCLAW_WHATSAPP: "auto",
      LOG_LEVEL: "info",
    });
    expect(settings.KIRO_API_KEY).toBeUndefined();
  });

  test("the environment wins over the file, and an empty value means not set", () => {
    const file = "ASSISTANT_NAME=File\nMAX_CONCURRENT_CONTAINERS=3\nLOG_LEVEL=warn\nKIRO_MODEL=";
    const { settings } = load({ ASSISTANT_NAME: "Env", LOG_LEVEL: "" }, file);
    expect(settings).toMatchObject({ ASSISTANT_NAME: "Env", MAX_CONCURRENT_CONTAINERS: 3, LOG_LEVEL: "warn" });
    expect(settings.KIRO_MODEL).toBeUndefined();
  });

  test.each([
    ["CONTAINER_MAX_OUTPUT_SIZE", "10485760", 10_485_760],
    ["CONTAINER_MAX_OUTPUT_SIZE", "10MiB", 10_485_760],
    ["CONTAINER_MEMORY", "2 GB", 2 ** 31],
    ["CONTAINER_MEMORY", "512m", 2 ** 29],
    ["CONTAINER_CPUS", "0.5", 0.5],
    ["NANOCLAW_AGENT_ONE_SHOT", "No", false],
    ["NANOCLAW_AGENT_ONE_SHOT", "0", false],
    ["ASSISTANT_HAS_OWN_NUMBER", "YES", true],
    ["ASSISTANT_NAME", "  José ", "José"],
    ["NANOCLAW_KEEP_MESSAGES", "365d", 365 * 86_400_000],
    ["NANOCLAW_KEEP_RUNS", "Forever", Infinity],
    ["NANOCLAW_KEEP_JOURNALS", "86400000", 86_400_000],
    ["TZ", "Asia/Kathmandu", "Asia/Kathmandu"],
  ] as const)("%s=%j means %j", (key, text, value) => {
    expect(load({ [key]: text }).settings[key]).toBe(value);
  });

  test.each([
    ["CONTAINER_TIMEOUT", "30m"],
    ["CONTAINER_TIMEOUT", "NaN"],
    ["CONTAINER_TIMEOUT", "-1"],
    ["CONTAINER_TIMEOUT", "0"],
    ["CONTAINER_TIMEOUT", "1e6"],
    ["CONTAINER_TIMEOUT", "1800000 ms"],
    ["NANOCLAW_SILENCE_TIMEOUT", "Infinity"],
    ["MAX_CONCURRENT_CONTAINERS", "0"],
    ["MAX_CONCURRENT_CONTAINERS", "2.5"],
    ["CONTAINER_MEMORY", "lots"],
    ["CONTAINER_CPUS", "0"],
    ["CONTAINER_CPUS", "two"],
    ["NANOCLAW_PROMPT_BUDGET", "100"],
    ["NANOCLAW_KEEP_MESSAGES", "90"],
    ["NANOCLAW_KEEP_MEDIA", "23h"],
    ["NANOCLAW_KEEP_RUNS", "never"],
    ["ASSISTANT_HAS_OWN_NUMBER", "maybe"],
    ["NANOCLAW_AGENT_RUNTIME", "podman"],
    ["NANOCLAW_AGENT", "claude"],
    ["TZ", "Mars/Olympus"],
    ["LOG_LEVEL", "loud"],
    ["ASSISTANT_NAME", "   "],
    ["ASSISTANT_NAME", "x".repeat(41)],
  ])("%s=%j is refused by name and value", (key, value) => {
    expect(problem({ [key]: value })).toContain(`${key}=${JSON.stringify(value)}: `);
  });

  test("owners are named by their numbers, in any spelling", () => {
    const { settings } = load({ NANOCLAW_OWNER: "+49 176 0000-0001, 004917600000002" });
    expect(settings.NANOCLAW_OWNER).toEqual(["4917600000001", "4917600000002"]);
    expect(problem({ NANOCLAW_OWNER: "0176 00000001,Ann" })).toMatch(
      /"0176 00000001": it lacks the country code[^]*"Ann": /,
    );
  });

  test("every problem is reported at once", () => {
    const message = problem({ CONTAINER_TIMEOUT: "x", TZ: "Mars" }, "LOG_LEVEL=loud\nNANOCLAW_AGNET=kiro");
    for (const part of ["CONTAINER_TIMEOUT", "TZ", "LOG_LEVEL", "NANOCLAW_AGNET"]) expect(message).toContain(part);
    expect(message).toContain(join(home, ".env"));
  });

  test("an unknown setting is named, with the one that was meant", () => {
    expect(problem({ NANOCLAW_AGNET: "kiro" })).toContain("did you mean NANOCLAW_AGENT?");
    expect(problem({ NANOCLAW_COLOUR: "red" })).toContain("Known are: NANOCLAW_OWNER");
  });

  test("what a runner has in its environment is no unknown setting", () => {
    const names = ["REAL_HOME", "GROUP_DIR", "IPC_DIR", "GLOBAL_DIR", "EXTRA_DIR", "IN_DOCKER", "TURN", "ATTEMPT"];
    expect(() => load(Object.fromEntries(names.map((name) => [`NANOCLAW_${name}`, "1"])))).not.toThrow();
  });

  test("secrets are never shown", () => {
    const message = problem({ KIRO_API_KEY: " ", NANOCLAW_SECRET_THING: "very-secret", TZ: "x" });
    expect(message).toContain("KIRO_API_KEY=(not shown)");
    expect(message).not.toContain("very-secret");
  });

  test("a .env that is no text is refused with the cure", () => {
    expect(problem({}, Buffer.from([0x41, 0, 0x42]))).toMatch(/\.env cannot be read: it is no text file\. Make it/);
  });

  test("a .env that is a folder is refused with the cure", () => {
    mkdirSync(join(home, ".env"));
    expect(problem({})).toMatch(/\.env cannot be read: EISDIR.* Make it a text file/);
  });

  test.skipIf(process.getuid?.() === 0)("a .env that this user may not read is refused with the cure", () => {
    writeFileSync(join(home, ".env"), "LOG_LEVEL=info");
    chmodSync(join(home, ".env"), 0);
    expect(problem({})).toMatch(/\.env cannot be read: EACCES/);
  });

  test("NANOCLAW_HOME is made, and one folder by two paths is one home", () => {
    const real = join(home, "a", "b");
    expect(load({ NANOCLAW_HOME: real }).home).toBe(real);
    symlinkSync(real, join(home, "link"));
    expect(load({ NANOCLAW_HOME: join(home, "link") }).home).toBe(real);
  });

  test("a home that cannot be a folder is refused by name", () => {
    writeFileSync(join(home, "file"), "");
    expect(problem({ NANOCLAW_HOME: join(home, "file", "below") })).toMatch(/NANOCLAW_HOME=.*file\/below: .*ENOTDIR/);
  });

  test("two homes have each their own file, and nothing of one reaches the other", () => {
    const [one, two] = ["one", "two"].map((name) => join(home, name)) as [string, string];
    for (const [folder, name] of [
      [one, "Uno"],
      [two, "Due"],
    ] as const) {
      mkdirSync(folder);
      writeFileSync(join(folder, ".env"), `ASSISTANT_NAME=${name}`);
    }
    const names = [one, two].map((path) => loadConfig({ env: {}, defaultHome: path }).settings.ASSISTANT_NAME);
    expect(names).toEqual(["Uno", "Due"]);
  });

  test("the result is frozen", () => {
    const config = load();
    expect(Object.isFrozen(config) && Object.isFrozen(config.settings)).toBe(true);
  });
});
