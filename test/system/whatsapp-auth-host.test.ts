import { describe, expect, it } from "vitest";
import type { Auth } from "./whatsapp-site.ts";
import { openWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";

const scan = async (site: WhatsAppHost, auth: Auth) => site.server.scanQr((await auth.line("qr")).qr ?? "");
const channelOf = async (site: WhatsAppHost) => {
  const { channels } = await site.ask<{ channels: { name: string; connected: boolean; detail: string }[] }>(
    "GET",
    "/control/status",
  );
  return channels.find(({ name }) => name === "whatsapp");
};

describe("auth while a host runs", { timeout: 60_000 }, () => {
  it("links, and waits until the host has taken the link by itself", async () => {
    await using site = await openWhatsAppHost({ linked: false });
    const host = await site.start();
    expect(host.stdout()).toContain("  WhatsApp    not linked yet: npm run auth\n");
    expect(host.stdout()).toContain("Next: npm run nanoclaw -- setup");
    await using auth = site.auth();
    await scan(site, auth);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["qr", "agreed", "linked", "host"]);
    expect(await auth.line("linked")).toMatchObject({ hostRuns: true, text: expect.stringContaining("by itself") });
    expect(await auth.line("host")).toMatchObject({ connected: true, text: "The running host is connected." });
    expect(await channelOf(site)).toMatchObject({ connected: true, detail: `as +${site.server.phone.number}` });
    expect(site.server.problems).toEqual([]);
  });

  it("leaves a link alone by which the host is connected", async () => {
    await using site = await openWhatsAppHost();
    await site.start();
    await site.online();
    const { logins } = site.device();
    await using auth = site.auth();
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["kept"]);
    const { text, number } = await auth.line("kept");
    expect(text).toContain(`the running host is connected as +${site.server.phone.number}`);
    expect(number).toBe(site.server.phone.number);
    expect([site.device().online, site.device().logins]).toEqual([true, logins]);
  });

  it("with --force takes the link from the host and gives it a new one", async () => {
    await using site = await openWhatsAppHost();
    await site.start();
    await site.online();
    const before = site.device();
    await using auth = site.auth(["--force"]);
    await scan(site, auth);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["qr", "agreed", "linked", "host"]);
    expect(site.device()).not.toBe(before);
    expect([before.online, site.device().online]).toEqual([false, true]);
    expect(site.state("SELECT account FROM links")).toEqual([{ account: site.device().pn }]);
  });

  it("gives the old link back to the host when it is killed in between, or broken off", async () => {
    await using site = await openWhatsAppHost();
    await site.start();
    await site.online();
    const device = site.device();
    for (const signal of ["SIGKILL", "SIGINT"] as const) {
      await using auth = site.auth(["--force"]);
      await auth.line("qr");
      expect(device.online).toBe(false);
      auth.command.child.kill(signal);
      await auth.command.ended;
      await site.online();
      await site.server.until(() => device.online);
    }
    await site.server.send(site.server.phone, site.server.phone, "search for walrus");
    expect(await site.texts(site.server.phone, 1)).toEqual([expect.stringContaining("walrus")]);
  });

  it("replaces a link that the phone has removed", async () => {
    await using site = await openWhatsAppHost();
    await site.start();
    await site.online();
    site.server.unlink(site.device());
    await using auth = await deadLink(site);
    await scan(site, auth);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["dead", "qr", "agreed", "linked", "host"]);
  });

  it("says so when the host runs with WhatsApp switched off", async () => {
    await using site = await openWhatsAppHost({ linked: false });
    const host = await site.start({ NANOCLAW_WHATSAPP: "off" });
    expect(host.stdout()).toContain("  WhatsApp    off (NANOCLAW_WHATSAPP=off)\n");
    await using auth = site.auth();
    await scan(site, auth);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["qr", "agreed", "linked"]);
    expect((await auth.line("linked")).text).toContain("was started with NANOCLAW_WHATSAPP=off");
  });
});

/** `auth`, once the host knows that its link is dead. */
async function deadLink(site: WhatsAppHost): Promise<Auth> {
  for (;;) {
    const channel = await channelOf(site);
    if (channel?.detail.includes("npm run auth")) return site.auth();
  }
}

describe("what says how WhatsApp is", { timeout: 60_000 }, () => {
  it("start, status and doctor agree, with a host and without", async () => {
    await using site = await openWhatsAppHost();
    const number = `+${site.server.phone.number}`;
    await using before = site.run(["doctor", "--quick"], { NANOCLAW_AGENT_RUNTIME: "host" });
    await before.ended;
    expect(before.stdout()).toContain(`whatsapp        linked as ${number}`);
    const host = await site.start();
    expect(host.stdout()).toMatch(new RegExp(`^ {2}WhatsApp {4}connect(ing|ed) as \\${number}$`, "m"));
    expect(host.stdout()).toContain("Next: npm run nanoclaw -- doctor");
    await site.online();
    await using status = site.run(["status"]);
    await using doctor = site.run(["doctor", "--quick", "--json"], { NANOCLAW_AGENT_RUNTIME: "host" });
    expect(await status.ended).toBe(0);
    expect(status.stdout()).toContain(`whatsapp  connected  as ${number}`);
    expect(await doctor.ended).toBe(0);
    const checks = JSON.parse(doctor.stdout()) as { name: string; state: string; detail: string }[];
    expect(checks.filter(({ name }) => name.startsWith("whatsapp"))).toEqual([
      { name: "whatsapp", state: "ok", detail: `the running host is connected as ${number}` },
      { name: "whatsapp files", state: "ok", detail: expect.stringContaining("for this user alone") },
      { name: "whatsapp owner", state: "ok", detail: expect.stringContaining("shared number") },
    ]);
    expect(site.device().logins).toBe(2);
  });
});
