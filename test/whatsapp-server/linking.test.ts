import { Curve, proto } from "baileys";
import { expect, test } from "vitest";
import { createBareClient, linkBareClient } from "./bare-client.ts";
import { createServerIdentity } from "./noise.ts";
import { isSignedBy } from "./verify-signature.ts";
import { startWhatsAppServer } from "./whatsapp-server.ts";

test("a client is linked by its QR code, connects anew after 515 and is logged in", async () => {
  await using server = await startWhatsAppServer();
  using client = createBareClient(server.url);
  const device = await server.scanQr(await client.qr());
  expect(await client.ended()).toBe(515);
  expect(client.auth.creds.me).toMatchObject({ id: device.pn, lid: device.lid });
  client.connect();
  await client.open();
  await server.until(() => device.online);
  // 812, and the first message took one.
  expect(device.stock.length).toBeGreaterThan(800);
  expect(client.auth.creds.me?.lid).toBe(device.lid);
  // The phone's history ends the client's wait for it, and brings the owner's name.
  await client.until(() => client.auth.creds.accountSyncCounter === 1 && client.auth.creds.me?.name === "Olga");
  expect(server.problems).toEqual([]);
});

test("a client is linked by the code that it shows", async () => {
  await using server = await startWhatsAppServer();
  using client = createBareClient(server.url);
  await client.qr();
  const code = await client.socket.requestPairingCode(server.phone.number);
  const device = await server.enterPairingCode(`${code.slice(0, 4)}-${code.slice(4)}`);
  expect(await client.ended()).toBe(515);
  client.connect();
  await client.open();
  expect(client.auth.creds).toMatchObject({ registered: true, me: { id: device.pn } });
  expect(server.problems).toEqual([]);
});

test("another code links nothing", async () => {
  await using server = await startWhatsAppServer();
  using client = createBareClient(server.url);
  await client.qr();
  await client.socket.requestPairingCode(server.phone.number, "AAAABBBB");
  await expect(server.enterPairingCode("AAAABBBC")).rejects.toThrow("not the code");
  expect(server.phone.devices).toEqual([]);
});

test("QR codes are used up, and an old one links nothing", async () => {
  await using server = await startWhatsAppServer({ qrCodes: 2 });
  using client = createBareClient(server.url, { qrTimeout: 50 });
  const qr = await client.qr();
  expect(await client.ended()).toBe(408);
  await server.until(() => server.connections === 0);
  await expect(server.scanQr(qr)).rejects.toThrow("expired");
});

test("a device that is logged out is told so, and refused from then on", async () => {
  await using server = await startWhatsAppServer();
  const { client, device } = await linkBareClient(server);
  using _ = client;
  server.unlink(device);
  expect(await client.ended()).toBe(401);
  client.connect();
  expect(await client.ended()).toBe(401);
});

test("a client that logs itself out is no longer linked", async () => {
  await using server = await startWhatsAppServer();
  const { client } = await linkBareClient(server);
  using _ = client;
  await client.socket.logout();
  await server.until(() => server.phone.devices.length === 0);
});

test("several numbers are linked at once, and a phone links several devices", async () => {
  await using server = await startWhatsAppServer();
  const other = server.person({ name: "Otto", number: "4915200000001" });
  const first = await linkBareClient(server);
  using _first = first.client;
  const second = await linkBareClient(server, other);
  using _second = second.client;
  const third = await linkBareClient(server);
  using _third = third.client;
  expect(second.client.auth.creds.me?.id).toBe("4915200000001:1@s.whatsapp.net");
  expect(third.device.number).toBe(2);
});

test("signatures are really checked", () => {
  const [pair, other] = [Curve.generateKeyPair(), Curve.generateKeyPair()];
  const message = Buffer.from("to be signed");
  const signature = Curve.sign(pair.private, message);
  expect(isSignedBy(pair.public, message, signature)).toBe(true);
  expect(isSignedBy(other.public, message, signature)).toBe(false);
  expect(isSignedBy(pair.public, Buffer.from("to be singed"), signature)).toBe(false);
});

test("the certificates of the handshake hold for a client that checks them", () => {
  const { certificates, root } = createServerIdentity();
  const { leaf, intermediate } = proto.CertChain.decode(certificates);
  const bytes = (value?: Uint8Array | null) => value ?? Buffer.alloc(0);
  const details = proto.CertChain.NoiseCertificate.Details.decode(bytes(intermediate?.details));
  expect(details.issuerSerial).toBe(0);
  expect(isSignedBy(root.public, bytes(intermediate?.details), bytes(intermediate?.signature))).toBe(true);
  expect(isSignedBy(bytes(details.key), bytes(leaf?.details), bytes(leaf?.signature))).toBe(true);
});
