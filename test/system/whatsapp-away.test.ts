import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { image } from "../whatsapp-server/content.ts";
import type { Group, Person } from "../whatsapp-server/people.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

const MINUTE = 60_000;

describe("what is sent on WhatsApp while the host is down", { timeout: 60_000 }, () => {
  let site: WhatsAppHome;
  let owner: Person;
  let finn: Person;
  let group: Group;

  beforeAll(async () => {
    site = await openWhatsAppHome();
    owner = site.server.phone;
    finn = site.server.person({ name: "Finn" });
    group = site.server.group({ subject: "Home", members: [finn, owner] });
    await site.register(group, "home", { senders: "everyone" });
  }, 60_000);
  afterAll(() => site[Symbol.asyncDispose](), 60_000);
  afterEach(async () => {
    await site.quiet();
    expect(site.server.problems).toEqual([]);
  }, 60_000);

  /** Down since then, as far as the host knows. */
  const downSince = async (minutes: number, meanwhile: () => Promise<unknown>) => {
    await site.stop();
    const since = Date.now() - minutes * MINUTE;
    site.tamper("UPDATE settings SET value = ? WHERE key = 'whatsapp-alive'", String(since));
    await meanwhile();
    await site.start();
    return since;
  };
  const newest = (folder?: string) => site.prompts(folder).at(-1) ?? "";
  const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
  const reasonOf = async ({ id }: { id: string }) => (await site.row(id))["reason"];

  it("is answered like any other, after a line that says since when it waited", async () => {
    const sent: { id: string }[] = [];
    const since = await downSince(35, async () => {
      for (const words of ["@Andy one", "@Andy two"]) sent.push(await site.server.send(finn, group, words));
      sent.push(await site.server.send(owner, owner, "three"));
    });
    for (const one of sent) await reasonOf(one);
    await site.quiet();
    const away = expect.stringMatching(
      new RegExp(`^Andy: I was away from (\\w{3} \\d+ \\w{3}, )?${clock(since)} to .*\\d\\d:\\d\\d; answering now\\.$`),
    );
    // Once in each chat that called, before the answer, however many messages waited there.
    expect(await site.texts(owner, 2)).toEqual([away, "Andy: done"]);
    const inGroup = await site.texts(group, 2);
    expect(inGroup.filter((text) => text.includes("I was away"))).toEqual([away]);
    expect(inGroup[0]).toEqual(away);
    expect(site.prompts("home").join("")).toMatch(/>@Andy one<[^]*>@Andy two</);
    // What comes live afterwards brings no such line.
    await site.server.send(finn, group, "@Andy four");
    await site.server.until(() => site.said(group).length > inGroup.length);
    expect(site.said(group).filter(({ text }) => text?.includes("I was away"))).toHaveLength(1);
  });

  it("brings no such line after a short pause, nor for what called nobody", async () => {
    const before = site.said(owner).length;
    const talk: { id: string }[] = [];
    await downSince(3, () => site.server.send(owner, owner, "short"));
    await site.texts(owner, before + 1);
    await site.quiet();
    await downSince(30, async () => talk.push(await site.server.send(finn, group, "just talk")));
    expect(talk.length === 1 && (await reasonOf(talk[0] as { id: string }))).toBe("no-trigger");
    await site.quiet();
    expect(
      site
        .said(owner)
        .slice(before)
        .map(({ text }) => text),
    ).toEqual(["Andy: done"]);
    expect(site.said(group).filter(({ text }) => text?.includes("I was away"))).toHaveLength(1);
  });

  it("is context when it is older than the age limit", async () => {
    const day = 24 * 60 * MINUTE;
    const sent: { id: string }[] = [];
    await downSince(26 * 60, async () => {
      sent.push(await site.server.send(finn, group, "@Andy too late", { at: Date.now() - day - 5 * MINUTE }));
      sent.push(await site.server.send(finn, group, "@Andy in time", { at: Date.now() - day + 5 * MINUTE }));
    });
    expect([await reasonOf(sent[0] as { id: string }), await reasonOf(sent[1] as { id: string })]).toEqual([
      "too-old",
      "trigger",
    ]);
    await site.quiet();
    expect(newest("home")).toMatch(/>@Andy too late<[^]*>@Andy in time</);
  });

  it("comes with its files, and once, whatever the network repeats", async () => {
    const file = await site.server.media.put(Buffer.from("\xff\xd8\xff", "latin1"), "image");
    const before = site.prompts("home").length;
    await downSince(1, async () => {
      const posted = await site.server.send(finn, group, image(file, "@Andy look"));
      await site.server.repeat(posted, "same bytes");
      await site.server.repeat(posted, "sealed anew");
    });
    await site.prompt(before + 1, "home");
    await site.quiet();
    expect(newest("home").match(/@Andy look<attachment kind="image" path/g)).toHaveLength(1);
    expect(site.prompts("home")).toHaveLength(before + 1);
  });

  it("is one message when it could not be read at first", async () => {
    const before = site.prompts("home").length;
    const live = await site.server.send(finn, group, "@Andy garbled", { spoiled: true });
    await site.row(live.id);
    await site.quiet();
    await site.server.repeat(live, "sealed anew");
    await site.quiet();
    expect(site.prompts("home")).toHaveLength(before + 1);
    expect(newest("home").match(/>@Andy garbled</g)).toHaveLength(1);
    let waited = { id: "" };
    await downSince(1, async () => (waited = await site.server.send(finn, group, "@Andy again", { spoiled: true })));
    await site.row(waited.id);
    await site.quiet();
    expect(site.prompts("home")).toHaveLength(before + 2);
  });

  it("is in order, in a burst over several chats", async () => {
    const rooms = Array.from({ length: 3 }, (_, n) => site.server.group({ subject: `r${n}`, members: [finn, owner] }));
    for (const [n, room] of rooms.entries()) await site.register(room, `r${n}`, { senders: "everyone" });
    await downSince(1, async () => {
      for (let n = 1; n <= 8; n += 1) for (const room of rooms) await site.server.send(finn, room, `@Andy nr ${n}.`);
    });
    await site.quiet();
    for (const [n, room] of rooms.entries()) {
      const rows = site.ledger(
        "SELECT content FROM messages WHERE chat_jid = ? AND from_assistant = 0 ORDER BY seq",
        room.jid,
      );
      expect(rows.map(({ content }) => content)).toEqual(Array.from({ length: 8 }, (_, at) => `@Andy nr ${at + 1}.`));
      const asked = site
        .prompts(`r${n}`)
        .join("")
        .match(/nr (\d+)\./g);
      expect(asked).toEqual(Array.from({ length: 8 }, (_, at) => `nr ${at + 1}.`));
    }
  });
});
