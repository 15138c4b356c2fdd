import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadConfig } from "../config.ts";
import { homePaths } from "../home.ts";
import { openWhatsAppState } from "../store/whatsapp-state.ts";
import { checkWhatsApp, type WhatsAppQuestion } from "./doctor-whatsapp.ts";

type Channel = { connected: boolean; detail: string };

function place(settings: Record<string, string> = {}) {
  const home = mkdtempSync(join(tmpdir(), "nanoclaw-doctor-"));
  const config = loadConfig({ env: { ...settings, NANOCLAW_HOME: home }, defaultHome: home });
  const folder = homePaths(config.home).auth;
  const open = (what: string) => {
    const opened = openWhatsAppState(folder, what);
    if ("heldBy" in opened) throw new Error("somebody holds it");
    return opened.state;
  };
  return {
    ...{ folder, open },
    link: (refused?: number) => {
      using state = open("test");
      const link = state.begin("{}");
      link.commit({ creds: { text: "{}", account: "4915200000001:3@s.whatsapp.net" } });
      link.markOpened(1);
      if (refused !== undefined) link.markRefused(refused);
    },
    check: (channel?: Channel | "off", facts: Partial<WhatsAppQuestion> = {}) => {
      const channels = channel === undefined || channel === "off" ? [] : [{ name: "whatsapp", ...channel }];
      const host = { pid: 1, runtime: "host", runningTurns: [], kiroSeen: false, groups: [] };
      const status = { ...host, running: channel !== undefined, channels };
      return checkWhatsApp({ config, status, provedOwner: null, heldChats: [], ...facts });
    },
    [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }),
  };
}

const about = (checks: ReturnType<typeof checkWhatsApp>, name = "whatsapp") => checks.find((one) => one.name === name);

describe("doctor, of the link", () => {
  it("without one names the command, and makes no folder for it", () => {
    using at = place();
    expect(at.check()).toEqual([
      { name: "whatsapp", state: "note", detail: "not linked; the local chat works", cure: "npm run auth" },
    ]);
    expect(() => chmodSync(at.folder, 0o700)).toThrow("ENOENT");
    using wanted = place({ NANOCLAW_WHATSAPP: "on" });
    expect(about(wanted.check())).toMatchObject({ state: "wrong", cure: "npm run auth" });
  });

  it("tells the number of one that is there, and that the phone has removed it", () => {
    using at = place();
    at.link();
    expect(about(at.check())).toMatchObject({ state: "ok", detail: expect.stringContaining("+4915200000001") });
    at.link(401);
    expect(about(at.check())).toMatchObject({ state: "wrong", cure: "npm run auth" });
  });

  it("says who holds it, and what cannot be opened", () => {
    using at = place();
    at.link();
    const holder = at.open("nanoclaw auth");
    const detail = `the link is in use by nanoclaw auth (process ${process.pid})`;
    expect(about(at.check())).toEqual({ name: "whatsapp", state: "note", detail });
    holder[Symbol.dispose]();
    writeFileSync(join(at.folder, "state.db"), "no database at all, but long enough to be read as one");
    expect(about(at.check())).toMatchObject({ state: "wrong", cure: expect.stringContaining("mv store/auth") });
  });

  it("leaves it to a running host, and takes its word", () => {
    using at = place();
    at.link();
    const words = (channel: Channel | "off") => about(at.check(channel));
    expect(words({ connected: true, detail: "as +4915200000001" })).toMatchObject({ state: "ok" });
    expect(words({ connected: false, detail: "connecting" })).toMatchObject({ state: "note" });
    expect(words({ connected: false, detail: "cannot be reached (lost); trying again" })).toMatchObject({
      state: "wrong",
      detail: "not connected: cannot be reached (lost); trying again",
    });
    const dead = "WhatsApp has unlinked this machine from +49 (code 401)";
    expect(words({ connected: false, detail: `${dead}; link it again: npm run auth` })).toEqual({
      ...{ name: "whatsapp", state: "wrong", detail: dead, cure: "npm run auth" },
    });
    expect(words("off")).toMatchObject({ state: "note", detail: expect.stringContaining("switched off") });
  });
});

describe("doctor, of what belongs to the link", () => {
  it("finds files that others can read, also before it opens the link", () => {
    using at = place();
    at.link();
    expect(about(at.check(), "whatsapp files")).toMatchObject({ state: "ok" });
    chmodSync(at.folder, 0o755);
    expect(about(at.check(), "whatsapp files")).toMatchObject({
      state: "wrong",
      cure: expect.stringContaining(`chmod -R go= '${at.folder}'`),
    });
  });

  it("knows whose assistant it is, or how to say it", () => {
    const own = { ASSISTANT_HAS_OWN_NUMBER: "true" };
    using shared = place();
    using nobody = place(own);
    using named = place({ ...own, NANOCLAW_OWNER: "+49 152 1111111, 0049 152 2222222" });
    for (const at of [shared, nobody, named]) at.link();
    const owner = (at: typeof shared, facts?: Partial<WhatsAppQuestion>) =>
      about(at.check(undefined, facts), "whatsapp owner");
    expect(owner(shared)).toMatchObject({ state: "ok", detail: expect.stringContaining("shared number") });
    expect(owner(nobody)).toMatchObject({ state: "wrong", cure: expect.stringContaining("--owner") });
    expect(owner(nobody, { provedOwner: "4915200000002" })).toMatchObject({ state: "ok" });
    expect(owner(named)).toMatchObject({ state: "ok", detail: "+491521111111, +491522222222, by NANOCLAW_OWNER" });
  });

  it("names chats that wait for a word of the owner", () => {
    using at = place();
    at.link();
    expect(about(at.check(undefined, { heldChats: ["1@g.us"] }), "whatsapp chats")).toMatchObject({
      ...{ state: "wrong", cure: "npm run nanoclaw -- groups confirm" },
    });
  });
});
