import { generateSignalPubKey, initAuthCreds } from "baileys";
import { expect, test } from "vitest";
import { memoryLinkStore } from "../../../test/memory-link-store.ts";
import type { Person } from "../../../test/whatsapp-server/people.ts";
import { startWhatsAppServer } from "../../../test/whatsapp-server/whatsapp-server.ts";
import { systemClock } from "../../clock.ts";
import { silentLog } from "../../domain/log.ts";
import { connect } from "./connection.ts";

/** What a client opens a session with, as it asks for it before it writes. */
async function keysOf({ phone }: Person) {
  const { registrationId, identity, signed, oneTime } = await phone.bundle();
  const key = ({ id, key }: { id: number; key: Uint8Array }) => ({ keyId: id, publicKey: generateSignalPubKey(key) });
  return {
    registrationId,
    identityKey: generateSignalPubKey(identity),
    signedPreKey: { ...key(signed), signature: signed.signature },
    ...(oneTime && { preKey: key(oneTime) }),
  };
}

test("a message of an older session leaves the newer one as it was", async () => {
  await using server = await startWhatsAppServer();
  server.faults.resends = false;
  const creds = initAuthCreds();
  const { store } = memoryLinkStore();
  const options = { store, creds, url: server.url, clock: systemClock, log: silentLog };
  await connect({ ...options, on: (event) => void (event.type === "qr" && server.scanQr(event.qr)) }).closed;
  const opened = Promise.withResolvers<void>();
  const connection = connect({ ...options, on: ({ type }) => void (type === "open" && opened.resolve()) });
  await opened.promise;
  const { socket } = connection;
  const finn = server.person({ name: "Finn" });
  const posted = [await server.send(finn, server.phone, "hello")];
  await server.until(() => server.waiting === 0);
  await socket.sendMessage(finn.lid, { text: "hello to you" });
  await server.until(() => server.waiting === 0 && server.received[0]?.readBy.includes(finn) === true);

  // The client has a new session, and he does not know yet.
  await socket.signalRepository.injectE2ESession({ jid: finn.lid, session: await keysOf(finn) });
  posted.push(await server.send(finn, server.phone, "how are you?"));
  await server.until(() => server.waiting === 0);
  await socket.sendMessage(finn.lid, { text: "well" });
  const wasTried = () => server.received[1]?.readBy.includes(finn) || server.received[1]?.unreadable.length;
  await server.until(() => server.waiting === 0 && Boolean(wasTried()));
  posted.push(await server.send(finn, server.phone, "good"));
  await server.until(() => server.waiting === 0);

  expect(server.received.map(({ text, unreadable }) => [text, unreadable.map(({ error }) => error)])).toEqual([
    ["hello to you", []],
    ["well", []],
  ]);
  expect(posted.flatMap(({ copies }) => copies.map(({ envelope }) => envelope.settled))).toEqual(
    posted.map(() => "receipt"),
  );
  await connection.end();
});
