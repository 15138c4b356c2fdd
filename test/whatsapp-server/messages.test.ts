import { expect, test } from "vitest";
import { type BareClient, linkBareClient } from "./bare-client.ts";
import { edit, ephemeral, mention, quote, react, revoke } from "./content.ts";
import type { Posted } from "./messages.ts";
import type { Addressing } from "./people.ts";
import { startWhatsAppServer } from "./whatsapp-server.ts";

const arrived = async (client: BareClient, { id }: Posted) => {
  await client.until(() => client.seen.some((one) => one.id === id));
  const found = client.seen.findLast((one) => one.id === id);
  if (!found) throw new Error("it came and went");
  return found;
};
const other = (by: Addressing): Addressing => (by === "lid" ? "pn" : "lid");

test.each(["lid", "pn"] as const)("a direct message by %s names its sender by both addresses", async (by) => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const posted = await server.send(friend, server.phone, "hello", { by, at: 1_700_000_000_000 });
  const { text, type, message } = await arrived(client, posted);
  expect([text, type, message.pushName]).toEqual(["hello", "notify", "Finn"]);
  expect(message.key).toMatchObject({ remoteJid: friend[by], remoteJidAlt: friend[other(by)], fromMe: false });
  expect(Number(message.messageTimestamp)).toBe(1_700_000_000);
  await server.until(() => posted.copies[0]?.envelope.settled === "receipt");
  expect(server.problems).toEqual([]);
});

test.each(["lid", "pn"] as const)("the own phone's messages come as one's own, by %s", async (by) => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const note = await arrived(client, await server.send(server.phone, server.phone, "note to self", { by }));
  expect(note.text).toBe("note to self");
  expect(note.message.key).toMatchObject({ fromMe: true, remoteJid: server.phone[by] });
  const out = await arrived(client, await server.send(server.phone, friend, "from my phone", { by }));
  expect(out.message.key).toMatchObject({ fromMe: true, remoteJid: friend[by], remoteJidAlt: friend[other(by)] });
  await server.until(() => server.waiting === 0);
});

test.each(["lid", "pn"] as const)("a group that is addressed by %s", async (addressing) => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const [friend, third] = [server.person({ name: "Finn" }), server.person({ name: "Tess" })];
  const group = server.group({ subject: "Home", members: [friend, server.phone, third], addressing });
  for (const words of ["one", "two", "three"]) {
    const { text, message } = await arrived(client, await server.send(friend, group, words));
    expect(text).toBe(words);
    const author = { participant: friend[addressing], participantAlt: friend[other(addressing)] };
    expect(message.key).toMatchObject({ remoteJid: group.jid, fromMe: false, ...author });
  }
  const own = await arrived(client, await server.send(server.phone, group, "mine"));
  expect(own.message.key.fromMe).toBe(true);
  for (const words of ["four", "five"]) {
    const sent = await client.socket.sendMessage(group.jid, { text: words });
    await client.until(() => client.acked.includes(sent?.key.id ?? ""));
    await server.until(() => server.received.some(({ text }) => text === words));
  }
  const everybody = [friend, server.phone, third];
  expect(server.received.map(({ chat }) => chat)).toEqual([group, group]);
  for (const { readBy } of server.received) expect(new Set(readBy)).toEqual(new Set(everybody));
  expect(server.received.flatMap(({ unreadable }) => unreadable)).toEqual([]);
  expect(server.problems).toEqual([]);
});

test.each(["lid", "pn"] as const)("what the client writes by %s is acknowledged, read and confirmed", async (by) => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  await client.socket.sendMessage(friend[by], { text: "hi" }, { messageId: "3EB0CHOSEN" });
  await server.until(() => server.received[0]?.readBy.length === 2);
  expect(server.received[0]).toMatchObject({ id: "3EB0CHOSEN", to: friend[by], text: "hi", ack: "acked" });
  expect(new Set(server.received[0]?.readBy)).toEqual(new Set([friend, server.phone]));
  await client.until(() => client.acked.includes("3EB0CHOSEN"));
  await client.until(() => client.statusOf("3EB0CHOSEN") === 3);
  // It is a session that works in both directions from now on.
  const answer = await server.send(friend, server.phone, "hi you", { by });
  expect((await arrived(client, answer)).text).toBe("hi you");
  expect(answer.copies[0]?.envelope.node.content).toMatchObject([{ attrs: { type: "msg" } }]);
});

test("the client's note to itself is read on the phone", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  await client.socket.sendMessage(server.phone.pn, { text: "note" });
  await server.until(() => server.received.some(({ text }) => text === "note"));
  expect(server.received[0]?.readBy.map(({ name }) => name)).toEqual(["Olga"]);
});

test("a phone that cannot read asks for the message again and gets it with the same id", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  await client.socket.sendMessage(friend.lid, { text: "first" });
  await server.until(() => server.received[0]?.text === "first");
  await server.send(friend, server.phone, "so that the session is agreed on");
  await client.until(() => client.seen.some(({ type }) => type === "notify"));
  await friend.phone.forget(device.lid);
  await client.socket.sendMessage(friend.lid, { text: "second" }, { messageId: "3EB0AGAIN" });
  const again = () => server.received.filter(({ id }) => id === "3EB0AGAIN");
  await server.until(() => again().some(({ readBy }) => readBy.includes(friend)));
  expect(again()).toHaveLength(2);
  expect(again()[0]?.unreadable).toMatchObject([{ person: friend }]);
});

test("quotes, mentions, reactions, edits and deletions", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const group = server.group({ subject: "Home", members: [friend, server.phone] });
  const first = await server.send(friend, group, "frist");
  const say = (content: Parameters<typeof server.send>[2], edit?: string) =>
    server.send(friend, group, content, edit === undefined ? {} : { edit });

  const { message: quoting } = await arrived(client, await say(quote(first, "as I said")));
  const context = quoting.message?.extendedTextMessage?.contextInfo;
  expect(context).toMatchObject({
    stanzaId: first.id,
    participant: friend.lid,
    quotedMessage: { conversation: "frist" },
  });
  const { message: mentioning } = await arrived(client, await say(mention("@you", [server.phone.lid])));
  expect(mentioning.message?.extendedTextMessage?.contextInfo?.mentionedJid).toEqual([server.phone.lid]);
  expect((await arrived(client, await say(ephemeral({ conversation: "gone soon" })))).text).toBe("gone soon");

  await client.socket.sendMessage(group.jid, { text: "mine" });
  await server.until(() => server.received[0]?.text === "mine");
  const [mine] = server.received;
  if (!mine) throw new Error("it came");
  const { message: reacting } = await arrived(client, await say(react(friend, mine, "+1")));
  expect(reacting.message?.reactionMessage).toMatchObject({ text: "+1", key: { id: mine.id, fromMe: true } });

  await say(edit(friend, first, "first"), "1");
  await client.until(() =>
    client.changes.some(({ key, update }) => key.id === first.id && update.message?.editedMessage),
  );
  await say(revoke(friend, first), "7");
  await client.until(() => client.changes.some(({ key, update }) => key.id === first.id && update.message === null));
  await server.until(() => server.waiting === 0);
});

test("groups can be asked for, and their changes are told", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const group = server.group({ subject: "Home", members: [friend, server.phone], description: "where we live" });
  const metadata = await client.socket.groupMetadata(group.jid);
  expect(metadata).toMatchObject({ id: group.jid, subject: "Home", desc: "where we live", addressingMode: "lid" });
  expect(metadata.participants).toMatchObject([
    { id: friend.lid, phoneNumber: friend.pn, admin: "superadmin" },
    { id: server.phone.lid, phoneNumber: server.phone.pn, admin: null },
  ]);
  expect(Object.keys(await client.socket.groupFetchAllParticipating())).toEqual([group.jid]);
  server.change(group, friend, { kind: "subject", subject: "Our home" });
  await client.until(() => client.seen.some(({ message }) => String(message.messageStubParameters) === "Our home"));
  server.change(group, friend, { kind: "announcement" });
  await client.socket.sendMessage(group.jid, { text: "may I?" });
  await server.until(() => server.received.some(({ ack }) => typeof ack === "object" && ack.refused === 403));
  server.change(group, friend, { kind: "remove", person: server.phone });
  await server.until(() => server.waiting === 0);
  await expect(client.socket.groupMetadata(group.jid)).rejects.toThrow("forbidden");
  expect(await client.socket.onWhatsApp(friend.number, "4900")).toEqual([{ jid: friend.pn, exists: true }]);
});

test("a burst over many chats arrives whole, and in order in each", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friends = Array.from({ length: 10 }, (_, index) => server.person({ name: `Friend ${index}` }));
  const numbers = Array.from({ length: 20 }, (_, index) => String(index));
  for (const number of numbers) for (const friend of friends) void server.send(friend, server.phone, number);
  await client.until(() => client.seen.filter(({ text }) => text !== undefined).length === 200);
  for (const { lid } of friends) {
    const own = client.seen.filter(({ message }) => message.key.remoteJid === lid);
    expect(own.map(({ text }) => text)).toEqual(numbers);
  }
  await server.until(() => server.waiting === 0);
  expect(server.problems).toEqual([]);
});
