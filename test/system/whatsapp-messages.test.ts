import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createHostRequests } from "../../container/agent-runner/src/mcp/host-requests.ts";
import type { Group, Person } from "../whatsapp-server/people.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";
import { openWhatsAppHost } from "./whatsapp-host.ts";

describe("a message on WhatsApp", { timeout: 60_000 }, () => {
  it("to oneself reaches the main group and is answered there", async () => {
    await using site = await openWhatsAppHost();
    const { server } = site;
    await site.start();
    await site.online();
    await server.send(server.phone, server.phone, "search for walrus");
    const [answer = ""] = await site.texts(server.phone, 1);
    expect(answer).toMatch(/^Andy: .*walrus/s);
    expect(server.problems).toEqual([]);
  });
});

describe("what the assistant sends on WhatsApp", { timeout: 60_000 }, () => {
  let site: WhatsAppHome;
  let server: WhatsAppHome["server"];
  let owner: Person;
  let finn: Person;

  beforeAll(async () => {
    site = await openWhatsAppHome();
    ({ server } = site);
    owner = server.phone;
    finn = server.person({ name: "Finn" });
  }, 60_000);
  afterAll(() => site[Symbol.asyncDispose](), 60_000);
  afterEach(async () => {
    await site.quiet();
    expect(server.problems).toEqual([]);
  }, 60_000);

  const groupOf = async (folder: string): Promise<Group> => {
    const group = server.group({ subject: folder, members: [finn, owner] });
    await site.register(group, folder, { senders: "everyone", requiresTrigger: false });
    return group;
  };
  const factsOf = (group: Group) => {
    const [row] = site.ledger("SELECT facts FROM network_groups WHERE jid = ?", group.jid);
    return row && (JSON.parse(String(row["facts"])) as { member: boolean; announceOnly: boolean });
  };
  const since = (from: number, tag: string) => server.stanzas.slice(from).filter(({ node }) => node.tag === tag);

  it("has WhatsApp's own form, and says who writes on a number that two share", async () => {
    const group = await groupOf("form");
    site.answers(
      "# Plan\n\n**Bold** and *so* ~~not~~, [here](https://example.org/a)\n\n- one\n- two\n\n```js\nx **y**\n```\n\n<internal>psst</internal>",
      "form",
    );
    await server.send(finn, group, "hi");
    const [text = ""] = await site.texts(group, 1);
    expect(text).toMatch(/^Andy: \*Plan\*\n\n\*Bold\* and _so_ ~not~, here \(https:\/\/example\.org\/a\)\n/);
    expect(text).toContain("```\nx **y**\n```");
    expect(text).not.toContain("psst");
    expect(site.said(group)[0]?.readBy).toEqual(expect.arrayContaining([finn, owner]));
  });

  it("is several messages in order when it is long, and code stays code", async () => {
    const group = await groupOf("long");
    const paragraphs = Array.from({ length: 30 }, (_, n) => `Paragraph ${n}: ${"word ".repeat(60)}`);
    const code = `\`\`\`\n${Array.from({ length: 300 }, (_, n) => `line ${n} of the code`).join("\n")}\n\`\`\``;
    site.answers([...paragraphs, code].join("\n\n"), "long");
    await server.send(finn, group, "tell me all");
    await until(() => site.ledger("SELECT 1 FROM outbox WHERE chat_jid = ?", group.jid).length > 3);
    await site.quiet();
    const texts = site.said(group).map(({ text = "" }) => text);
    expect(texts.length).toBe(site.ledger("SELECT 1 FROM outbox WHERE chat_jid = ?", group.jid).length);
    for (const text of texts) {
      expect(text.startsWith("Andy: ")).toBe(true);
      expect(text.length).toBeLessThan(4_100);
      expect(text.match(/```/g)?.length ?? 0).toBe(text.includes("line ") ? 2 : 0);
    }
    const whole = texts.join("\n");
    expect([...whole.matchAll(/Paragraph (\d+):/g)].map(([, n]) => Number(n))).toEqual(paragraphs.map((_, n) => n));
    expect([...whole.matchAll(/line (\d+) of/g)].map(([, n]) => Number(n))).toEqual(
      Array.from({ length: 300 }, (_, n) => n),
    );
  });

  it("is announced by typing for as long as the turn runs, and never by being online", async () => {
    const group = await groupOf("typing");
    const from = server.stanzas.length;
    const states = () =>
      since(from, "chatstate")
        .filter(({ node }) => node.attrs["to"] === group.jid)
        .map(({ node }) => (Array.isArray(node.content) ? node.content[0]?.tag : undefined));
    site.hold("typing");
    await server.send(finn, group, "think hard");
    await server.until(() => states().length === 1);
    expect([states(), site.said(group)]).toEqual([["composing"], []]);
    site.letGo("typing");
    await server.until(() => states().includes("paused"));
    await site.texts(group, 1);
    expect(states()).toEqual(["composing", "paused"]);
    // Baileys tells the name by a presence without a type: that one must be taken back.
    await server.send(owner, owner, "my name is known from here on");
    const presences = () =>
      server.stanzas.filter(({ node }) => node.tag === "presence").map(({ node }) => node.attrs["type"]);
    await server.until(() => presences().at(-1) === "unavailable");
    expect(presences()).not.toContain("available");
  });

  it("can be a file: a document under its name, a picture as a picture", async () => {
    const group = await groupOf("files");
    site.hold("files");
    await server.send(finn, group, "send me the plan");
    await site.prompt(1, "files");
    const turn = String(site.ledger("SELECT id FROM turns WHERE folder = 'files'")[0]?.["id"]);
    const ipcDir = site.path("ipc", "files");
    const requests = createHostRequests({ ipcDir, turn, attempt: 1, chat: group.jid });
    const sendFile = (name: string, bytes: Buffer, caption: string) => {
      writeFileSync(site.path("groups", "files", name), bytes);
      const put = (id: string) => {
        copyFileSync(site.path("groups", "files", name), join(ipcDir, "outgoing", id));
        return Promise.resolve(undefined);
      };
      return requests.call("send_file", { path: name, caption }, undefined, { put, remove: () => Promise.resolve() });
    };
    const png = Buffer.from("\x89PNG\r\n\x1a\n picture", "latin1");
    expect(await sendFile("Plan für März.pdf", Buffer.from("%PDF the plan"), "**Here** it is")).toMatchObject({
      ok: true,
    });
    expect(await sendFile("chart.png", png, "")).toMatchObject({ ok: true });
    site.letGo("files");
    await server.until(() => site.said(group).length === 3 && site.said(group).every(({ content }) => content));
    const [first, second, answer] = site.said(group).map(({ content }) => content ?? {});
    const document = first?.documentMessage ?? first?.documentWithCaptionMessage?.message?.documentMessage;
    expect(document).toMatchObject({
      fileName: "Plan für März.pdf",
      mimetype: "application/pdf",
      caption: "Andy: *Here* it is",
    });
    expect((await server.media.open(document ?? {}, "document")).toString()).toBe("%PDF the plan");
    expect(second?.imageMessage).toMatchObject({ mimetype: "image/png" });
    expect(await server.media.open(second?.imageMessage ?? {}, "image")).toEqual(png);
    expect(answer?.extendedTextMessage?.text ?? answer?.conversation).toBe("Andy: done");
  });

  it("that is refused is told to the owner at once, and to the agent in its next turn", async () => {
    const group = await groupOf("refused");
    server.faults.acks = (arrival) => (arrival.chat === group ? { refuse: 406 } : "at once");
    site.answers("too rude", "refused");
    await server.send(finn, group, "one");
    const failed = (words: string) => site.notices().filter((text) => text.includes(group.jid) && text.includes(words));
    await until(() => failed("could not be sent").length === 1);
    expect(failed("could not be sent")).toEqual([
      `A message to ${group.jid} could not be sent: WhatsApp does not accept this message (code 406). It began: "too rude"`,
    ]);
    server.faults.acks = "at once";
    site.answers("kindly", "refused");
    await server.send(finn, group, "two");
    expect(await site.prompt(2, "refused")).toMatch(
      /<note>A message of yours to \S+ could not be sent \(WhatsApp does not accept[^]*too rude/,
    );
    await site.quiet();
    await server.send(finn, group, "three");
    expect(await site.prompt(3, "refused")).not.toContain("<note>");
  });

  it("stays unsent in a group that it was removed from, or where only admins may write", async () => {
    const [left, announced] = [await groupOf("left"), await groupOf("announced")];
    await until(() => factsOf(left) !== undefined && factsOf(announced) !== undefined);
    for (const [group, folder] of [
      [left, "left"],
      [announced, "announced"],
    ] as const) {
      site.hold(folder);
      await server.send(finn, group, "and now?");
      await site.prompt(1, folder);
    }
    server.change(left, finn, { kind: "remove", person: owner });
    server.change(announced, finn, { kind: "announcement" });
    await until(() => factsOf(left)?.member === false && factsOf(announced)?.announceOnly === true);
    const sent = server.received.length;
    for (const folder of ["left", "announced"]) site.letGo(folder);
    await site.quiet();
    const errors = site.ledger(
      "SELECT folder, status, error FROM outbox WHERE folder IN ('left', 'announced') ORDER BY folder",
    );
    expect(errors).toEqual([
      { folder: "announced", status: "failed", error: "only admins may write in that group" },
      { folder: "left", status: "failed", error: "this account is not in that group any more" },
    ]);
    expect(server.received.length).toBe(sent);
    expect(site.notices().join("\n")).toMatch(/This account is not in the WhatsApp group "left" \(any more\)\./);
    // Back again, it goes on.
    server.change(left, finn, { kind: "add", person: owner });
    await until(() => factsOf(left)?.member === true);
    await server.send(finn, left, "welcome back");
    expect(await site.prompt(2, "left")).toContain("this account is not in that group any more");
    expect(await site.texts(left, 1)).toEqual(["Andy: done"]);
  });

  it("is sent again to a phone that could not read it, also by the next host", async () => {
    await site.register(finn, "finn", { senders: "everyone", requiresTrigger: false });
    const ask = (words: string) => server.send(finn, owner, words);
    const tries = (id?: string) => server.received.filter((arrival) => arrival.id === id);
    const isRead = (id?: string) => tries(id).some(({ readBy }) => readBy.includes(finn));
    await ask("hello");
    await site.texts(finn, 1);
    await ask("so that the session is agreed on");
    await site.texts(finn, 2);
    await site.quiet();

    await finn.phone.forget(site.device().lid);
    site.answers("once more", "finn");
    await server.send(owner, finn, "asked by the owner's phone");
    await server.until(() => site.said(finn).length === 3);
    const third = site.said(finn)[2];
    await server.until(() => isRead(third?.id));
    expect(tries(third?.id).at(-1)).toMatchObject({ text: "Andy: once more" });
    expect(tries(third?.id)[0]?.unreadable).toMatchObject([{ person: finn }]);
    await site.quiet();

    // The phone notices only when that host is gone.
    await finn.phone.forget(site.device().lid);
    const { promise: gone, resolve: release } = Promise.withResolvers<void>();
    const { open } = finn.phone;
    finn.phone.open = async (jid, sealed) => {
      await gone;
      return open(jid, sealed);
    };
    site.answers("after all", "finn");
    await server.send(owner, finn, "and again");
    await server.until(() => site.said(finn).length === 4);
    const fourth = site.said(finn)[3];
    await until(
      () => site.ledger("SELECT 1 FROM outbox WHERE message_id = ? AND status = 'sent'", fourth?.id ?? "").length === 1,
    );
    await site.stop();
    finn.phone.open = open;
    release();
    await server.until(() => tries(fourth?.id)[0]?.unreadable.length === 1);
    await site.start();
    await server.until(() => isRead(fourth?.id));
    expect(tries(fourth?.id).at(-1)).toMatchObject({ text: "Andy: after all" });
    expect(site.ledger("SELECT sends FROM outbox WHERE message_id = ?", fourth?.id ?? "")).toEqual([{ sends: 1 }]);
  });
});
