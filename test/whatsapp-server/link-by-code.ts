import { randomBytes, randomUUID } from "node:crypto";
import {
  aesDecryptCTR,
  aesDecryptGCM,
  aesEncryptCTR,
  type BinaryNode,
  Curve,
  derivePairingCodeKey,
  hkdf,
} from "baileys";
import { approve, type Candidate } from "./link.ts";
import { child, childBytes, element, queryError, result, SERVER } from "./nodes.ts";
import { findPerson, type LinkedDevice, type Person } from "./people.ts";
import type { World } from "./world.ts";

/** One try to link by a code that the client shows and its owner types into the phone. */
export interface CodeLink {
  readonly owner: Person;
  readonly candidate: Candidate;
  readonly ref: Buffer;
  readonly wrappedKey: Buffer;
  /** Set when a code was typed: opens the client's last message; false when the codes differ. */
  finish: ((bundle: Buffer) => boolean) | undefined;
}

/** The client's `link_code_companion_reg`, in its two stages. */
export function answerCodeLink(world: World, links: CodeLink[], candidate: Candidate, query: BinaryNode): void {
  const { connection } = candidate;
  const request = child(query, "link_code_companion_reg");
  if (request?.attrs.stage === "companion_hello") {
    const owner = findPerson(world.people, request.attrs.jid);
    if (!owner) return connection.send(queryError(query, 404, "item-not-found"));
    const wrappedKey = childBytes(request, "link_code_pairing_wrapped_companion_ephemeral_pub");
    const link: CodeLink = { owner, candidate, ref: randomBytes(16), wrappedKey, finish: undefined };
    links.push(link);
    const ref = element("link_code_pairing_ref", {}, link.ref);
    connection.send(result(query, [element("link_code_companion_reg", { stage: "companion_hello" }, [ref])]));
    return world.changed();
  }
  const ref = childBytes(request, "link_code_pairing_ref");
  const link = links.find((one) => one.ref.equals(ref));
  const opened = link?.finish?.(childBytes(request, "link_code_pairing_wrapped_key_bundle")) ?? false;
  connection.send(opened ? result(query) : queryError(query, 400, "bad-request"));
}

/** Types the code into the owner's phone; rejects when it is not the one that the client shows. */
export async function enterCode(link: CodeLink, code: string): Promise<LinkedDevice> {
  const { owner, candidate, ref } = link;
  const theirKey = await unwrap(link.wrappedKey, code);
  const ephemeral = Curve.generateKeyPair();
  const wrappedKey = await wrap(ephemeral.public, code);
  const done = Promise.withResolvers<LinkedDevice>();
  link.finish = (bundle) => {
    try {
      const secret = openBundle(owner, Curve.sharedKey(ephemeral.private, theirKey), bundle);
      // After the answer to the query that this came with.
      setImmediate(() => done.resolve(approve(candidate, owner, secret)));
      return true;
    } catch (cause) {
      done.reject(new Error("this is not the code that the client shows", { cause }));
      return false;
    }
  };
  candidate.connection.send(primaryHello(owner, ref, wrappedKey));
  return done.promise;
}

/** @returns the secret that the phone's approval is signed with. */
function openBundle({ phone }: Person, shared: Buffer, bundle: Buffer): Uint8Array {
  const [salt, iv, sealed] = [bundle.subarray(0, 32), bundle.subarray(32, 44), bundle.subarray(44)];
  const key = hkdf(shared, 32, { salt, info: "link_code_pairing_key_bundle_encryption_key" });
  const plain = aesDecryptGCM(sealed, key, iv, Buffer.alloc(0));
  const [identity, random] = [plain.subarray(0, 32), plain.subarray(64, 96)];
  const identities = Curve.sharedKey(phone.identity.private, identity);
  return hkdf(Buffer.concat([shared, identities, random]), 32, { info: "adv_secret" });
}

function primaryHello({ phone }: Person, ref: Buffer, wrapped: Buffer): BinaryNode {
  return element("notification", { id: randomUUID(), from: SERVER, type: "link_code_companion_reg" }, [
    element("link_code_companion_reg", { stage: "primary_hello" }, [
      element("link_code_pairing_wrapped_primary_ephemeral_pub", {}, wrapped),
      element("primary_identity_pub", {}, phone.identity.public),
      element("link_code_pairing_ref", {}, ref),
    ]),
  ]);
}

async function unwrap(wrapped: Buffer, code: string): Promise<Buffer> {
  const [salt, iv, sealed] = [wrapped.subarray(0, 32), wrapped.subarray(32, 48), wrapped.subarray(48)];
  return aesDecryptCTR(sealed, await derivePairingCodeKey(code, salt), iv);
}

async function wrap(key: Uint8Array, code: string): Promise<Buffer> {
  const [salt, iv] = [randomBytes(32), randomBytes(16)];
  return Buffer.concat([salt, iv, aesEncryptCTR(key, await derivePairingCodeKey(code, salt), iv)]);
}
