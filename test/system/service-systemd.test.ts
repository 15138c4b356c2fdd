import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { nanoclaw, run } from "./command.ts";
import { isRoot, onLinux } from "./processes.ts";
import { openServiceSite, root, type ServiceSite } from "./service-site.ts";

const { username } = userInfo();
const linger = `loginctl show-user ${username} --property=Linger`;
const show =
  "systemctl --user show nanoclaw.service --property=LoadState,ActiveState,SubState,MainPID,Result,ExecMainStatus,NeedDaemonReload";
const order = (verb: string) => `systemctl --user ${verb} nanoclaw.service`;
const reload = "systemctl --user daemon-reload";
const fileOf = (site: ServiceSite) => join(site.person, ".config/systemd/user/nanoclaw.service");

const verified = (path: string, runtime: string) =>
  spawnSync("systemd-analyze", ["verify", "--user", path], {
    env: { ...process.env, XDG_RUNTIME_DIR: runtime, HOME: runtime },
    encoding: "utf8",
  });
const analyzes = spawnSync("systemd-analyze", ["--version"]).status === 0;

describe("with programs that stand in for systemctl and loginctl", () => {
  it("is installed, looked at, stopped, started and removed with these command lines", async () => {
    using site = openServiceSite();
    const service = site.service("linux");
    expect((await service.status()).kind).toBe("not-installed");
    expect(site.calls()).toEqual([show, linger]);
    const installed = await service.install();
    expect(installed.slice(0, 2)).toEqual([`Wrote ${fileOf(site)}.`, "Started (process 4321)."]);
    expect(installed[2]).toContain(`unless they linger. For that: loginctl enable-linger ${username}`);
    expect(site.calls()).toEqual([show, reload, show, order("enable"), order("restart"), show, linger]);
    expect(await service.status()).toEqual({
      kind: "running",
      pid: 4321,
      detail: "runs (process 4321); it ends when you log out",
      cure: `loginctl enable-linger ${username}`,
      stale: false,
    });
    site.set("linger", "yes");
    expect(await service.status()).toEqual({ kind: "running", pid: 4321, detail: "runs (process 4321)", stale: false });
    site.calls();
    expect(await service.restart()).toEqual(["Started (process 4321)."]);
    expect(site.calls()).toEqual([reload, order("restart"), show]);
    expect(await service.stop()).toEqual([expect.stringMatching(/^Stopped, until this machine starts anew or:/)]);
    expect(site.calls()).toEqual([show, order("stop")]);
    expect(await service.stop()).toEqual(["It was not running."]);
    expect(await service.status()).toMatchObject({ kind: "stopped", detail: "does not run" });
    site.calls();
    expect(await service.start()).toEqual(["Started (process 4321)."]);
    expect(site.calls()).toEqual([reload, show, order("start"), show]);
    expect(await service.uninstall()).toEqual([
      "Stopped.",
      `Removed ${fileOf(site)}. State and logs stay in ${site.home}.`,
    ]);
    expect(site.calls()).toEqual([reload, order("stop"), order("disable"), reload]);
    expect(await service.uninstall()).toEqual(["There is no service."]);
  }, 60_000);

  it("tells apart a machine without systemd and a login without its part of it, and writes nothing then", async () => {
    using site = openServiceSite();
    const service = site.service("linux");
    site.set("mode", "offline");
    await expect(service.install()).rejects.toThrow(/This machine is not run by systemd.*start --service/);
    expect(await service.status()).toMatchObject({ kind: "no-manager", pid: null, stale: false });
    site.set("mode", "no-bus");
    await expect(service.install()).rejects.toThrow(/cannot be reached from this login.*Log in as that user itself/);
    expect(existsSync(fileOf(site))).toBe(false);
    expect((await site.service("macos", { env: { PATH: "/nowhere" } }).status()).kind).toBe("not-installed");
  }, 60_000);

  it("says so when systemd looks for units elsewhere, or refuses the start", async () => {
    using site = openServiceSite();
    site.set("mode", "elsewhere");
    await expect(site.service("linux").install()).rejects.toThrow("does not look for units in");
    site.set("mode", "refuses");
    await expect(site.service("linux").install()).rejects.toThrow(
      /restart nanoclaw.service failed \(1\): Job for.*\n.*journalctl/,
    );
  }, 60_000);

  it("says at an install that a host started by hand has the home, and what the shell alone knows", async () => {
    using site = openServiceSite();
    await using host = nanoclaw(site.home, ["start"], { env: { ...site.env, NANOCLAW_WHATSAPP: "off" } });
    await host.says("NanoClaw runs");
    const env = { ...site.env, ASSISTANT_NAME: "Bob" };
    const { exit, stdout, stderr } = await run(site.home, ["service", "install"], { env });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: "" });
    expect(stdout).toContain(`Another host works in this home (process ${host.child.pid}), started by hand`);
    expect(stdout).toMatch(/Set in this shell alone.*: .*ASSISTANT_NAME.*\.env/);
    const status = await run(site.home, ["service", "status", "--json"], { env: site.env });
    expect(JSON.parse(status.stdout)).toMatchObject({ kind: "running", pid: 4321, answers: false, since: null });
  }, 60_000);
});

const named = (can: boolean, needs: string, name: string) => (can ? name : `${name} (skipped: it needs ${needs})`);

it.skipIf(!analyzes)(
  named(analyzes, "systemd-analyze", "is a unit that systemd accepts, whatever is in its paths"),
  () => {
    using site = openServiceSite({ homeName: `o'ne "two" $HOME %h 50% \\ ü` });
    const node = join(site.home, "node");
    symlinkSync(process.execPath, node);
    const { text } = site.service("linux", { node }).file;
    const path = join(site.person, "nanoclaw.service");
    writeFileSync(path, text);
    expect(verified(path, site.person)).toMatchObject({ status: 0, stdout: "", stderr: "" });
    writeFileSync(path, text.replace(/^ExecStart="/m, 'ExecStart="/nowhere'));
    expect(verified(path, site.person).status).not.toBe(0);
  },
);

/** Namespaces of its own, and a real systemd in them. */
const canRunSystemd =
  onLinux &&
  isRoot &&
  ["systemd-analyze", "dbus-daemon", "unshare"].every((name) => spawnSync(name, ["--version"]).status === 0);

describe("with a real systemd of a user", () => {
  it.skipIf(!canRunSystemd)(
    "runs in a home with an awkward name, comes back after a kill, and ends cleanly",
    () => {
      using site = openServiceSite({ homeName: `o'ne "two" $HOME %h 50%` });
      const script = join(site.person, "script.sh");
      const bin = `"${root}/bin/nanoclaw"`;
      writeFileSync(
        script,
        `set -e
${bin} service install
${bin} service status --json >status-1.json
pid=$(systemctl --user show nanoclaw.service --property=MainPID --value)
kill -KILL "$pid"
until [ "$(systemctl --user show nanoclaw.service --property=NRestarts --value)" = 1 ]; do sleep 0.1; done
until ${bin} service status --json >status-2.json && grep -q '"answers": true' status-2.json; do sleep 0.2; done
echo 'NANOCLAW_AGENT_RUNTME=host' >>.env
${bin} service restart
sed -i '$d' .env
until ${bin} service status --json >status-3.json && grep -q '"answers": true' status-3.json; do sleep 0.2; done
${bin} service stop
${bin} service uninstall
`,
      );
      const env = { ...site.env, PATH: process.env["PATH"] ?? "", NANOCLAW_HOME: site.home };
      const helper = fileURLToPath(new URL("fixtures/with-user-systemd.sh", import.meta.url));
      mkdirSync(join(site.person, "systemd"));
      // What a person changed in a file of their own counts.
      mkdirSync(`${fileOf(site)}.d`, { recursive: true });
      writeFileSync(join(`${fileOf(site)}.d`, "own.conf"), "[Service]\nRestartSec=1\n");
      const { status, stdout, stderr } = spawnSync(helper, [join(site.person, "systemd"), "bash", script], {
        ...{ cwd: site.home, env, encoding: "utf8", timeout: 110_000 },
      });
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(stdout.split("It answers. Talk to it")).toHaveLength(2);
      expect(stdout).toMatch(/It does not answer yet, and says:\n.*NANOCLAW_AGENT_RUNTME: there is no such setting/s);
      expect(stdout).toContain("State and logs stay in");
      const said = [1, 2, 3].map(
        (number) => JSON.parse(readFileSync(join(site.home, `status-${number}.json`), "utf8")) as object,
      );
      for (const one of said)
        expect(one).toMatchObject({ kind: "running", answers: true, stale: false, home: site.home });
      const [out, err] = ["out", "err"].map((name) =>
        readFileSync(join(site.home, "logs", `service.${name}.log`), "utf8"),
      );
      expect(out?.match(/^Stopping\.$/gm)).toHaveLength(2); // the first one was killed
      expect(err).toContain("The settings can be used now.");
    },
    120_000,
  );
});
