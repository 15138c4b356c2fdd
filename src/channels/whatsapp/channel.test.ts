import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../../test/system/until.ts";
import { startWhatsAppServer, type WhatsAppServer } from "../../../test/whatsapp-server/whatsapp-server.ts";
import { systemClock } from "../../clock.ts";
import type { Folder, Jid } from "../../domain/ids.ts";
import { silentLog } from "../../domain/log.ts";
import type { InboundMessage } from "../../domain/message.ts";
import { createPace } from "../../domain/pace.ts";
import { openWhatsAppState } from "../../store/whatsapp-state.ts";
import { whatsAppLinks } from "../../whatsapp-links.ts";
import { createWhatsAppChannel, type WhatsAppChannel } from "./channel.ts";
import { establish } from "./establish.ts";
import type { GroupFacts, WhatsAppLedger } from "./ledger.ts";

interface Heard {
  messages: InboundMessage[];
  told: string[];
  late: string[];
  refuse: Error | undefined;
  passing: boolean;
  aliveAt: number | undefined;
}

function fakeLedger(heard: Heard): WhatsAppLedger {
  const numbers = new Map<string, string>();
  const groups = new Map<string, GroupFacts>();
  const canonical = (jid: string): Jid => {
    const plain = jid.replace(/:\d+@/, "@");
    return (numbers.get(plain) ?? plain) as Jid;
  };
  return {
    ...{ canonical, isOurs: () => false, isOwner: () => false, prove: () => false },
    receive: (message) => {
      if (heard.refuse) return Promise.reject(heard.refuse);
      const duplicate = heard.messages.some(({ id }) => id === message.id);
      if (!duplicate) heard.messages.push(message);
      return Promise.resolve({ seq: heard.messages.length, duplicate });
    },
    change: () => Promise.resolve(),
    mayPass: () => heard.passing,
    isCommand: () => false,
    learn: (lid, pn) => void numbers.set(lid, pn),
    folderOf: () => "main" as Folder,
    mayWrite: (chat) => (chat.startsWith("999") ? "unregistered" : "yes"),
    opened: ({ pn, lid }) => void (lid && numbers.set(lid, pn)),
    acknowledged: (id) => void heard.late.push(id),
    tell: (_key, text) => void heard.told.push(text),
    lastAlive: () => heard.aliveAt,
    alive: (at) => void (heard.aliveAt = at),
    registeredGroups: () => [...groups.keys()] as Jid[],
    group: (jid) => groups.get(jid),
    saveGroup: (group) => void groups.set(group.jid, group),
  };
}

describe("WhatsApp in the host", { timeout: 60_000 }, () => {
  let server: WhatsAppServer;
  let home: string;
  let heard: Heard;
  let channel: WhatsAppChannel;
  const auth = () => join(home, "auth");

  const link = async () => {
    const opened = openWhatsAppState(auth(), "the test");
    if ("heldBy" in opened) throw new Error("it is held");
    using state = opened.state;
    const made = await establish({
      ...{ begin: state.begin, url: server.url, clock: systemClock, log: silentLog },
      signal: new AbortController().signal,
      on: (event) => void (event.type === "qr" && server.scanQr(event.qr)),
    });
    expect(made.kind).toBe("linked");
  };
  const open = () =>
    createWhatsAppChannel({
      ...{ clock: systemClock, zone: "UTC", log: silentLog, random: () => 0, url: server.url, ownNumber: false },
      ...{ assistantName: "Andy", links: whatsAppLinks(auth()), ledger: fakeLedger(heard) },
      pace: createPace({ clock: systemClock, random: () => 0, perChat: 0, inAll: 0 }),
      inboxFolder: (folder) => join(home, "inbox", folder),
    });
  const online = () => server.until(() => server.phone.devices.at(-1)?.online === true);
  const texts = () => heard.messages.map(({ text }) => text);
  const outgoing = (chat: string, messageId: string, text = "hi") => ({
    chat: chat as Jid,
    messageId,
    text,
    file: null,
  });
  const connected = () => until(() => channel.state().connected);

  beforeEach(async () => {
    server = await startWhatsAppServer();
    home = mkdtempSync(join(tmpdir(), "nanoclaw-channel-"));
    heard = { messages: [], told: [], late: [], refuse: undefined, passing: true, aliveAt: undefined };
    channel = open();
  });
  afterEach(async () => {
    await channel.stop();
    await server[Symbol.asyncDispose]();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  });

  test("waits for a link, and takes it up when there is one", async () => {
    await channel.start();
    await until(() => channel.state().detail.includes("npm run auth"));
    expect(await channel.send(outgoing(server.phone.pn, "3EB01"))).toEqual({ kind: "offline" });
    await link();
    await connected();
    expect(channel.state().detail).toBe(`as +${server.phone.number}`);
  });

  test("hears live messages, and those that waited; each once", async () => {
    await link();
    const finn = server.person({ name: "Finn" });
    await server.send(finn, server.phone, "while you were away");
    await channel.start();
    await online();
    const posted = await server.send(finn, server.phone, "now");
    await server.repeat(posted, "sealed anew");
    await server.repeat(posted, "same bytes");
    await server.send(server.phone, server.phone, "a note to myself");
    await until(() => heard.messages.length >= 3);
    const said = heard.messages.map(({ chat, sender, fromOwner, text }) => [chat, sender, fromOwner, text]);
    // Only within a chat is there an order.
    expect(said.filter(([chat]) => chat === finn.pn)).toEqual([
      [finn.pn, finn.pn, false, "while you were away"],
      [finn.pn, finn.pn, false, "now"],
    ]);
    expect(said.filter(([chat]) => chat !== finn.pn)).toEqual([
      [server.phone.pn, server.phone.pn, true, "a note to myself"],
    ]);
    expect(server.problems).toEqual([]);
  });

  test("says since when it was away, of what waited alone", async () => {
    await link();
    heard.aliveAt = Date.now() - 600_000;
    const from = heard.aliveAt;
    const finn = server.person({ name: "Finn" });
    await server.send(finn, server.phone, "early");
    await channel.start();
    await online();
    await server.send(finn, server.phone, "live");
    await until(() => texts().includes("live"));
    expect(heard.messages.map(({ away }) => away?.from)).toEqual([from, undefined]);
  });

  test("what the ledger does not take is tried again, in order, without asking the server", async () => {
    await link();
    await channel.start();
    await connected();
    heard.refuse = new Error("the disk is full");
    const finn = server.person({ name: "Finn" });
    await server.send(finn, server.phone, "one");
    await server.send(finn, server.phone, "two");
    await server.until(() => server.waiting === 0);
    expect(texts()).toEqual([]);
    heard.refuse = undefined;
    await until(() => texts().length === 2);
    expect(texts()).toEqual(["one", "two"]);
  });

  test("what the ledger refuses for good does not block its chat", async () => {
    await link();
    await channel.start();
    await connected();
    heard.passing = false;
    heard.refuse = new Error("out of range");
    const finn = server.person({ name: "Finn" });
    await server.send(finn, server.phone, "poison");
    await until(() => heard.told.some((line) => line.includes("out of range")));
    heard.refuse = undefined;
    await server.send(finn, server.phone, "after it");
    await until(() => texts().length > 0);
    expect(texts()).toEqual(["after it"]);
    await channel.stop();
    channel = open();
    await channel.start();
    await until(() => texts().includes("poison"));
  });

  test("sends with the id it was given, and knows what became of it", async () => {
    await link();
    await channel.start();
    await connected();
    const finn = server.person({ name: "Finn" });
    expect(await channel.send(outgoing(finn.pn, "3EB0A", "**hi**"))).toEqual({ kind: "acknowledged" });
    expect(server.received.map(({ id, text }) => [id, text])).toEqual([["3EB0A", "Andy: *hi*"]]);
    server.faults.acks = { refuse: 403 };
    expect(await channel.send(outgoing(finn.pn, "3EB0B"))).toMatchObject({ kind: "refused" });
    server.faults.acks = { refuse: 429 };
    expect(await channel.send(outgoing(finn.pn, "3EB0C"))).toEqual({ kind: "offline" });
    expect(channel.pause(finn.pn as Jid)).toBeGreaterThan(30_000);
    expect(await channel.send(outgoing("999@s.whatsapp.net", "3EB0D"))).toMatchObject({ kind: "refused" });
  });

  test("is unsure of what was cut off, and repeats the same under the same id", async () => {
    await link();
    await channel.start();
    await connected();
    const finn = server.person({ name: "Finn" });
    server.faults.acks = "never";
    const sent = channel.send(outgoing(finn.pn, "3EB0A"));
    await server.until(() => server.received.length === 1);
    server.drop();
    expect(await sent).toMatchObject({ kind: "cut" });
    server.faults.acks = "at once";
    await connected();
    expect(await channel.send(outgoing(finn.pn, "3EB0A", "another text"))).toEqual({ kind: "acknowledged" });
    expect(server.received.map(({ text }) => text)).toEqual(["Andy: hi", "Andy: hi"]);
  });

  test("lets go of the link for whoever wants to change it, and takes it up again", async () => {
    await link();
    await channel.start();
    await connected();
    await channel.release();
    const opened = openWhatsAppState(auth(), "somebody else");
    if ("heldBy" in opened) throw new Error("it is held");
    await until(() => !channel.state().connected);
    opened.state[Symbol.dispose]();
  });

  test("an unlinked device is not tried again; a new link is", async () => {
    await link();
    await channel.start();
    await connected();
    const [device] = server.phone.devices;
    if (device) server.unlink(device);
    await until(() => channel.state().detail.includes("unlinked"));
    expect(heard.told.join()).toContain("npm run auth");
    await link();
    await connected();
    expect(server.phone.devices.at(-1)?.online).toBe(true);
  });

  test("a link that is moved away is let go of", async () => {
    await link();
    await channel.start();
    await connected();
    renameSync(auth(), `${auth()}.bak`);
    await until(() => channel.state().detail.includes("not linked"));
    expect(server.connections).toBe(0);
  });
});
