import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { installKiroCli } from "../kiro-cli/bundle.ts";
import { nanoclaw } from "./command.ts";
import { openScriptSite, type ScriptSite } from "./setup-script.ts";
import { until } from "./until.ts";
import { openWhatsAppHost } from "./whatsapp-host.ts";

/** A systemd that takes the process whose number stands in the person's file `pid` for the unit's. */
const systemctl = `echo "$*" >>"$HOME/asked"
unit=$HOME/.config/systemd/user/nanoclaw.service
pid=$(cat "$HOME/pid" 2>/dev/null || echo 0)
case "$*" in
  *is-system-running*) echo running ;;
  *show*)
    [ -f "$unit" ] && echo LoadState=loaded || echo LoadState=not-found
    [ "$pid" = 0 ] && echo ActiveState=inactive || echo ActiveState=active
    echo "MainPID=$pid" ;;
esac`;

function withSystemd(site: ScriptSite, pid?: number): void {
  site.program("systemctl", systemctl);
  site.program("loginctl", "echo Linger=yes");
  if (pid !== undefined) writeFileSync(join(site.person, "pid"), `${pid}\n`);
}

const unitOf = ({ person }: ScriptSite): string => join(person, ".config", "systemd", "user", "nanoclaw.service");
const settings = { NANOCLAW_AGENT_RUNTIME: "host", NANOCLAW_AGENT: "offline" };

describe.skipIf(process.platform !== "linux").concurrent("the service", { timeout: 180_000 }, () => {
  test("is made by 08, as often as it is run", async () => {
    using site = openScriptSite({ ...settings, NANOCLAW_WHATSAPP: "off" });
    await using host = nanoclaw(site.home, ["start"], { env: site.env });
    await host.says("NanoClaw runs");
    withSystemd(site, host.child.pid);
    for (let count = 1; count <= 2; count += 1) {
      const { exit, block } = await site.run("08-setup-service.sh", ["--platform", "linux"]);
      expect({ exit, ...block }).toMatchObject({
        ...{ exit: 0, "": "SETUP_SERVICE", SERVICE_TYPE: "systemd", KIRO_CLI_PATH: "not_found" },
        ...{ UNIT_PATH: unitOf(site), SERVICE_LOADED: "true", STATUS: "success" },
      });
      expect(existsSync(block["NODE_PATH"] ?? "")).toBe(true);
    }
    expect(readFileSync(unitOf(site), "utf8")).toContain("ExecStart=");
    expect(readFileSync(join(site.person, "asked"), "utf8")).toContain("--user enable nanoclaw.service");
    host.child.kill("SIGTERM");
    await host.ended;
  });

  test("is not taken for one that runs when it does not", async () => {
    using site = openScriptSite({ ...settings, NANOCLAW_WHATSAPP: "off" });
    const none = await site.run("09-verify.sh", ["--quick"]);
    expect({ exit: none.exit, ...none.block }).toMatchObject({ exit: 1, TEST_MESSAGE: "skipped", STATUS: "failed" });
    expect(none.block["ERROR"]).toMatch(/08-setup-service\.sh.*; no host runs/);
  });

  test("of another system is not made here", async () => {
    using site = openScriptSite(settings);
    const { exit, block } = await site.run("08-setup-service.sh", ["--platform", "macos"]);
    expect({ exit, ...block }).toMatchObject({ exit: 1, SERVICE_TYPE: "launchd", SERVICE_LOADED: "false" });
    expect(block["ERROR"]).toContain("this is linux");
  });
});

describe.skipIf(process.platform !== "linux")("all of it together", () => {
  test("is verified by what host, WhatsApp and agent say themselves", { timeout: 180_000 }, async () => {
    await using whatsApp = await openWhatsAppHost();
    using site = openScriptSite({
      ...settings,
      ...{ NANOCLAW_HOME: whatsApp.home, NANOCLAW_WHATSAPP_URL: whatsApp.server.url },
    });
    const host = await whatsApp.start();
    await whatsApp.online();
    withSystemd(site, host.child.pid);
    await site.run("08-setup-service.sh");
    await site.run("07-configure-mounts.sh", ["--empty"]);
    const good = await site.run("09-verify.sh");
    expect({ exit: good.exit, ...good.block }).toEqual({
      ...{ exit: 0, "": "VERIFY", SERVICE: "running", DOCKER: "not_needed", AGENT_IMAGE: "not_needed" },
      ...{ IMAGE_NAME: "nanoclaw-agent:latest", KIRO_AGENT_CONFIG: "missing", KIRO_LOGIN: "not_used" },
      ...{ WHATSAPP_AUTH: "authenticated", REGISTERED_GROUPS: "1", MOUNT_ALLOWLIST: "configured" },
      ...{ TEST_MESSAGE: "answered", STATUS: "success", LOG: join(site.home, "logs", "setup.log") },
    });

    whatsApp.server.unlink(whatsApp.device());
    type Status = { channels: { name: string; connected: boolean }[] };
    const isConnected = async () =>
      (await whatsApp.ask<Status>("GET", "/control/status")).channels.some(
        ({ name, connected }) => name === "whatsapp" && connected,
      );
    await until(async () => !(await isConnected()));
    const bad = await site.run("09-verify.sh", ["--quick"]);
    expect({ exit: bad.exit, ...bad.block }).toMatchObject({
      exit: 1,
      WHATSAPP_AUTH: "not_connected",
      STATUS: "failed",
    });
    expect(bad.block["ERROR"]).toContain("04-auth-whatsapp.sh");
  });

  test("is not when Kiro is logged out, or its engine has no image", { timeout: 180_000 }, async () => {
    using site = openScriptSite({ ...settings, NANOCLAW_AGENT: "kiro", NANOCLAW_WHATSAPP: "off" });
    installKiroCli(join(site.person, "bin"));
    const env = { PATH: `${join(site.person, "bin")}:${site.env["PATH"]}` };
    const out = await site.run("09-verify.sh", ["--quick"], { env });
    expect(out.block).toMatchObject({ KIRO_LOGIN: "missing", WHATSAPP_AUTH: "off", STATUS: "failed" });
    expect(out.block["ERROR"]).toContain("kiro login");
    site.program("docker", `case $1 in version | info) echo 24 ;; *) echo 'no such image' >&2; exit 1 ;; esac`);
    const docker = await site.run("09-verify.sh", ["--quick"], { env: { ...env, NANOCLAW_AGENT_RUNTIME: "docker" } });
    expect(docker.block).toMatchObject({ AGENT_IMAGE: "missing", STATUS: "failed" });
    expect(docker.block["ERROR"]).toContain("03-setup-container.sh");
  });
});
