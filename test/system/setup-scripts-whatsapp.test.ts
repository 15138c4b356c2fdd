import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { decodeQR } from "qr/decode.js";
import { inflateSync } from "node:zlib";
import { openScriptSite, says, type RunningScript, type ScriptSite } from "./setup-script.ts";
import { until } from "./until.ts";
import { openWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";

const NUMBER = "4915200000001";

interface Place extends AsyncDisposable {
  whatsApp: WhatsAppHost;
  site: ScriptSite;
}

/** A person at a screen, with a browser that does nothing. */
async function open(options: { linked: boolean }): Promise<Place> {
  const whatsApp = await openWhatsAppHost({ ...options, owner: { name: "Olga", number: NUMBER } });
  const site = openScriptSite({
    ...{ NANOCLAW_HOME: whatsApp.home, NANOCLAW_WHATSAPP_URL: whatsApp.server.url, NANOCLAW_AGENT_RUNTIME: "host" },
    ...{ NODE_EXTRA_CA_CERTS: whatsApp.server.media.caFile, NANOCLAW_AGENT: "offline", DISPLAY: ":7" },
  });
  for (const browser of ["open", "xdg-open"]) site.program(browser, `echo "$1" >>"$HOME/opened"`);
  return {
    ...{ whatsApp, site },
    [Symbol.asyncDispose]: async () => {
      await whatsApp[Symbol.asyncDispose]();
      site[Symbol.dispose]();
    },
  };
}

const pageOf = ({ home }: ScriptSite): string => join(home, "store", "qr-auth.html");

/** Reads the code from the page, as a camera before the screen does. */
async function codeOnPage(site: ScriptSite, script: RunningScript): Promise<string> {
  const picture = () =>
    existsSync(pageOf(site)) ? /base64,([^"]+)/.exec(readFileSync(pageOf(site), "utf8"))?.[1] : undefined;
  await until(() => picture() !== undefined || script.child.exitCode !== null);
  return decode(Buffer.from(picture() ?? "", "base64"));
}

/** Our own PNG: one grey byte a pixel, no filters. */
function decode(png: Buffer): string {
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const length = png.readUInt32BE(33);
  const grey = inflateSync(png.subarray(41, 41 + length));
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1)
      data.fill(grey[y * (width + 1) + 1 + x] ?? 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
  }
  return decodeQR({ width, height, data }, { timeLimit: 5_000 });
}

const linkBits = (home: string): string[] => readdirSync(join(home, "store", "auth")).sort();

test(
  "04 shows the code in a browser, links, and keeps the link when it is run again",
  { timeout: 180_000 },
  async () => {
    await using place = await open({ linked: false });
    const { site, whatsApp } = place;
    await using script = site.start("04-auth-whatsapp.sh", ["--method", "qr-browser"]);
    const code = await codeOnPage(site, script);
    expect(statSync(pageOf(site)).mode & 0o777).toBe(0o600);
    await whatsApp.server.scanQr(code);
    const first = await script.ended;
    expect({ exit: first.exit, ...first.block }).toEqual({
      ...{
        exit: 0,
        "": "AUTH_WHATSAPP",
        AUTH_METHOD: "qr-browser",
        AUTH_STATUS: "authenticated",
        PHONE_NUMBER: NUMBER,
      },
      ...{ STATUS: "success", LOG: join(site.home, "logs", "setup.log") },
    });
    expect(readFileSync(join(site.person, "opened"), "utf8")).toBe(`${pageOf(site)}\n`);
    expect(readFileSync(pageOf(site), "utf8")).not.toContain("base64");
    const before = linkBits(site.home);
    const again = await site.run("04-auth-whatsapp.sh", ["--method", "qr-browser"]);
    expect(again.block).toMatchObject({
      AUTH_STATUS: "already_authenticated",
      PHONE_NUMBER: NUMBER,
      STATUS: "success",
    });
    expect(linkBits(site.home)).toEqual(before);
    expect(whatsApp.server.phone.devices).toHaveLength(1);
    // Neither codes nor numbers are for the log.
    expect(site.log()).not.toMatch(new RegExp(`${NUMBER}|2@|base64`));
  },
);

test("04 shows a code to type, on the terminal and on a page", { timeout: 180_000 }, async () => {
  await using place = await open({ linked: false });
  const { site, whatsApp } = place;
  await using script = site.start("04-auth-whatsapp.sh", ["--method", "pairing-code", "--phone", `+${NUMBER}`]);
  await says(script, "To be typed on the phone");
  const code = /[A-Z0-9]{4}-[A-Z0-9]{4}/.exec(script.stderr())?.[0] ?? "";
  await until(() => existsSync(pageOf(site)));
  expect(readFileSync(pageOf(site), "utf8")).toContain(code);
  await whatsApp.server.enterPairingCode(code);
  const { exit, block } = await script.ended;
  expect({ exit, ...block }).toMatchObject({ exit: 0, AUTH_STATUS: "authenticated", PAIRING_CODE: code });
  expect(site.log()).not.toContain(code);
});

test("04 that is broken off leaves the link that was there", { timeout: 180_000 }, async () => {
  await using place = await open({ linked: true });
  const { site, whatsApp } = place;
  await using script = site.start("04-auth-whatsapp.sh", ["--method", "qr-browser", "--force"]);
  await codeOnPage(site, script);
  script.child.kill("SIGTERM");
  expect(await script.ended).toMatchObject({ exit: 143, block: { STATUS: "failed" } });
  expect(linkBits(site.home)).not.toContain("qr.png");
  expect(readFileSync(pageOf(site), "utf8")).not.toContain("base64");
  const again = await site.run("04-auth-whatsapp.sh", ["--method", "qr-browser"]);
  expect(again.block["AUTH_STATUS"]).toBe("already_authenticated");
  expect(whatsApp.server.phone.devices).toHaveLength(1);
});

test("04 says why it did not link", { timeout: 180_000 }, async () => {
  await using place = await open({ linked: false });
  const { site } = place;
  const bad = await site.run("04-auth-whatsapp.sh", ["--method", "pairing-code", "--phone", "12"]);
  expect(bad).toMatchObject({ exit: 1, block: { AUTH_STATUS: "failed", STATUS: "failed" } });
  expect(bad.block["ERROR"]).toContain("--phone 12");
  const nobody = { NANOCLAW_WHATSAPP_URL: "ws://127.0.0.1:9" };
  const away = await site.run("04-auth-whatsapp.sh", ["--method", "qr-browser"], { env: nobody });
  expect(away.block["ERROR"]).toContain("WhatsApp could not be reached");
});

test("04 leaves a code in characters to a terminal that somebody looks at", async () => {
  await using place = await open({ linked: false });
  const { exit, block } = await place.site.run("04-auth-whatsapp.sh", ["--method", "qr-terminal"]);
  expect({ exit, ...block }).toMatchObject({
    exit: 0,
    AUTH_STATUS: "manual",
    COMMAND: "npm run auth",
    STATUS: "manual",
  });
});

test(
  "05 lists groups by the running host, or by one for so long; never by a second connection",
  { timeout: 180_000 },
  async () => {
    await using place = await open({ linked: true });
    const { site, whatsApp } = place;
    const { server } = whatsApp;
    const ann = server.person({ name: "Ann", number: "4915200000002" });
    for (const subject of ["Plans", "a|b\u202e\nSTATUS: failed"])
      server.group({ subject, members: [server.phone, ann] });
    const alone = await site.run("05-sync-groups.sh");
    expect({ exit: alone.exit, ...alone.block }).toEqual({
      ...{ exit: 0, "": "SYNC_GROUPS", BUILD: "not_needed", SYNC: "success", GROUPS_IN_DB: "2", STATUS: "success" },
      LOG: join(site.home, "logs", "setup.log"),
    });
    await until(() => !whatsApp.device().online);

    const host = await whatsApp.start();
    await whatsApp.online();
    const listed = await site.run("05b-list-groups.sh", ["1"]);
    expect(listed.block).toMatchObject({ "": "LIST_GROUPS", COUNT: "2", STATUS: "success" });
    const lines = listed.stdout.split("\n").filter((line) => line.includes("@g.us"));
    expect(lines).toEqual([expect.stringMatching(/^\S+@g\.us\|a b STATUS: failed\|$/)]);
    expect(host.child.exitCode).toBeNull();
    expect(whatsApp.device().online).toBe(true);
  },
);

test("05 says that nothing is linked", async () => {
  await using place = await open({ linked: false });
  const { exit, block } = await place.site.run("05-sync-groups.sh");
  expect({ exit, ...block }).toMatchObject({ exit: 1, SYNC: "failed", GROUPS_IN_DB: "0", STATUS: "failed" });
  expect(block["ERROR"]).toContain("04-auth-whatsapp.sh");
});
