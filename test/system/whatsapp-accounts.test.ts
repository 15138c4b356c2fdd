import { describe, expect, it } from "vitest";
import type { Person } from "../whatsapp-server/people.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

interface Claim {
  number: string;
  code: string;
}

interface GroupView {
  folder: string;
  chats: { jid: string; held: boolean }[];
}

const claim = (site: WhatsAppHome, { number }: Person): Promise<Claim> =>
  site.ask("POST", "/control/owner", { number: `+${number.slice(0, 2)} ${number.slice(2)}` });
const proved = async (site: WhatsAppHome) =>
  (await site.ask<{ proved: string | null }>("GET", "/control/owner")).proved;

describe("an account of the assistant's own", { timeout: 60_000 }, () => {
  it("has the owner who sent the code, from their own number, in their own chat", async () => {
    await using site = await openWhatsAppHome({ settings: { ASSISTANT_HAS_OWN_NUMBER: "true" } });
    const { server } = site;
    const [finn, eve] = [server.person({ name: "Finn" }), server.person({ name: "Eve" })];
    const us = server.phone;
    const group = server.group({ subject: "Home", members: [us, finn, eve] });
    await site.register(group, "home");
    const { code } = await claim(site, finn);

    // From somebody else, in a group, and a wrong one.
    await server.send(eve, us, code);
    const inGroup = await server.send(finn, group, code);
    await server.send(finn, us, "AAAA-AAAA");
    await site.row(inGroup.id);
    await site.quiet();
    expect(await proved(site)).toBeNull();
    expect([...site.said(finn), ...site.said(eve)]).toEqual([]);

    // As a person types it.
    await server.send(finn, us, ` ${code.toLowerCase().replace("-", " ")} `);
    expect(await site.texts(finn, 1)).toEqual([expect.stringMatching(/^You are Andy's owner now\./)]);
    expect(await proved(site)).toBe(finn.number);
    await site.quiet();

    // That chat is main; the code itself was no message.
    await server.send(finn, us, "hello", { by: "pn" });
    expect(await site.prompt(1)).toMatch(/group="main"[^]*<message sender="Finn" time="[^"]+"[^>]*>hello<\/message>/);
    expect(site.prompts()[0]).not.toContain(code.slice(0, 4));
    expect(await site.texts(finn, 2)).toEqual([expect.anything(), "done"]);
    const calls = [await server.send(finn, group, "@Andy hi"), await server.send(eve, group, "@Andy hi")];
    const reasons = [];
    for (const { id } of calls) reasons.push((await site.row(id))["reason"]);
    expect(reasons).toEqual(["trigger", "sender-not-allowed"]);
    await site.quiet();
    // What the account's own phone writes is the assistant's.
    const own = await server.send(us, group, "@Andy by hand");
    expect(await site.row(own.id)).toMatchObject({ decision: "ignored", reason: "from-assistant" });
    expect(server.problems).toEqual([]);
  });

  it("gives nobody more than five tries", async () => {
    await using site = await openWhatsAppHome({ settings: { ASSISTANT_HAS_OWN_NUMBER: "true" } });
    const { server } = site;
    const finn = server.person({ name: "Finn" });
    const { code } = await claim(site, finn);
    for (const letter of "ACDEF") await server.send(finn, server.phone, letter.repeat(8));
    await server.send(finn, server.phone, code);
    await site.quiet();
    expect([await proved(site), site.said(finn)]).toEqual([null, []]);
    const again = await claim(site, finn);
    await server.send(finn, server.phone, again.code);
    await until(async () => (await proved(site)) === finn.number);
    await site.quiet();
    expect(site.log()).not.toContain(code);
  });
});

describe("another account than before", { timeout: 60_000 }, () => {
  it("says and answers nothing in chats of the old one until that is confirmed", async () => {
    await using site = await openWhatsAppHome();
    const { server } = site;
    const [olga, nina, finn] = [server.phone, server.person({ name: "Nina" }), server.person({ name: "Finn" })];
    const group = server.group({ subject: "Home", members: [olga, nina, finn] });
    await site.register(group, "home", { senders: "everyone" });
    await server.send(finn, group, "@Andy before");
    await site.texts(group, 1);
    await site.quiet();
    // It answers while the link changes: the answer is not another account's to send.
    site.hold("home");
    await server.send(finn, group, "@Andy slowly");
    await site.prompt(2, "home");
    server.unlink(olga.devices.at(-1) ?? expect.fail("not linked"));
    site.letGo("home");
    const unsent = () => site.ledger("SELECT status FROM outbox WHERE chat_jid = ? ORDER BY seq", group.jid);
    await until(() => unsent().length === 2);
    await site.stop();

    await site.link(nina);
    await site.start();
    const held = async () =>
      (await site.ask<GroupView[]>("GET", "/control/groups")).flatMap(({ chats }) => chats.filter((chat) => chat.held));
    expect((await held()).map(({ jid }) => jid).sort()).toEqual([group.jid, olga.pn].sort());
    expect(site.notices().filter((text) => text.includes("is linked as"))).toEqual([
      expect.stringMatching(
        new RegExp(`linked as \\+${nina.number} now; before it was \\+${olga.number}\\. In 2 chats .*groups confirm`),
      ),
    ]);
    const meanwhile = await server.send(finn, group, "@Andy meanwhile");
    expect(await site.row(meanwhile.id)).toMatchObject({ decision: "context", reason: "other-account" });
    // The new owner's chat with herself is main at once.
    await server.send(nina, nina, "hello");
    expect(await site.texts(nina, 1)).toEqual(["Andy: done"]);
    expect(unsent().map(({ status }) => status)).toEqual(["sent", "pending"]);
    expect(site.said(group)).toHaveLength(1);

    await site.ask("POST", "/control/groups/confirm", { folder: "home" });
    expect(await site.texts(group, 2)).toHaveLength(2);
    await server.send(finn, group, "@Andy again");
    expect(await site.prompt(3, "home")).toMatch(/>@Andy meanwhile<[^]*>@Andy again</);
    await site.texts(group, 3);
    expect(site.said(group).map(({ from }) => from)).toEqual([olga, nina, nina]);
    expect(server.problems).toEqual([]);
  });
});
