import fc from "fast-check";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build, buildBinary, parse } from "plist";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isSamePlist, launchdFile, readLaunchdFile } from "./launchd-file.ts";
import type { ServicePlan } from "./service-plan.ts";
import { createService, type Platform, type ServiceOptions } from "./service.ts";
import { stableNode } from "./stable-node.ts";
import { isSameUnit, readSystemdFile, systemdFile } from "./systemd-file.ts";

let person: string;
beforeEach(() => {
  person = realpathSync(mkdtempSync(join(tmpdir(), "nanoclaw-service-")));
  for (const root of ["clone", "moved"]) {
    mkdirSync(join(person, root, "bin"), { recursive: true });
    writeFileSync(join(person, root, "bin", "nanoclaw.mjs"), "");
  }
});
afterEach(() => rmSync(person, { recursive: true, force: true }));

const optionsFor = (platform: Platform, changed: Partial<ServiceOptions> = {}): ServiceOptions => ({
  platform,
  home: join(person, "home"),
  root: join(person, "clone"),
  node: process.execPath,
  env: { HOME: person, PATH: "/usr/bin:/bin" },
  uid: 501,
  run: (program, args) =>
    // Nothing is loaded, and every order is followed.
    Promise.resolve({ code: program === "launchctl" && args[0] === "print" ? 113 : 0, stdout: "", stderr: "" }),
  ...changed,
});

const planOf = (values: string[], node = "/usr/bin/node"): ServicePlan => ({
  command: [node, ...values],
  folder: "/tmp",
  out: "/tmp/out",
  err: "/tmp/err",
  stopSeconds: 45,
  env: Object.fromEntries(values.map((value, index) => [`V${index}`, value])),
  problem: null,
});

const anyText = fc.string({ unit: fc.constantFrom(..."aZ0 /%$\"'\\=;&<>{}üé`~#") });

describe("whatever is in a path or a value", () => {
  it("is read back from a unit as it was", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (values) => {
        const plan = planOf(values, `/${values[0]}`);
        const found = readSystemdFile(Buffer.from(systemdFile(plan)));
        expect(found.env).toEqual(plan.env);
        expect(found.program).toBe(plan.command[0]);
        if (values[0]) expect(found.script).toBe(values[0]);
      }),
    );
  });

  it("is read back from a property list as it was", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1 }), (values) => {
        const plan = planOf(values);
        const { env, program } = readLaunchdFile(Buffer.from(launchdFile(plan)));
        expect({ env, program }).toEqual({ env: plan.env, program: "/usr/bin/node" });
      }),
    );
  });
});

it.each(["line\nbreak", "bell\u0007"])("a home named %j is refused, since no service file could name it", (name) => {
  for (const platform of ["macos", "linux"] as const) {
    const service = createService(optionsFor(platform, { home: join(person, name) }));
    expect(() => service.file).toThrow("control characters");
  }
});

describe("the environment in the file", () => {
  const variables = (changed: Partial<ServiceOptions> = {}) => {
    const { EnvironmentVariables } = parse(createService(optionsFor("macos", changed)).file.text) as {
      EnvironmentVariables: Record<string, string>;
    };
    return EnvironmentVariables;
  };

  it("is never without a search path, and names no home where it is the usual one", () => {
    const env = { HOME: person };
    expect(variables({ env, home: join(person, "clone") })).toEqual({
      PATH: `${person}/.local/bin:/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
      HOME: person,
    });
    const root = "/usr/lib/node_modules/nanoclaw";
    expect(variables({ env, root, home: join(person, ".nanoclaw") })).not.toHaveProperty("NANOCLAW_HOME");
    expect(variables({ env, root, home: join(person, "other") })["NANOCLAW_HOME"]).toBe(join(person, "other"));
  });

  it("has the person's search path without what npm puts in front of it, and where the engine listens", () => {
    const PATH = "/x/node_modules/.bin:.:/opt/mine/bin:/usr/bin";
    const env = { HOME: person, PATH, DOCKER_HOST: "unix:///run/user/1000/docker.sock", KIRO_API_KEY: "secret" };
    const found = variables({ env });
    expect(found["PATH"]).toMatch(/^\/opt\/mine\/bin:\/usr\/bin:/);
    expect(found["DOCKER_HOST"]).toBe("unix:///run/user/1000/docker.sock");
    expect(JSON.stringify(found)).not.toContain("secret");
  });
});

it("gives a stop more time than the settings do", () => {
  mkdirSync(join(person, "home"));
  writeFileSync(join(person, "home", ".env"), "NANOCLAW_STOP_BUDGET=120000\n");
  expect(createService(optionsFor("linux")).file.text).toContain("\nTimeoutStopSec=150\n");
  expect(parse(createService(optionsFor("macos")).file.text)).toMatchObject({ ExitTimeOut: 150 });
});

describe.each(["macos", "linux"] as const)("a file that is there on %s", (platform) => {
  it("is left alone when it says the same", async () => {
    mkdirSync(join(person, "home", "store"), { recursive: true });
    const service = createService(optionsFor(platform));
    await service.install();
    const { path } = service.file;
    expect((await service.install())[0]).toBe(`${path} is as it should be.`);
    expect(readdirSync(dirname(path)).filter((name) => name.includes("bak"))).toEqual([]);
  });

  it("is kept beside the new one when it says something else, every version of it", async () => {
    const service = createService(optionsFor(platform));
    const { path } = service.file;
    mkdirSync(dirname(path), { recursive: true });
    for (const text of ["garbage", "other garbage", "garbage"]) {
      writeFileSync(path, text);
      expect((await service.install())[0]).toMatch(/^The old file is kept as .*\.bak-[12]\.$/);
    }
    expect(readFileSync(`${path}.bak-1`, "utf8")).toBe("garbage");
    expect(readFileSync(`${path}.bak-2`, "utf8")).toBe("other garbage");
    expect((await service.status()).stale).toBe(false);
  });

  it("stays closed to others when its owner closed it, and so does its copy", async () => {
    const service = createService(optionsFor(platform));
    const { path } = service.file;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "with a key", { mode: 0o600 });
    await service.install();
    for (const file of [path, `${path}.bak-1`]) expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("may be installed twice at once", async () => {
    const service = createService(optionsFor(platform));
    await Promise.all([service.install(), service.install()]);
    expect((await service.status()).stale).toBe(false);
    expect(readdirSync(dirname(service.file.path)).filter((name) => name.includes(".new"))).toEqual([]);
  });

  it("is stale when it names a Node or a program that is gone", async () => {
    const node = join(person, "node-24", "node");
    const service = createService(optionsFor(platform, { node }));
    await service.install();
    expect(await service.status()).toMatchObject({
      stale: true,
      detail: expect.stringContaining(`its Node, ${node}, is gone`),
      cure: "npm run nanoclaw -- service install",
    });
  });

  it("is stale when the program moved, or when more time to stop was set since", async () => {
    await createService(optionsFor(platform)).install();
    expect((await createService(optionsFor(platform, { root: join(person, "moved") })).status()).stale).toBe(true);
    writeFileSync(join(person, "home", ".env"), "NANOCLAW_STOP_BUDGET=120000\n");
    expect((await createService(optionsFor(platform)).status()).stale).toBe(true);
  });

  it("is not touched for another home while that one is there", async () => {
    mkdirSync(join(person, "home", "store"), { recursive: true });
    await createService(optionsFor(platform)).install();
    const other = createService(optionsFor(platform, { home: join(person, "other") }));
    await expect(other.install()).rejects.toThrow(`the service of another home, ${join(person, "home")}`);
    for (const order of ["uninstall", "start", "stop", "restart"] as const)
      await expect(other[order](), order).rejects.toThrow("one service per user");
    rmSync(join(person, "home"), { recursive: true });
    await other.install();
    expect((await other.status()).stale).toBe(false);
  });

  it("says which folder cannot be written, and leaves no half of a file", async () => {
    const service = createService(optionsFor(platform));
    mkdirSync(dirname(dirname(service.file.path)), { recursive: true });
    writeFileSync(dirname(service.file.path), "a file where the folder should be");
    await expect(service.install()).rejects.toThrow(/cannot be written: .*Check the disk, and who owns/);
  });
});

it("keeps what a person wrote into a unit's environment, in any spelling", async () => {
  const service = createService(optionsFor("linux"));
  await service.install();
  const { path } = service.file;
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace("Restart=", `Environment=A=1 "B=two words" C="3 %% $x"\nRestart=`),
  );
  expect((await service.status()).stale).toBe(false);
  writeFileSync(path, readFileSync(path, "utf8").replace("KillMode=mixed", "KillMode=process"));
  expect((await service.status()).stale).toBe(true);
  expect(await service.install()).toContain("Kept from the old file, and above .env: A, B, C.");
  expect(readFileSync(path, "utf8")).toContain('Environment="B=two words"\nEnvironment="C=3 %% $x"\n');
  expect(readFileSync(path, "utf8")).toContain("KillMode=mixed");
});

it("takes over the file of the old system with what was set there", async () => {
  const service = createService(optionsFor("macos"));
  mkdirSync(dirname(service.file.path), { recursive: true });
  const old = {
    Label: "com.nanoclaw",
    ProgramArguments: ["/usr/local/bin/node", "/old/nanoclaw/dist/index.js"],
    EnvironmentVariables: { PATH: "/old/bin", HOME: "/Users/x", ASSISTANT_NAME: "Bob", LOG_LEVEL: "debug" },
  };
  writeFileSync(service.file.path, buildBinary(old));
  expect(await service.install()).toEqual([
    `The old file is kept as ${service.file.path}.bak-1.`,
    `Wrote ${service.file.path}.`,
    "Kept from the old file, and above .env: ASSISTANT_NAME, LOG_LEVEL.",
    "Started, now and at every login.",
  ]);
  const { EnvironmentVariables } = parse(readFileSync(service.file.path, "utf8")) as typeof old;
  expect(EnvironmentVariables).toMatchObject({ HOME: person, ASSISTANT_NAME: "Bob" });
  expect(EnvironmentVariables.PATH).toMatch(/^\/old\/bin:/);
});

it("lets the name in .env count again that the old system's template had pinned, and keeps it in a file of ours", async () => {
  const service = createService(optionsFor("macos"));
  const { path } = service.file;
  mkdirSync(dirname(path), { recursive: true });
  const old = {
    Label: "com.nanoclaw",
    ProgramArguments: ["/usr/local/bin/node", "/old/nanoclaw/dist/index.js"],
    EnvironmentVariables: { PATH: "/old/bin", HOME: person, ASSISTANT_NAME: "Andy" },
  };
  writeFileSync(path, build(old));
  expect(await service.install()).toContain(
    "Not kept from the old system's file, since its template set it: ASSISTANT_NAME. It counts from .env.",
  );
  expect(readFileSync(path, "utf8")).not.toContain("ASSISTANT_NAME");
  const ours = parse(readFileSync(path, "utf8")) as typeof old;
  ours.EnvironmentVariables.ASSISTANT_NAME = "Andy";
  writeFileSync(path, build(ours));
  await service.install();
  expect(readFileSync(path, "utf8")).toContain("ASSISTANT_NAME");
});

it("says at an install what keeps the settings from being used, and leaves them to the service", async () => {
  mkdirSync(join(person, "home"));
  writeFileSync(join(person, "home", ".env"), "NANOCLAW_NONSENSE=1\n");
  const said = await createService(optionsFor("linux")).install();
  expect(said.join("\n")).toMatch(/It waits for settings that can be used\..*NANOCLAW_NONSENSE/s);
});

it("says that macOS guards the folder in which the service would work", async () => {
  const said = (home: string) => createService(optionsFor("macos", { home: join(person, home) })).install();
  expect((await said("Documents/nanoclaw")).join("\n")).toContain(`macOS guards ${person}/Documents/nanoclaw`);
  expect((await said("Documented")).join("\n")).not.toContain("macOS guards");
});

it("compares a property list by what it says, also in its binary form", () => {
  const text = launchdFile(planOf(["x"]));
  expect(isSamePlist(text, Buffer.from(buildBinary(parse(text))))).toBe(true);
  expect(isSamePlist(text, Buffer.from("no property list"))).toBe(false);
  expect(isSameUnit(systemdFile(planOf(["x"])), Buffer.from(systemdFile(planOf(["y"]))))).toBe(false);
});

it("prefers the path of Homebrew's Node that outlives an update", () => {
  const cellar = "/opt/homebrew/Cellar/node@24/24.15.0/bin/node";
  expect(stableNode(cellar, (path) => path === "/opt/homebrew/opt/node@24/bin/node")).toBe(
    "/opt/homebrew/opt/node@24/bin/node",
  );
  expect(stableNode(cellar, () => false)).toBe(cellar);
  expect(stableNode("/usr/local/bin/node", () => true)).toBe("/usr/local/bin/node");
});
