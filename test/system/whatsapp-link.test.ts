import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeOldLink } from "../fork-home/old-link.ts";
import type { Posted } from "../whatsapp-server/messages.ts";
import { openSite } from "./site.ts";
import { modeOf, openWhatsAppSite, type WhatsAppSite } from "./whatsapp-site.ts";

describe.concurrent("auth by QR code", { timeout: 60_000 }, () => {
  it("links, says the number and what comes next, and leaves no code behind", async () => {
    await using site = await openWhatsAppSite();
    await using auth = site.auth();
    const { qr = "", picture = "", textFile = "" } = await auth.line("qr");
    expect(readFileSync(picture).subarray(1, 4).toString()).toBe("PNG");
    expect(readFileSync(textFile, "utf8")).toMatch(/^[ █▀▄\n]{900,}$/);
    expect([picture, textFile, site.path("store", "auth", "state.db")].map(modeOf)).toEqual(["600", "600", "600"]);
    const device = await site.server.scanQr(qr);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["qr", "agreed", "linked"]);
    const { number, text, hostRuns } = await auth.line("linked");
    expect([number, hostRuns]).toEqual([site.server.phone.number, false]);
    expect(text).toContain("What comes next: npm start\n  Then write to yourself on WhatsApp");
    expect(existsSync(picture) || existsSync(textFile)).toBe(false);
    expect(site.state("SELECT account, refused FROM links")).toEqual([{ account: device.pn, refused: null }]);
    expect(device.logins).toBe(1);
    expect(site.server.problems).toEqual([]);
  });

  it("is drawn in a terminal as well", async () => {
    await using site = await openWhatsAppSite();
    await using command = site.run(["auth"]);
    await command.says(/([ █▀▄]{40,}\n){20,}/);
    expect(command.stdout()).toContain("Linked devices > Link a device");
    command.child.kill("SIGINT");
    expect(await command.ended).toBe(1);
    expect(command.stderr()).toBe("Not linked. Interrupted.\n");
  });

  it("says so when all codes were shown and none was scanned", async () => {
    await using site = await openWhatsAppSite({ qrCodes: 0 });
    await using auth = site.auth();
    expect(await auth.end()).toMatchObject({ exit: 1, error: expect.stringContaining("The codes have expired") });
  });

  it("goes on with a new code when the connection is lost before anybody scanned", async () => {
    await using site = await openWhatsAppSite();
    await using auth = site.auth();
    const first = await auth.line("qr");
    site.server.drop();
    await auth.line("retry");
    await site.server.until(() => site.server.connections === 1);
    await auth.command.says(/("type":"qr".*\n[^]*){2}/);
    await expect(site.server.scanQr(first.qr ?? "")).rejects.toThrow("expired");
    await site.server.scanQr((await auth.line("qr")).qr ?? "");
    expect(await auth.end()).toMatchObject({ exit: 0 });
  });
});

describe.concurrent("auth by pairing code", { timeout: 60_000 }, () => {
  it("links when the code is typed, also after a wrong one", async () => {
    await using site = await openWhatsAppSite();
    await using auth = site.auth(["--pairing-code", "--phone", `+${site.server.phone.number}`]);
    const { code = "" } = await auth.line("code");
    expect(code).toMatch(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
    expect(readFileSync(site.path("store", "auth", "pairing-code.txt"), "utf8")).toBe(`${code}\n`);
    await expect(site.server.enterPairingCode("AAAA-BBBB")).rejects.toThrow("not the code");
    await auth.line("code-refused");
    await site.server.enterPairingCode(code);
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["code", "code-refused", "agreed", "linked"]);
  });

  it("says so when WhatsApp does not take the number", async () => {
    await using site = await openWhatsAppSite();
    await using auth = site.auth(["--pairing-code", "--phone", "+1 555 000 00 00"]);
    expect(await auth.end()).toMatchObject({ exit: 1, error: expect.stringContaining("did not accept this number") });
  });

  it("cannot log in with half a link: the next try begins anew", async () => {
    await using site = await openWhatsAppSite();
    await using auth = site.auth(["--pairing-code", "--phone", site.server.phone.number]);
    await auth.line("code");
    auth.command.child.kill("SIGKILL");
    await auth.command.ended;
    await site.link();
    expect(site.state("SELECT count(*) AS links FROM links")).toEqual([{ links: 1 }]);
  });
});

describe.concurrent("a link that is there", { timeout: 60_000 }, () => {
  it("is kept when it works, or cannot be tried", async () => {
    await using site = await openWhatsAppSite();
    await site.link();
    await using again = site.auth();
    expect(await again.end()).toEqual({ exit: 0, error: "" });
    expect(again.types()).toEqual(["checking", "kept"]);
    expect((await again.line("kept")).text).toContain("--force");
    site.server.faults.reachable = false;
    await using offline = site.auth();
    expect(await offline.end()).toMatchObject({ exit: 1, error: expect.stringContaining("it is kept") });
    expect(site.server.phone.devices).toHaveLength(1);
    expect(site.state("SELECT refused FROM links")).toEqual([{ refused: null }]);
  });

  it("is replaced when the phone has removed it", async () => {
    await using site = await openWhatsAppSite();
    await site.link();
    const [device] = site.server.phone.devices;
    if (device) site.server.unlink(device);
    await using first = site.auth();
    await first.line("qr");
    first.command.child.kill("SIGKILL");
    await first.command.ended;
    // Known now: nobody is asked again.
    expect(site.state("SELECT refused FROM links WHERE account IS NOT NULL")).toEqual([{ refused: 401 }]);
    await using second = site.auth();
    await site.server.scanQr((await second.line("qr")).qr ?? "");
    expect(await second.end()).toMatchObject({ exit: 0 });
    expect([first.types(), second.types()]).toEqual([
      ["checking", "dead", "qr"],
      ["dead", "qr", "agreed", "linked"],
    ]);
  });

  it("stays through a --force that is broken off, and goes when the new one works", async () => {
    await using site = await openWhatsAppSite();
    await site.link();
    const links = "SELECT account FROM links WHERE account IS NOT NULL";
    const [before] = site.state(links);
    await using broken = site.auth(["--force"]);
    await broken.line("qr");
    broken.command.child.kill("SIGINT");
    expect(await broken.end()).toMatchObject({ exit: 1, error: expect.stringContaining("before is kept") });
    expect(site.state(links)).toEqual([before]);
    await site.link(["--force"]);
    expect(site.state(links)).toEqual([{ account: before?.["account"]?.toString().replace(":1@", ":2@") }]);
  });

  it("is gone when its folder is moved away, and back when that is", async () => {
    await using site = await openWhatsAppSite();
    await site.link();
    renameSync(site.path("store", "auth"), site.path("store", "auth.old"));
    await using auth = site.auth();
    await auth.line("qr");
    auth.command.child.kill("SIGINT");
    await auth.end();
    renameSync(site.path("store", "auth"), site.path("store", "auth.new"));
    renameSync(site.path("store", "auth.old"), site.path("store", "auth"));
    await using back = site.auth();
    expect(await back.end()).toMatchObject({ exit: 0 });
    expect(back.types()).toEqual(["checking", "kept"]);
  });

  it("of another program, in one file for each key, is taken over once and its files stay", async () => {
    await using site = await openWhatsAppSite();
    const folder = site.path("store", "auth");
    await makeOldLink(site.server, folder);
    const files = readdirSync(folder).sort();
    const [torn = ""] = files.filter((name) => name.startsWith("pre-key-"));
    writeFileSync(site.path("store", "auth", torn), `{"public":`);
    await using auth = site.auth();
    expect(await auth.end()).toEqual({ exit: 0, error: "" });
    expect(auth.types()).toEqual(["import", "checking", "kept"]);
    expect((await auth.line("import")).text).toContain("1 were damaged and left out");
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(files));
    expect(site.server.phone.devices).toHaveLength(1);
    await using again = site.auth();
    await again.end();
    expect(again.types()).toEqual(["checking", "kept"]);
  });
});

describe.concurrent("linking that is disturbed", { timeout: 60_000 }, () => {
  it("by kill -9 at any moment leaves a link that works, or none", async () => {
    await using site = await openWhatsAppSite();
    for (const moment of ["qr", "scan", "agreed", "login"]) {
      await using auth = site.auth(["--force"]);
      const { qr = "" } = await auth.line("qr");
      const { stanzas } = site.server;
      const before = stanzas.length;
      const scanned = moment === "qr" ? undefined : site.server.scanQr(qr).catch(() => undefined);
      if (moment === "agreed") await auth.line("agreed");
      if (moment === "login")
        await site.server.until(() => stanzas.slice(before).some(({ from }) => from !== undefined));
      auth.command.child.kill("SIGKILL");
      await Promise.all([auth.command.ended, moment === "scan" ? undefined : scanned]);
      expect(site.state("PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
    }
    await using last = site.auth();
    const { type } = await Promise.any([last.line("qr"), last.line("kept")]);
    if (type === "qr") await site.server.scanQr((await last.line("qr")).qr ?? "");
    expect(await last.end()).toMatchObject({ exit: 0 });
    expect(last.types().at(-1)).toMatch(/^(linked|kept)$/);
  });

  it("by a second auth, which is told who is at work", async () => {
    await using site = await openWhatsAppSite();
    await using first = site.auth();
    const { qr = "" } = await first.line("qr");
    await using second = site.auth();
    const { exit, error } = await second.end();
    expect([exit, error]).toEqual([1, expect.stringMatching(/nanoclaw auth, process \d+\). End it first/)]);
    await site.server.scanQr(qr);
    expect(await first.end()).toMatchObject({ exit: 0 });
  });

  it("by nothing when a host runs in the home without WhatsApp", async () => {
    await using site = await openWhatsAppSite();
    await using _host = await openSite({ home: site.home, settings: { NANOCLAW_WHATSAPP: "off" } });
    await using auth = site.auth();
    await site.server.scanQr((await auth.line("qr")).qr ?? "");
    expect(await auth.end()).toMatchObject({ exit: 0 });
    expect(await auth.line("linked")).toMatchObject({
      hostRuns: true,
      text: expect.stringContaining("was started with NANOCLAW_WHATSAPP=off"),
    });
  });
});

describe.concurrent("what arrives while auth is connected", { timeout: 60_000 }, () => {
  const plains = (site: WhatsAppSite) =>
    site.state("SELECT plain FROM inbox").map(({ plain }) => Buffer.from(plain as Uint8Array).toString());

  it("is kept in the raw inbox, is not decrypted twice, and no key or word of it is printed", async () => {
    await using site = await openWhatsAppSite();
    const { server } = site;
    // Without it, Baileys waits for 20 seconds, and so does auth.
    server.faults.history = false;
    const finn = server.person({ name: "Finn" });
    const group = server.group({ subject: "Plans", members: [server.phone, finn] });
    await using auth = site.auth([], { LOG_LEVEL: "trace" });
    const device = await server.scanQr((await auth.line("qr")).qr ?? "");
    await server.until(() => device.online);
    const direct = await server.send(finn, server.phone, "are you there");
    const inGroup = await server.send(finn, group, "and here");
    await server.until(() => server.waiting === 0);
    await server.repeat(direct, "same bytes");
    await server.until(() => server.waiting === 0);
    auth.command.child.kill("SIGINT");
    expect(await auth.end()).toMatchObject({ exit: 0 });
    const settled = [direct, inGroup].map(({ copies }) => copies.map(({ envelope }) => envelope.settled));
    expect(settled).toEqual([["receipt", "receipt"], ["receipt"]]);
    for (const text of ["are you there", "and here"]) {
      expect(plains(site).filter((plain) => plain.includes(text))).toHaveLength(1);
    }
    expect(site.state("SELECT DISTINCT account FROM inbox")).toEqual([{ account: device.pn }]);
    const said = auth.command.stdout() + auth.command.stderr();
    expect(said).toContain("baileys: ");
    expect(said).not.toMatch(/are you there|and here|privKey|rootKey|chainKey|Buffer/);
  });

  it("outlives kill -9: whatever WhatsApp was told of is there, once", async () => {
    await using site = await openWhatsAppSite();
    const { server } = site;
    server.faults.history = false;
    const finn = server.person({ name: "Finn" });
    const texts: string[] = [];
    const sent: Posted[] = [];
    const write = async (times: number) => {
      for (let time = 0; time < times; time += 1) {
        const text = `message number ${texts.push("") + 1_000}.`;
        texts[texts.length - 1] = text;
        sent.push(await server.send(finn, server.phone, text));
      }
    };
    const told = () => sent.flatMap(({ copies }) => copies).filter(({ envelope }) => envelope.settled !== undefined);
    for (let kill = 0; kill < 4; kill += 1) {
      await using auth = site.auth();
      if (kill === 0) await server.scanQr((await auth.line("qr")).qr ?? "");
      await server.until(() => server.phone.devices[0]?.online === true);
      const writing = write(30);
      const before = told().length;
      await server.until(() => told().length > before + 5 * kill);
      auth.command.child.kill("SIGKILL");
      await Promise.all([auth.command.ended, writing]);
      expect(plains(site).length).toBeGreaterThanOrEqual(told().length);
    }
    await using last = site.auth();
    await server.until(() => server.waiting === 0);
    last.command.child.kill("SIGINT");
    await last.end();
    const settled = new Set(sent.flatMap(({ copies }) => copies.map(({ envelope }) => envelope.settled)));
    expect(settled).toEqual(new Set(["receipt"]));
    const kept = plains(site);
    expect(texts.map((text) => kept.filter((plain) => plain.includes(text)).length)).toEqual(texts.map(() => 1));
  });
});
