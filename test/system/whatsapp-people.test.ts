import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { image, quote } from "../whatsapp-server/content.ts";
import type { Posted } from "../whatsapp-server/messages.ts";
import { type Chat, type Group, isGroup, type Person } from "../whatsapp-server/people.ts";
import type { PostOptions } from "../whatsapp-server/post.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

describe("who may start a turn on WhatsApp", { timeout: 60_000 }, () => {
  let site: WhatsAppHome;
  let owner: Person;
  let finn: Person;
  let tess: Person;

  beforeAll(async () => {
    site = await openWhatsAppHome();
    owner = site.server.phone;
    [finn, tess] = [site.server.person({ name: "Finn" }), site.server.person({ name: "Tess" })];
  }, 60_000);
  afterAll(() => site[Symbol.asyncDispose](), 60_000);
  afterEach(async () => {
    await site.quiet();
    expect(site.server.problems).toEqual([]);
  }, 60_000);

  const groupOf = async (folder: string, rules: object = {}, subject = folder): Promise<Group> => {
    const group = site.server.group({ subject, members: [finn, owner, tess] });
    await site.register(group, folder, rules);
    return group;
  };
  const say = (from: Person, chat: Chat, words: string, options?: PostOptions) =>
    site.server.send(from, chat, words, options);
  const reasonOf = async ({ id }: Posted) => (await site.row(id))["reason"];
  /** Why this one's message did, or did not, start a turn. */
  const reason = async (from: Person, chat: Chat, words: string, options?: PostOptions) =>
    reasonOf(await say(from, chat, words, options));

  it("is the owner alone, unless it was said otherwise; what others say is shown as a guest's", async () => {
    const group = await groupOf("strict");
    expect(await reason(finn, group, "@Andy give me all")).toBe("sender-not-allowed");
    expect(await reason(owner, group, "what do you think?")).toBe("no-trigger");
    expect(await reason(owner, group, "@andy what now?")).toBe("trigger");
    await site.quiet();
    const [prompt = "", ...more] = site.prompts("strict");
    expect(more).toEqual([]);
    expect(prompt).toMatch(/<message sender="Finn" time="[^"]+" role="guest">@Andy give me all<\/message>/);
    expect(prompt).toMatch(/<message sender="Olga" time="[^"]+"(?! role="guest")[^>]*>@andy what now\?<\/message>/);
  });

  it("keeps guests from the agent where they are hidden", async () => {
    const group = await groupOf("hidden", { settings: { guests: "hidden" } });
    expect(await reason(finn, group, "@Andy psst")).toBe("guest-hidden");
    expect(await reason(owner, group, "@Andy hello")).toBe("trigger");
    expect(await site.prompt(1, "hidden")).not.toContain("psst");
  });

  it("is everyone, or a list of numbers as people write them, by any of their ids", async () => {
    const open = await groupOf("open", { senders: "everyone" });
    expect(await reason(tess, open, "@Andy me too")).toBe("trigger");
    const [, digits = ""] = /^49(.*)$/.exec(finn.number) ?? [];
    const odd = ` +49 (${digits.slice(0, 3)}) ${digits.slice(3, 6)}-${digits.slice(6)} `;
    const list = await groupOf("list", { senders: [odd] });
    expect(await reason(finn, list, "@Andy it is me")).toBe("trigger");
    expect(await reason(tess, list, "@Andy it is not")).toBe("sender-not-allowed");
    expect(await reason(owner, list, "@Andy and I")).toBe("trigger");
    const byLid = await groupOf("by-lid", { senders: [tess.lid] });
    expect(await reason(tess, byLid, "@Andy it is me")).toBe("trigger");
  });

  it.each([
    ["@José", ["@josé, hi", "@JOSÉ hi", "@jose\u0301"], ["@Joséphine", "hi @José", "@Jose hi"]],
    ["C++", ["c++ or Rust?", "C++"], ["C+ is enough", "I like C++"]],
    ["小助", ["小助今天天气", "小助，你好"], ["小 助", "你好小助"]],
  ])("is called by the trigger of the group, %s, and by nothing else", async (trigger, calls, others) => {
    const folder = `trigger-${trigger.length}`;
    const group = await groupOf(folder, { trigger, senders: "everyone" });
    for (const words of [...others, "@Andy hi"])
      expect([words, await reason(finn, group, words)]).toEqual([words, "no-trigger"]);
    for (const words of calls) expect([words, await reason(finn, group, words)]).toEqual([words, "trigger"]);
  });

  it("needs no trigger in main, nor where it was switched off", async () => {
    expect(await reason(owner, owner, "just so")).toBe("main");
    const free = await groupOf("free", { requiresTrigger: false });
    expect(await reason(owner, free, "just so")).toBe("no-trigger-needed");
    expect(await reason(finn, free, "just so")).toBe("sender-not-allowed");
  });

  it("is nobody in a chat that nobody registered: nothing is kept of it but that it exists", async () => {
    const { server } = site;
    const group = server.group({ subject: "Quagga club", members: [finn, owner, tess] });
    const file = await server.media.put(Buffer.from("x"), "image");
    await say(finn, owner, "@Andy the word is quagga");
    await server.send(tess, group, image(file, "a quagga"));
    await say(owner, group, "@Andy the quagga");
    await say(owner, finn, "quagga!", { by: "pn" });
    const seen = () =>
      site.ledger("SELECT jid, name, last_message_at FROM chats WHERE jid IN (?, ?)", finn.pn, group.jid);
    await until(() => seen().length === 2);
    await site.quiet();
    // What follows in another chat of the same people comes through all the same.
    expect(await reason(owner, owner, "still there?")).toBe("main");
    for (const row of seen()) expect(row).toMatchObject({ name: "", last_message_at: null });
    expect(site.ledger("SELECT * FROM messages WHERE chat_jid IN (?, ?)", finn.pn, group.jid)).toEqual([]);
    await site.stop();
    const kept = readdirSync(site.path(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`);
    expect(kept.filter((path) => /quagga/i.test(readFileSync(path, "latin1")))).toEqual([]);
    await site.start();
  });

  it("is one person in one chat, whichever id the network uses", async () => {
    const asWritten = `+${finn.number.slice(0, 2)} (${finn.number.slice(2, 5)}) ${finn.number.slice(5)}`;
    await site.register(finn, "finn", { jid: asWritten, senders: "everyone", requiresTrigger: false });
    for (const [words, by] of [
      ["one", "lid"],
      ["two", "pn"],
      ["three", "lid"],
    ] as const) {
      const { chat_jid, sender } = await site.row((await say(finn, owner, words, { by })).id);
      expect([words, chat_jid, sender]).toEqual([words, finn.pn, finn.pn]);
    }
    await site.quiet();
    expect(
      site
        .prompts("finn")
        .join()
        .match(/>(one|two|three)</g),
    ).toEqual([">one<", ">two<", ">three<"]);
    for (const addressing of ["lid", "pn"] as const) {
      const group = site.server.group({ subject: "x", members: [tess, owner], addressing });
      await site.register(group, `group-${addressing}`, { senders: [tess.number] });
      expect([addressing, await reason(tess, group, "@Andy hi")]).toEqual([addressing, "trigger"]);
      expect((await site.row((await say(owner, group, "mine")).id))["from_owner"]).toBe(1);
    }
  });

  it("stays one chat when its id changes while messages wait", async () => {
    const ann = site.server.person({ name: "Ann" });
    // Its number is not known yet.
    await site.ask("POST", "/control/groups", {
      jid: ann.lid,
      folder: "ann",
      name: "ann",
      senders: "everyone",
      requiresTrigger: false,
    });
    site.answers("yes?", "ann");
    writeFileSync(site.path("groups", "ann", "way"), "notes-prompts");
    site.hold("ann");
    const first = await say(ann, owner, "one", { by: "lid", alone: true });
    await site.prompt(1, "ann");
    const second = await say(ann, owner, "two", { by: "lid", alone: true });
    await site.row(second.id);
    // From here on the network uses the number, and says whose it is, while a turn runs and one waits.
    const third = await say(ann, owner, "three", { by: "pn" });
    await site.row(third.id);
    site.letGo("ann");
    await site.quiet();
    await until(() => site.prompts("ann").join().includes(">three<"));
    await site.quiet();
    expect(
      site
        .prompts("ann")
        .join()
        .match(/>(one|two|three)</g),
    ).toEqual([">one<", ">two<", ">three<"]);
    const fourth = await say(ann, owner, "four", { by: "lid" });
    await site.quiet();
    for (const { id } of [first, second, third, fourth])
      expect(await site.row(id)).toMatchObject({ chat_jid: ann.pn, sender: ann.pn, folder: "ann" });
    expect(site.said(ann).every(({ text }) => text === "Andy: yes?")).toBe(true);
    expect(site.prompts("ann").at(-1)).toMatch(/>four</);
  });

  it("cannot be had by an id that the owner's message has", async () => {
    const group = await groupOf("twin");
    const mine = await say(owner, group, "@Andy remember me", { id: "3A0000TWIN" });
    await site.row(mine.id);
    await site.quiet();
    await say(finn, group, "@Andy forget her", { id: mine.id });
    await until(() => site.ledger("SELECT 1 FROM messages WHERE id = ?", mine.id).length === 2);
    expect(site.ledger("SELECT content, from_owner, reason FROM messages WHERE id = ? ORDER BY seq", mine.id)).toEqual([
      { content: "@Andy remember me", from_owner: 1, reason: "trigger" },
      { content: "@Andy forget her", from_owner: 0, reason: "sender-not-allowed" },
    ]);
    // A quote of the owner's by that id is the owner's words.
    const quoting = await site.server.send(tess, group, quote(mine, "she said so"));
    expect(await site.row(quoting.id)).toMatchObject({ quote_text: "@Andy remember me", quote_claimed: 0 });
  });

  it("is no matter of how long a group's name is", async () => {
    const group = await groupOf("long-name", { senders: "everyone" }, "x".repeat(10_000));
    expect(await reason(finn, group, "@Andy hi")).toBe("trigger");
    await site.texts(group, 1);
    site.server.change(group, finn, { kind: "subject", subject: `<now> ${"y".repeat(10_000)}` });
    const subject = () => site.ledger("SELECT subject FROM network_groups WHERE jid = ?", group.jid)[0]?.["subject"];
    await until(() => String(subject()).startsWith("<now>"));
    expect(subject()).toHaveLength(200);
    expect(await reason(finn, group, "@Andy again")).toBe("trigger");
    expect(await site.prompt(2, "long-name")).toContain('<chat name="long-name"');
    expect(isGroup(group)).toBe(true);
  });
});
