import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nanoclaw, run } from "./command.ts";
import { openScriptSite } from "./setup-script.ts";
import { openSite, tempHome } from "./site.ts";

// Each is two programs or three.
vi.setConfig({ testTimeout: 60_000 });

let home: string;
beforeEach(() => (home = tempHome()));
afterEach(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

it("waits under a manager of services until its settings can be used, and says what is true there", async () => {
  writeFileSync(join(home, ".env"), "NANOCLAW_AGENT_RUNTIME=dokcer\n");
  await using service = nanoclaw(home, ["start", "--service"]);
  await service.says('NANOCLAW_AGENT_RUNTIME="dokcer"');
  expect(existsSync(join(home, "store"))).toBe(false);
  writeFileSync(join(home, ".env"), "NANOCLAW_AGENT_RUNTIME=host\n");
  await service.says("NanoClaw runs");
  expect(readFileSync(join(home, "logs", "nanoclaw.error.log"), "utf8")).toContain("dokcer");
  expect(service.stdout()).toContain("  local chat  on: npm run nanoclaw -- chat\n");
  expect(service.stdout()).not.toContain("type here");
  expect((await run(home, ["chat", "hello"])).exit).toBe(0);
  service.child.kill("SIGTERM");
  expect(await service.ended).toBe(0);
  expect(service.stdout()).toMatch(/Stopping\.\n$/);
});

it("says why it cannot run under a manager of services, and does not end at once, to be started in a loop", async () => {
  mkdirSync(join(home, "store"));
  writeFileSync(join(home, "store", "messages.db"), "this is no database ".repeat(500));
  await using service = nanoclaw(home, ["start", "--service"]);
  await service.says("It ends in 60 seconds and is then started again.");
  expect(service.stderr()).toMatch(/^20\S+Z .*messages\.db/);
  expect(service.stderr()).not.toContain("    at ");
  expect(service.child.exitCode).toBe(null);
  service.child.kill("SIGTERM");
  expect(await service.ended).toBe(1);
});

it("waits under a manager of services for a host that was started by hand", async () => {
  await using site = await openSite({ scripted: true });
  await using service = nanoclaw(site.home, ["start", "--service"]);
  await service.says("Waiting until it is free");
  await site.stop();
  await service.says("NanoClaw runs");
  service.child.kill("SIGTERM");
  expect(await service.ended).toBe(0);
});

it("ends with 2 for a wrong setting when it is started by hand", async () => {
  writeFileSync(join(home, ".env"), "NANOCLAW_AGENT_RUNTIME=dokcer\n");
  expect((await run(home, ["start"])).exit).toBe(2);
  expect((await run(home, ["service", "install"], { env: { HOME: home } })).exit).toBe(2);
  expect((await run(home, ["service", "install", "--platform", "windows"])).exit).toBe(2);
});

it("is verified by the runtime that the host goes by, whatever this shell and .env say", async () => {
  using site = openScriptSite({
    NANOCLAW_AGENT: "offline",
    NANOCLAW_WHATSAPP: "off",
    NANOCLAW_DOCKER: "/nowhere/docker",
  });
  const verify = async () => (await site.run("09-verify.sh", ["--quick"])).block;
  await using host = nanoclaw(site.home, ["start"], { env: { ...site.env, NANOCLAW_AGENT_RUNTIME: "host" } });
  await host.says("NanoClaw runs");
  const asHost = await verify();
  expect(asHost).toMatchObject({ DOCKER: "not_needed", AGENT_IMAGE: "not_needed" });
  expect(asHost["ERROR"]).not.toMatch(/container|restart the host/);
  host.child.kill("SIGTERM");
  await host.ended;
  expect(await verify()).toMatchObject({ DOCKER: "not_running", AGENT_IMAGE: "missing" });
});
