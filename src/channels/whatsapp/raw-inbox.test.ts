import { initAuthCreds } from "baileys";
import { expect, test } from "vitest";
import { memoryLinkStore } from "../../../test/memory-link-store.ts";
import { startWhatsAppServer, type WhatsAppServer } from "../../../test/whatsapp-server/whatsapp-server.ts";
import { systemClock } from "../../clock.ts";
import { silentLog } from "../../domain/log.ts";
import { connect, type Connection } from "./connection.ts";
import type { LinkStore } from "./link-store.ts";

/** A device with its state in memory. */
function createDevice(server: WhatsAppServer) {
  const creds = initAuthCreds();
  const { store: memory, commits } = memoryLinkStore();
  const hooks = { afterInbox: () => {} };
  const store: LinkStore = {
    ...memory,
    commit: (changes) => {
      memory.commit(changes);
      if (changes.inbox?.length) hooks.afterInbox();
    },
  };
  const open = (onQr: (qr: string) => void = () => {}): Connection =>
    connect({
      ...{ store, creds, url: server.url, clock: systemClock, log: silentLog },
      on: (event) => void (event.type === "qr" && onQr(event.qr)),
    });
  return { open, hooks, inbox: () => commits.filter(({ inbox }) => inbox?.length) };
}

async function linkDevice(server: WhatsAppServer) {
  server.faults.history = false;
  const device = createDevice(server);
  await device.open((qr) => void server.scanQr(qr)).closed;
  return device;
}

test("the words are committed with the key that they used up, in one", async () => {
  await using server = await startWhatsAppServer();
  const device = await linkDevice(server);
  const connection = device.open();
  await server.until(() => server.phone.devices[0]?.online === true);
  const finn = server.person({ name: "Finn" });
  const group = server.group({ subject: "Plans", members: [server.phone, finn] });
  await server.send(finn, server.phone, "hello");
  const { id } = await server.send(finn, group, "hello all");
  await server.until(() => server.waiting === 0);
  const rows = device.inbox().map(({ keys, inbox }) => ({ types: [...(keys?.keys() ?? [])], rows: inbox?.length }));
  expect(rows).toEqual([
    { types: expect.arrayContaining([expect.stringMatching(/^session-/)]), rows: 1 },
    { types: expect.arrayContaining([expect.stringMatching(/^session-/)]), rows: 1 },
    { types: [expect.stringMatching(/^sender-key-/)], rows: 1 },
  ]);
  const parts = device.inbox().flatMap(({ inbox = [] }) => inbox.map(({ part, parts, type }) => [part, parts, type]));
  expect(parts).toEqual([
    [0, 1, "pkmsg"],
    [0, 2, "pkmsg"],
    [1, 2, "skmsg"],
  ]);
  const [key] = device
    .inbox()
    .flatMap(({ inbox = [] }) => inbox.at(-1)?.messageKey ?? [])
    .slice(-1);
  expect(key).toBe(`${group.jid}|${id}||${finn.lid}`);
  await connection.end();
  expect(server.problems).toEqual([]);
});

test("what was committed and never acknowledged comes again, and is answered without another decryption", async () => {
  await using server = await startWhatsAppServer();
  const device = await linkDevice(server);
  const first = device.open();
  await server.until(() => server.phone.devices[0]?.online === true);
  // From here on, nothing gets out any more: as when the process ends between the two.
  device.hooks.afterInbox = () => server.goDeaf();
  const finn = server.person({ name: "Finn" });
  const { copies } = await server.send(finn, server.phone, "hello");
  while (device.inbox().length === 0) await systemClock.sleep(5);
  expect(copies[0]?.envelope.settled).toBeUndefined();
  server.drop();
  await first.closed;
  const second = device.open();
  await server.until(() => server.waiting === 0);
  expect(copies[0]?.envelope).toMatchObject({ deliveries: 2, settled: "receipt", retries: 0 });
  expect(device.inbox()).toHaveLength(1);
  await second.end();
});

test("what the store does not take is not acknowledged, and ends the connection with the reason", async () => {
  await using server = await startWhatsAppServer();
  const creds = initAuthCreds();
  const none: LinkStore = {
    ...memoryLinkStore().store,
    commit: () => {
      throw new Error("the disk is full");
    },
  };
  const connection = connect({
    ...{ store: none, creds, url: server.url, clock: systemClock, log: silentLog },
    on: (event) => void (event.type === "qr" && server.scanQr(event.qr).catch(() => {})),
  });
  expect(await connection.closed).toMatchObject({ code: undefined, detail: "the disk is full" });
});
