import type { BinaryNode } from "baileys";
import type { Envelope } from "./mailbox.ts";
import { child, childBytes, element } from "./nodes.ts";
import type { LinkedDevice } from "./people.ts";
import { resend } from "./post.ts";
import type { KeyBundle } from "./signal-device.ts";
import type { World } from "./world.ts";

/** A person looked at it: the message had been received before that. */
const READ = new Set(["read", "read-self", "played", "played-self"]);
const MOST_RETRIES = 5;

/** A receipt or an acknowledgement of a device: what it was sent is settled, or must come again. */
export async function settle(world: World, device: LinkedDevice, reply: BinaryNode): Promise<void> {
  const { id, to, participant, type, error } = reply.attrs;
  if (reply.tag === "receipt") {
    device.connection?.send(element("ack", { class: "receipt", id, from: to, participant, type }));
  }
  const envelope = READ.has(type ?? "") ? undefined : device.mailbox.find(reply);
  if (!envelope) return;
  if (reply.tag === "receipt" && type === "retry") await retry(world, device, envelope, reply);
  else if (error !== undefined) nack(world, envelope, error);
  else close(envelope, reply.tag === "receipt" ? "receipt" : "ack", type);
  world.changed();
}

function nack(world: World, envelope: Envelope, error: string): void {
  const expected = envelope.nackExpected;
  envelope.nackExpected = false;
  if (!expected && !world.faults.keepsNacked) close(envelope, "nack", error);
}

function close(envelope: Envelope, settled: NonNullable<Envelope["settled"]>, detail: string | undefined): void {
  // Of two receipts for one message, as for history, the first counts.
  if (envelope.settled === undefined) Object.assign(envelope, { settled, detail });
}

async function retry(world: World, device: LinkedDevice, envelope: Envelope, reply: BinaryNode): Promise<void> {
  envelope.retries += 1;
  const posted = world.posted.find(({ copies }) => copies.some((copy) => copy.envelope === envelope));
  if (!posted || !world.faults.resends || envelope.retries > MOST_RETRIES) return;
  envelope.nackExpected = true;
  await resend(world, posted, { device, envelope }, sentKeys(reply));
}

/** From its second try on, a client sends fresh keys along. */
function sentKeys(reply: BinaryNode): KeyBundle | undefined {
  const keys = child(reply, "keys");
  if (!keys) return undefined;
  const registrationId = childBytes(reply, "registration").readUInt32BE();
  return { ...readKeys(keys), registrationId };
}

/** A device's public keys as they stand in a stanza. */
export function readKeys(node: BinaryNode): Omit<KeyBundle, "registrationId"> {
  const signed = child(node, "skey");
  const oneTime = child(node, "key");
  return {
    identity: childBytes(node, "identity"),
    signed: { ...readKey(signed), signature: childBytes(signed, "signature") },
    oneTime: oneTime && readKey(oneTime),
  };
}

export const readKey = (node: BinaryNode | undefined) => ({
  id: childBytes(node, "id").readUIntBE(0, 3),
  key: childBytes(node, "value"),
});
