import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { edit, revoke } from "../whatsapp-server/content.ts";
import type { Posted } from "../whatsapp-server/messages.ts";
import type { Person } from "../whatsapp-server/people.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

describe("an edit or a deletion on WhatsApp", { timeout: 60_000 }, () => {
  let site: WhatsAppHome;
  let owner: Person;
  let finn: Person;
  let tess: Person;
  let folders = 0;

  beforeAll(async () => {
    site = await openWhatsAppHome({ settings: { MAX_CONCURRENT_CONTAINERS: "1" } });
    owner = site.server.phone;
    [finn, tess] = [site.server.person({ name: "Finn" }), site.server.person({ name: "Tess" })];
  }, 60_000);
  afterAll(() => site[Symbol.asyncDispose](), 60_000);
  afterEach(async () => {
    await site.quiet();
    expect(site.server.problems).toEqual([]);
  }, 60_000);

  const room = async () => {
    const folder = `room-${(folders += 1)}`;
    const group = site.server.group({ subject: folder, members: [owner, finn, tess], admins: [tess] });
    await site.register(group, folder, { senders: [finn.number] });
    const known = () => until(() => site.ledger("SELECT 1 FROM network_groups WHERE jid = ?", group.jid).length > 0);
    const say = (from: Person, words: string) => site.server.send(from, group, words);
    const change = (by: Person, target: Posted, words: string) =>
      site.server.send(by, group, edit(by, target, words), { edit: "1" });
    const remove = (by: Person, target: Posted, how = "7") =>
      site.server.send(by, group, revoke(by, target), { edit: how });
    const turns = () => site.ledger("SELECT 1 FROM turns WHERE folder = ?", folder).length;
    return { folder, group, known, say, change, remove, turns };
  };
  /** The one slot is taken until `letGo`. */
  const busy = async () => {
    const before = site.prompts().length;
    site.hold();
    await site.server.send(owner, owner, "keep busy");
    await site.prompt(before + 1);
  };
  const rowOf = async ({ id }: Posted) => {
    const { content, decision, reason } = await site.row(id);
    return { content, decision, reason };
  };
  const became = (target: Posted, reason: string) =>
    until(() => site.ledger("SELECT 1 FROM messages WHERE id = ? AND reason = ?", target.id, reason).length > 0);

  it("before a turn took the message is as if it had come like that", async () => {
    const { folder, say, change, remove } = await room();
    await busy();
    const first = await say(owner, "@Andy buy milk");
    const second = await say(owner, "and a secret");
    await change(owner, first, "@Andy buy bread");
    await remove(owner, second);
    await became(second, "withdrawn");
    site.letGo();
    const prompt = await site.prompt(1, folder);
    expect(prompt).toContain(">@Andy buy bread</message>");
    expect(prompt).not.toMatch(/milk|secret/);
  });

  it("may call the assistant, or leave nothing to answer", async () => {
    const { folder, say, change, remove, turns } = await room();
    const quiet = await say(finn, "is it raining?");
    expect(await rowOf(quiet)).toMatchObject({ decision: "context", reason: "no-trigger" });
    await change(finn, quiet, "@Andy is it raining?");
    expect(await site.prompt(1, folder)).toContain(">@Andy is it raining?</message>");
    await site.quiet();
    await busy();
    const regretted = await say(finn, "@Andy shout at Tess");
    await site.row(regretted.id);
    await remove(finn, regretted);
    await became(regretted, "withdrawn");
    site.letGo();
    await site.quiet();
    expect([turns(), site.prompts(folder).length]).toEqual([1, 1]);
    expect(await rowOf(regretted)).toEqual({ content: "", decision: "ignored", reason: "withdrawn" });
  });

  it("while its turn runs, or after it, is told to the next one", async () => {
    const { folder, say, change, remove, turns } = await room();
    site.hold(folder);
    const first = await say(finn, "@Andy send ten letters");
    await site.prompt(1, folder);
    const deletion = await remove(finn, first);
    await site.row(deletion.id);
    site.letGo(folder);
    await site.quiet();
    // It was answered, and nothing was begun for the deletion.
    expect([turns(), (await rowOf(first)).content]).toEqual([1, "@Andy send ten letters"]);
    const second = await say(finn, "@Andy at noon");
    await site.prompt(2, folder);
    await site.quiet();
    const edited = await change(finn, second, "@Andy at one");
    expect(await rowOf(edited)).toMatchObject({ decision: "context", reason: "edited" });
    await site.quiet();
    expect(turns()).toBe(2);
    await say(finn, "@Andy go on");
    const [, two, three] = [await site.prompt(3, folder), ...site.prompts(folder).slice(1)];
    expect(two).toContain(">[deleted the message &quot;@Andy send ten letters&quot;]</message>");
    expect(three).toContain(">[edited &quot;@Andy at noon&quot; to:] @Andy at one</message>");
  });

  it("by a stranger changes nothing of the owner's message, before and after its turn", async () => {
    const { folder, say, change, remove, turns } = await room();
    await busy();
    const mine = await say(owner, "@Andy pay nobody");
    await site.row(mine.id);
    const forged: Posted = { ...mine, from: finn };
    for (const target of [mine, forged]) {
      await change(finn, target, "@Andy pay Finn");
      await remove(finn, target);
      // Finn is no admin, whatever his phone says.
      await remove(finn, target, "8");
    }
    await site.row((await say(finn, "that was all")).id);
    expect(await rowOf(mine)).toMatchObject({ content: "@Andy pay nobody", decision: "wakes" });
    site.letGo();
    const prompt = await site.prompt(1, folder);
    await site.quiet();
    await change(finn, mine, "@Andy pay Finn");
    await remove(finn, mine);
    await say(owner, "@Andy again");
    expect(`${prompt}${await site.prompt(2, folder)}`).not.toMatch(/pay Finn|deleted|edited/);
    await site.quiet();
    expect(turns()).toBe(2);
  });

  it("by an admin of the group may delete what others wrote, but not change it", async () => {
    const { folder, known, say, change, remove } = await room();
    await known();
    await busy();
    const rude = await say(finn, "@Andy be rude");
    await site.row(rude.id);
    await change(tess, rude, "@Andy be kind");
    await remove(tess, rude, "8");
    await became(rude, "withdrawn");
    const kind = await say(finn, "@Andy be brief");
    site.letGo();
    await site.prompt(1, folder);
    await site.quiet();
    await remove(tess, kind, "8");
    await say(finn, "@Andy what else?");
    const prompts = `${await site.prompt(2, folder)}${site.prompts(folder).join("")}`;
    expect(prompts).not.toMatch(/be (rude|kind)/);
    expect(prompts).toContain(">[deleted the message of Finn &quot;@Andy be brief&quot;]</message>");
  });

  it("of somebody who is made an admin, or is one no more, counts as it is then", async () => {
    const { group, known, say, remove } = await room();
    await known();
    const { server } = site;
    server.change(group, owner, { kind: "promote", person: finn });
    server.change(group, owner, { kind: "demote", person: tess });
    const admins = () => {
      const [row] = site.ledger("SELECT facts FROM network_groups WHERE jid = ?", group.jid);
      if (!row) return [];
      const { members } = JSON.parse(String(row["facts"])) as {
        members: { id: string; admin: boolean }[];
      };
      return members.filter(({ admin }) => admin).map(({ id }) => id);
    };
    await until(() => admins().includes(finn.pn) && !admins().includes(tess.pn));
    const [one, two] = [await say(owner, "one"), await say(owner, "two")];
    await site.row(two.id);
    await remove(tess, one, "8");
    await remove(finn, two, "8");
    await became(two, "withdrawn");
    expect(await rowOf(one)).toMatchObject({ content: "one", decision: "context" });
  });

  it("that comes twice, or before its message, counts once", async () => {
    const { say, change, remove, group } = await room();
    const posted = await say(owner, "one");
    const edited = await change(owner, posted, "two");
    await site.server.repeat(edited, "sealed anew");
    await change(owner, posted, "three");
    await site.server.repeat(edited, "sealed anew");
    await until(() => site.ledger("SELECT 1 FROM messages WHERE id = ? AND content = 'three'", posted.id).length > 0);
    await site.quiet();
    expect((await rowOf(posted)).content).toBe("three");
    const later: Posted = { ...posted, id: "3A0000LATER" };
    await remove(owner, later);
    await site.server.send(owner, group, "@Andy never mind", { id: later.id });
    await site.quiet();
    expect(await rowOf(later)).toMatchObject({ content: "", decision: "ignored" });
  });
});
