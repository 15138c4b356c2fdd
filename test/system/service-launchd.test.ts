import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "plist";
import { expect, it } from "vitest";
import { ask, connectHost } from "../../src/cli/connection.ts";
import { seedCommands } from "../docs/seed-walkthrough-commands.ts";
import { run } from "./command.ts";
import { openServiceSite, root, type ServiceSite } from "./service-site.ts";
import { until } from "./until.ts";

/** Each command line is a program, and each start a host. */
const LIMIT = 90_000;
const PLIST = "~/Library/LaunchAgents/com.nanoclaw.plist";
/** The commands of the document that this product began with, word for word. */
const ofSection = (section: number) => seedCommands.flatMap((one) => (one.section === section ? one.command : []));
const [list = ""] = ofSection(5);
const [toHost = "", plutil = "", rg = "", toDocker = ""] = ofSection(10);
const fileOf = (site: ServiceSite) => join(site.person, "Library/LaunchAgents/com.nanoclaw.plist");
const plistOf = (site: ServiceSite) => parse(readFileSync(fileOf(site), "utf8")) as Record<string, never>;

/** What the host that answers says of itself. */
async function facts(site: ServiceSite): Promise<{ pid: number; runtime: string }> {
  let found: { pid: number; runtime: string } | undefined;
  await until(async () => {
    using host = await connectHost({ home: site.home }).catch(() => undefined);
    found = host && (await ask<typeof found>(host, "GET", "/control/status").catch(() => undefined));
    return found !== undefined;
  });
  return found ?? { pid: 0, runtime: "" };
}

it("is written for launchd as a property list that has all it needs, and no setting", () => {
  using site = openServiceSite();
  const { path, text } = site.service("macos").file;
  expect(path).toBe(fileOf(site));
  expect(parse(text)).toEqual({
    Label: "com.nanoclaw",
    ProgramArguments: [process.execPath, `${root}/bin/nanoclaw.mjs`, "start", "--service"],
    WorkingDirectory: root,
    EnvironmentVariables: {
      PATH: `${site.env["PATH"]}:${site.person}/.local/bin:/opt/homebrew/bin:/usr/local/bin:/usr/sbin:/sbin`,
      HOME: site.person,
      NANOCLAW_HOME: site.home,
    },
    RunAtLoad: true,
    KeepAlive: true,
    ThrottleInterval: 10,
    ExitTimeOut: 45,
    AbandonProcessGroup: true,
    ProcessType: "Interactive",
    StandardOutPath: `${site.home}/logs/service.out.log`,
    StandardErrorPath: `${site.home}/logs/service.err.log`,
  });
});

it(
  "is installed, looked at, stopped, started and removed with these command lines of launchctl",
  async () => {
    using site = openServiceSite();
    const service = site.service("macos");
    const target = "gui/501/com.nanoclaw";
    expect((await service.status()).kind).toBe("not-installed");
    expect(site.calls()).toEqual([`launchctl print ${target}`]);

    const installed = await service.install();
    const { pid } = await facts(site);
    expect(installed).toEqual([`Wrote ${fileOf(site)}.`, `Started (process ${pid}), now and at every login.`]);
    const loading = [`launchctl enable ${target}`, `launchctl bootstrap gui/501 ${PLIST}`, `launchctl print ${target}`];
    const [print] = [`launchctl print ${target}`];
    expect(site.calls()).toEqual([print, print, ...loading]);
    expect(await service.status()).toEqual({ kind: "running", pid, detail: `runs (process ${pid})`, stale: false });
    expect(await service.start()).toEqual([`It runs already (process ${pid}).`]);

    site.calls();
    await service.restart();
    const restarting = site.calls();
    expect(restarting.slice(0, 2)).toEqual([print, `launchctl bootout ${target}`]);
    expect(restarting.slice(-3)).toEqual(loading);
    expect((await facts(site)).pid).not.toBe(pid);

    expect(await service.stop()).toEqual([expect.stringMatching(/^Stopped, until the next login or:/)]);
    expect(await service.status()).toMatchObject({ kind: "stopped", pid: null, stale: false });
    expect(await service.stop()).toEqual(["It was not running."]);
    expect(await service.start()).toEqual([expect.stringMatching(/^Started/)]);
    await facts(site);
    expect(await service.uninstall()).toEqual([
      "Stopped.",
      `Removed ${fileOf(site)}. State and logs stay in ${site.home}.`,
    ]);
    expect(existsSync(fileOf(site))).toBe(false);
    expect(existsSync(join(site.home, "store", "messages.db"))).toBe(true);
    expect(await service.uninstall()).toEqual(["There is no service."]);
  },
  LIMIT,
);

it(
  "takes the recipe for another runtime, word for word, above .env, and keeps it when it is installed anew",
  async () => {
    using site = openServiceSite();
    writeFileSync(join(site.home, ".env"), "NANOCLAW_AGENT_RUNTIME=docker\nNANOCLAW_DOCKER=/nowhere/docker\n");
    const service = site.service("macos");
    await service.install();
    expect((await facts(site)).runtime).toBe("docker");

    const seeds = site.shell(toHost);
    expect(seeds).toEqual({ status: 0, stdout: "", stderr: "" });
    const inForce = await facts(site);
    expect(inForce.runtime).toBe("host");
    const verify = site.shell([plutil, rg, list].join("\n"));
    expect(verify.stdout).toMatch(/"NANOCLAW_AGENT_RUNTIME" => "host"\n\d+:.*"runtime":"host"/);
    expect(verify.stdout).toContain(`${inForce.pid}\t0\tcom.nanoclaw`);
    // .env says docker, and no engine answers; the host that runs knows better.
    const doctor = await run(site.home, ["doctor", "--quick", "--json"], { env: site.env });
    const checks = JSON.parse(doctor.stdout) as { name: string; detail: string }[];
    expect(checks.find(({ name }) => name === "runtime")?.detail).toMatch(/^host, set so by NANOCLAW_AGENT_RUNTIME:/);
    expect(checks.map(({ name }) => name)).not.toContain("engine");
    expect(checks.find(({ name }) => name === "runtime setting")?.detail).toBe(
      "NANOCLAW_AGENT_RUNTIME is host for the running host, and docker here",
    );
    // PlistBuddy wrote the whole file anew, in its own manner.
    expect(await service.status()).toMatchObject({ kind: "running", pid: inForce.pid, stale: false });

    const again = site.service("macos", { env: { DOCKER_HOST: "unix:///somewhere.sock" } });
    expect(await again.install()).toEqual([
      `The old file is kept as ${fileOf(site)}.bak-1.`,
      `Wrote ${fileOf(site)}.`,
      "Kept from the old file, and above .env: NANOCLAW_AGENT_RUNTIME.",
      "Stopped what ran before.",
      expect.stringMatching(/^Started/),
    ]);
    expect(plistOf(site)["EnvironmentVariables"]).toMatchObject({
      NANOCLAW_AGENT_RUNTIME: "host",
      DOCKER_HOST: "unix:///somewhere.sock",
    });
    expect((await facts(site)).runtime).toBe("host");

    const back = site.shell(toDocker);
    expect(back).toEqual({ status: 0, stdout: "", stderr: "" });
    expect((await facts(site)).runtime).toBe("docker");
  },
  LIMIT,
);

it(
  "takes the runtime as its page says, also when it is set already",
  async () => {
    using site = openServiceSite();
    const service = site.service("macos");
    await service.install();
    const [change = ""] = /^PLIST=[^]*?^fi$/m.exec(readFileSync(join(root, "docs", "service.md"), "utf8")) ?? [];
    for (let count = 1; count <= 2; count += 1) {
      await service.stop();
      expect(site.shell(change)).toEqual({ status: 0, stdout: "", stderr: "" });
      await service.start();
      expect((await facts(site)).runtime).toBe("host");
    }
    expect(plistOf(site)["EnvironmentVariables"]).toMatchObject({ NANOCLAW_AGENT_RUNTIME: "host" });
  },
  LIMIT,
);

it("says what to do without a login at the Mac's screen, and writes nothing then", async () => {
  using site = openServiceSite();
  site.set("no-session", true);
  const service = site.service("macos");
  expect(await service.status()).toMatchObject({
    kind: "no-manager",
    detail: expect.stringContaining("launchd has no session"),
    cure: expect.stringContaining("Log in at the Mac's screen"),
  });
  await expect(service.install()).rejects.toThrow("Log in at the Mac's screen");
  expect(existsSync(fileOf(site))).toBe(false);
});
