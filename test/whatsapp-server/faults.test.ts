import { setDefaultCACertificates } from "node:tls";
import { Agent } from "node:https";
import { downloadMediaMessage } from "baileys";
import { expect, test } from "vitest";
import { linkBareClient } from "./bare-client.ts";
import { document, image } from "./content.ts";
import { startWhatsAppServer } from "./whatsapp-server.ts";

test("what came while the client was away is delivered at the next login, once", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const group = server.group({ subject: "Home", members: [friend, server.phone] });
  await client.until(() => client.auth.creds.accountSyncCounter === 1);
  server.drop(device);
  expect(await client.ended()).toBe(428);
  await server.until(() => !device.online);
  for (const [index, chat] of [server.phone, group, server.phone, group].entries()) {
    await server.send(friend, chat, `late ${index}`);
  }
  expect(server.waiting).toBe(4);
  client.connect();
  await server.until(() => server.waiting === 0);
  const late = () => client.seen.filter(({ text }) => text?.startsWith("late"));
  await client.until(() => late().length === 4);
  expect(late().map(({ text, type }) => [text, type])).toEqual([0, 1, 2, 3].map((n) => [`late ${n}`, "append"]));
  void client.socket.end(undefined);
  await client.ended();
  client.connect();
  await server.until(() => device.logins === 3);
  expect(late()).toHaveLength(4);
});

test("what was sent into a dead connection is sent again", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  await client.until(() => client.auth.creds.accountSyncCounter === 1);
  server.goDeaf();
  const posted = await server.send(server.person({ name: "Finn" }), server.phone, "do you hear me?");
  expect(posted.copies[0]?.envelope).toMatchObject({ deliveries: 1, settled: undefined });
  void client.socket.end(undefined);
  await client.ended();
  client.connect();
  await server.until(() => posted.copies[0]?.envelope.settled === "receipt");
  expect(posted.copies[0]?.envelope.deliveries).toBe(2);
  await client.until(() => client.seen.some(({ text, type }) => text === "do you hear me?" && type === "append"));
  expect(device.online).toBe(true);
});

test("an unreadable copy is a stub first; the phone sends it again", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const group = server.group({ subject: "Home", members: [friend, server.phone] });
  for (const chat of [server.phone, group]) {
    const posted = await server.send(friend, chat, "after all", { spoiled: true });
    const copies = () => client.seen.filter(({ id }) => id === posted.id);
    await client.until(() => copies().length === 2);
    expect(copies().map(({ text }) => text)).toEqual([undefined, "after all"]);
    await server.until(() => posted.copies[0]?.envelope.settled === "receipt");
    expect(posted.copies[0]?.envelope.retries).toBe(1);
    const next = await server.send(friend, chat, "and on");
    await client.until(() => client.seen.some(({ id, text }) => id === next.id && text === "and on"));
  }
});

test("without the phone's help an unreadable message is lost", async () => {
  await using server = await startWhatsAppServer();
  server.faults.resends = false;
  const { client } = await linkBareClient(server);
  using _ = client;
  const posted = await server.send(server.person({ name: "Finn" }), server.phone, "never", { spoiled: true });
  await server.until(() => posted.copies[0]?.envelope.settled === "nack");
  expect(posted.copies[0]?.envelope).toMatchObject({ retries: 1, detail: "500" });
});

test("the same id comes twice: as the same bytes it is nacked, sealed anew it is shown again", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const posted = await server.send(server.person({ name: "Finn" }), server.phone, "twice");
  const shown = () => client.seen.filter(({ id }) => id === posted.id);
  await client.until(() => shown().length === 1);
  await server.repeat(posted, "same bytes");
  await server.until(() => posted.copies[1]?.envelope.settled === "nack");
  expect(posted.copies[1]?.envelope.detail).toBe("487");
  await server.repeat(posted, "sealed anew");
  await client.until(() => shown().length === 2);
});

test("acknowledgements are late, withheld, refused or lost", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const send = async (messageId: string) => client.socket.sendMessage(friend.lid, { text: messageId }, { messageId });
  const at = (id: string) => server.received.find((one) => one.id === id);

  server.faults.acks = "held";
  await send("held");
  await server.until(() => at("held")?.readBy.includes(friend) ?? false);
  expect(client.acked).toEqual([]);
  server.releaseAcks();
  await client.until(() => client.acked.includes("held"));

  server.faults.acks = ({ id }) => (id === "never" ? "never" : id === "lost" ? "lost" : { refuse: 479 });
  await send("never");
  await send("lost");
  await send("refused");
  await client.until(() => client.refused.has("refused") && client.statusOf("refused") === 0);
  expect(client.refused.get("refused")).toBe("479");
  expect(client.acked).toEqual(["held"]);
  expect(at("never")).toMatchObject({ ack: "withheld", text: "never" });
  expect(at("lost")).toMatchObject({ ack: "lost", text: undefined });
  expect(at("refused")).toMatchObject({ ack: { refused: 479 }, text: undefined });

  server.faults.acks = { after: 50 };
  await send("late");
  await client.until(() => client.acked.includes("late"));
});

test("streams end in every way, and the client can come back after each", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  const ways: [() => void, number][] = [
    [() => server.streamError(515), 515],
    [() => server.streamError(503), 503],
    [() => server.streamError(500), 500],
    [() => server.streamError(), 440],
    [() => server.endStreams(), 428],
    [() => server.drop(), 428],
  ];
  for (const [way, code] of ways) {
    way();
    expect(await client.ended()).toBe(code);
    const { logins } = device;
    client.connect();
    await server.until(() => device.logins > logins);
  }
  // A client that knows a way through the data centre says so before all else.
  client.auth.creds.routingInfo = Buffer.from("anywhere");
  server.drop();
  await client.ended();
  client.connect();
  await client.open();
  server.drop();
  await client.ended();
  server.faults.reachable = false;
  client.connect();
  expect(await client.ended()).toBe(408);
  server.faults.reachable = true;
  server.faults.refuseLogin = 403;
  client.connect();
  expect(await client.ended()).toBe(403);
});

test("a second login of the same device ends the first", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  const [first] = [client.socket];
  const code = new Promise<unknown>((resolve) => {
    first.ev.on("connection.update", ({ connection, lastDisconnect }) => {
      if (connection === "close") resolve(lastDisconnect?.error);
    });
  });
  client.connect();
  expect(await code).toMatchObject({ output: { statusCode: 440 } });
  await server.until(() => device.logins === 2);
});

test("a client whose keys run low uploads more", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  server.useUpKeys(device, 2);
  await server.until(() => device.stock.length === 7);
  server.useUpKeys(device, 0);
  // Without a one-time key it works too.
  const posted = await server.send(server.person({ name: "Finn" }), server.phone, "no key left");
  await client.until(() => client.seen.some(({ id }) => id === posted.id));
});

test("an unanswered query of the login only delays it", async () => {
  await using server = await startWhatsAppServer();
  server.faults.unanswered = ({ attrs }) => attrs["xmlns"] === "encrypt" && attrs["type"] === "get";
  const { client } = await linkBareClient(server, server.phone, { defaultQueryTimeoutMs: 300 });
  using _ = client;
  await client.open();
});

test("files go down and up over HTTPS", async () => {
  await using server = await startWhatsAppServer();
  setDefaultCACertificates([server.media.ca]);
  const fetchAgent = new Agent({ ca: server.media.ca });
  const { client } = await linkBareClient(server, server.phone, { fetchAgent });
  using _ = client;
  const friend = server.person({ name: "Finn" });
  const picture = Buffer.from("not really a picture".repeat(1000));
  const file = await server.media.put(picture, "image");
  const posted = await server.send(friend, server.phone, image(file, "look"));
  await client.until(() => client.seen.some(({ id }) => id === posted.id));
  const seen = client.seen.find(({ id }) => id === posted.id);
  if (!seen) throw new Error("it came");
  expect(seen.text).toBe("look");
  expect(picture.equals(await downloadMediaMessage(seen.message, "buffer", {}))).toBe(true);
  server.media.fail(file, "gone");
  await expect(downloadMediaMessage(seen.message, "buffer", {})).rejects.toThrow();

  const large = await server.media.putZeros(5_000_000, "document", 10);
  const sent = await server.send(friend, server.phone, document(large, "../../etc/passwd"));
  await client.until(() => client.seen.some(({ id }) => id === sent.id));
  const found = client.seen.find(({ id }) => id === sent.id);
  expect(found && (await downloadMediaMessage(found.message, "buffer", {})).length).toBe(5_000_000);

  const attachment = { document: picture, fileName: "a.txt", mimetype: "text/plain" };
  await client.socket.sendMessage(friend.lid, attachment);
  await server.until(() => server.received.some(({ content }) => content?.documentMessage));
  const uploaded = server.received[0]?.content?.documentMessage;
  expect(uploaded && picture.equals(await server.media.open(uploaded, "document"))).toBe(true);
  fetchAgent.destroy();
});
