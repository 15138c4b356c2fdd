import { randomBytes, randomUUID } from "node:crypto";
import { type BinaryNode, Curve, hmacSign, proto, WA_ADV_ACCOUNT_SIG_PREFIX, WA_ADV_DEVICE_SIG_PREFIX } from "baileys";
import type { Connection } from "./connection.ts";
import { child, contentBytes, element, SERVER } from "./nodes.ts";
import type { ClientFinish } from "./noise.ts";
import { linkDevice, type LinkedDevice, type Person } from "./people.ts";
import type { KeyBundle } from "./signal-device.ts";
import { isSignedBy } from "./verify-signature.ts";

/** A client that is not linked yet and waits to be: it shows QR codes or a pairing code. */
export interface Candidate {
  readonly connection: Connection;
  readonly noiseKey: Buffer;
  readonly keys: KeyBundle;
  readonly refs: string[];
  /** After the phone approved: what the client's signature is checked with. */
  approval: { owner: Person; details: Uint8Array; done: PromiseWithResolvers<LinkedDevice> } | undefined;
}

export function welcomeCandidate(connection: Connection, { key, payload }: ClientFinish, qrCodes: number): Candidate {
  const refs = Array.from({ length: qrCodes }, () => randomBytes(24).toString("base64url"));
  const list = refs.map((ref) => element("ref", {}, Buffer.from(ref)));
  const pairDevice = element("pair-device", {}, list);
  connection.send(element("iq", { id: randomUUID(), type: "set", xmlns: "md", from: SERVER }, [pairDevice]));
  return { connection, noiseKey: key, keys: registeredKeys(payload), refs, approval: undefined };
}

function registeredKeys({ devicePairingData: data }: proto.ClientPayload): KeyBundle {
  const number = (bytes?: Uint8Array | null) => Number(`0x${Buffer.from(bytes ?? []).toString("hex")}`);
  const { eIdent: identity, eSkeyVal: key, eSkeySig: signature } = data ?? {};
  if (!data || !identity || !key || !signature) throw new Error("a registration without keys");
  if (!isSignedBy(identity, Buffer.concat([Buffer.from([5]), key]), signature)) {
    throw new Error("the signed key of the registration is not signed by its identity");
  }
  return { registrationId: number(data.eRegid), identity, signed: { id: number(data.eSkeyId), key, signature } };
}

/** What a phone reads from a QR code. */
export function readQr(qr: string): { ref: string; noiseKey: Buffer; advSecret: Buffer } {
  const [ref = "", ...keys] = qr.replace("https://wa.me/settings/linked_devices#", "").split(",");
  const [noiseKey, , advSecret] = keys.map((key) => Buffer.from(key, "base64"));
  if (!noiseKey || !advSecret) throw new Error(`not a QR code of WhatsApp: ${qr}`);
  return { ref, noiseKey, advSecret };
}

/** The phone vouches for the device; resolves when the device has signed too and is told to connect anew. */
export function approve(candidate: Candidate, owner: Person, advSecret: Uint8Array): Promise<LinkedDevice> {
  if (!candidate.connection.open) return Promise.reject(new Error("the client that showed this code has gone"));
  const number = owner.lastDevice + 1;
  const { identity } = owner.phone;
  const details = proto.ADVDeviceIdentity.encode({ rawId: 1, timestamp: 1_700_000_000, keyIndex: number }).finish();
  const claim = Buffer.concat([WA_ADV_ACCOUNT_SIG_PREFIX, details, candidate.keys.identity]);
  const accountSignature = Curve.sign(identity.private, claim);
  const signed = { details, accountSignatureKey: identity.public, accountSignature };
  const encoded = proto.ADVSignedDeviceIdentity.encode(signed).finish();
  const hmac = hmacSign(encoded, advSecret);
  const jid = (address: string) => address.replace("@", `:${number}@`);
  const pairSuccess = element("pair-success", {}, [
    element("device-identity", {}, proto.ADVSignedDeviceIdentityHMAC.encode({ details: encoded, hmac }).finish()),
    element("device", { jid: jid(owner.pn), lid: jid(owner.lid) }),
    element("platform", { name: "android" }),
  ]);
  const done = Promise.withResolvers<LinkedDevice>();
  candidate.approval = { owner, details, done };
  candidate.connection.send(element("iq", { id: randomUUID(), type: "set", from: SERVER }, [pairSuccess]));
  return done.promise;
}

/** The client's `pair-device-sign`. */
export function completeLink(candidate: Candidate, reply: BinaryNode): void {
  const { approval, keys, noiseKey, connection } = candidate;
  const identity = child(child(reply, "pair-device-sign"), "device-identity");
  if (!approval || !identity) return;
  const { owner, details, done } = approval;
  const { deviceSignature } = proto.ADVSignedDeviceIdentity.decode(contentBytes(identity));
  const claim = Buffer.concat([WA_ADV_DEVICE_SIG_PREFIX, details, keys.identity, owner.phone.identity.public]);
  if (!isSignedBy(keys.identity, claim, deviceSignature ?? Buffer.alloc(0))) {
    done.reject(new Error("the device's own signature is wrong"));
    return connection.end();
  }
  done.resolve(linkDevice(owner, noiseKey, keys));
  connection.end(element("stream:error", { code: "515" }));
}
