import type { BinaryNode } from "baileys";
import { groupElement } from "./group-events.ts";
import {
  bigEndian,
  child,
  childBytes,
  children,
  childrenOf,
  contentBytes,
  element,
  queryError,
  result,
} from "./nodes.ts";
import { deviceNumber, findPerson, type LinkedDevice, type Person } from "./people.ts";
import { takeBundle } from "./post.ts";
import { readKey, readKeys } from "./settle.ts";
import type { KeyBundle } from "./signal-device.ts";
import { isSignedBy } from "./verify-signature.ts";
import type { World } from "./world.ts";

interface Question {
  world: World;
  device: LinkedDevice;
  query: BinaryNode;
  /** The first child of the query: what is asked. */
  about: BinaryNode;
  mediaHost: string;
}

type Answer = (question: Question) => BinaryNode | Promise<BinaryNode>;

/** By namespace and first child; whatever is not here is answered with an empty result. */
const ANSWERS: Record<string, Answer> = {
  "encrypt count": ({ query, device }) => result(query, [element("count", { value: String(device.stock.length) })]),
  "encrypt registration": uploadKeys,
  "encrypt rotate": rotateKey,
  "encrypt digest": ({ query, device }) => result(query, [element("digest", {}, keyElements(device.keys))]),
  "encrypt key": handOutKeys,
  "usync usync": lookUp,
  "w:g2 query": groupMetadata,
  "w:g2 participating": allGroups,
  "w:g2 leave": leaveGroup,
  "w:sync:app:state sync": noAppState,
  "w:m media_conn": mediaConnection,
};

export async function answerQuery(question: Omit<Question, "about">): Promise<BinaryNode> {
  const { query } = question;
  const [about] = children(query);
  const answer = about && ANSWERS[`${query.attrs.xmlns ?? ""} ${about.tag}`];
  return answer ? answer({ ...question, about }) : result(query);
}

function uploadKeys({ query, device }: Question): BinaryNode {
  const keys = readKeys(query);
  if (!isSignedKey(keys)) return queryError(query, 406, "not-acceptable");
  device.keys = { ...keys, registrationId: childBytes(query, "registration").readUInt32BE() };
  device.stock.push(...children(child(query, "list")).map(readKey));
  return result(query);
}

function rotateKey({ query, device, about }: Question): BinaryNode {
  const signed = child(about, "skey");
  const keys = { ...device.keys, signed: { ...readKey(signed), signature: childBytes(signed, "signature") } };
  if (!isSignedKey(keys)) return queryError(query, 406, "not-acceptable");
  device.keys = keys;
  return result(query);
}

const isSignedKey = ({ identity, signed }: Pick<KeyBundle, "identity" | "signed">): boolean =>
  isSignedBy(identity, Buffer.concat([Buffer.from([5]), signed.key]), signed.signature);

function keyElements({ registrationId, identity, signed, oneTime }: KeyBundle): BinaryNode[] {
  const key = (tag: string, { id, key: value }: { id: number; key: Uint8Array }, more: BinaryNode[] = []) =>
    element(tag, {}, [element("id", {}, bigEndian(id, 3)), element("value", {}, value), ...more]);
  return [
    element("registration", {}, bigEndian(registrationId, 4)),
    element("type", {}, Buffer.from([5])),
    element("identity", {}, identity),
    key("skey", signed, [element("signature", {}, signed.signature)]),
    ...(oneTime ? [key("key", oneTime)] : []),
  ];
}

async function handOutKeys({ world, query, about }: Question): Promise<BinaryNode> {
  const users: BinaryNode[] = [];
  for (const { attrs } of childrenOf(about, "user")) {
    const person = findPerson(world.people, attrs.jid);
    const number = deviceNumber(attrs.jid ?? "");
    const device = person?.devices.find((one) => one.number === number);
    const bundle = number === 0 ? await person?.phone.bundle() : device && takeBundle(device);
    // In the words of the question: the client stores the session under this address.
    if (bundle) users.push(element("user", { jid: attrs.jid }, keyElements(bundle)));
  }
  return result(query, [element("list", {}, users)]);
}

function lookUp({ world, query, about }: Question): BinaryNode {
  const asked = new Set(children(child(about, "query")).map(({ tag }) => tag));
  // The client names itself twice when it writes to itself.
  const named = new Map(childrenOf(child(about, "list"), "user").map((user) => [user.attrs.jid ?? Symbol(), user]));
  const users = [...named.values()].flatMap((user) => {
    const phone = child(user, "contact");
    if (phone && user.attrs.jid === undefined) return [contact(world, contentBytes(phone).toString())];
    const person = findPerson(world.people, user.attrs.jid);
    return person ? [userElement(person, user.attrs.jid ?? "", asked)] : [];
  });
  return result(query, [element("usync", about.attrs, [element("result"), element("list", {}, users)])]);
}

function contact({ people }: World, phone: string): BinaryNode {
  const person = people.find(({ number }) => `+${number}` === phone);
  const jid = person?.pn ?? `${phone.slice(1)}@s.whatsapp.net`;
  return element("user", { jid }, [element("contact", { type: person ? "in" : "out" }, phone)]);
}

function userElement(person: Person, jid: string, asked: ReadonlySet<string>): BinaryNode {
  const linked = person.devices.map(({ number }) =>
    element("device", { id: String(number), "key-index": String(number) }),
  );
  const devices = element("devices", {}, [element("device-list", {}, [element("device", { id: "0" }), ...linked])]);
  const lid = element("lid", { val: person.lid });
  const isLid = jid.endsWith("@lid");
  return element("user", { jid }, [
    ...(asked.has("devices") ? [devices] : []),
    ...(asked.has("lid") && !isLid ? [lid] : []),
  ]);
}

function groupMetadata({ world, device, query }: Question): BinaryNode {
  const group = world.groups.find(({ jid }) => jid === query.attrs.to);
  if (!group) return queryError(query, 404, "item-not-found");
  if (!group.members.has(device.owner)) return queryError(query, 403, "forbidden");
  return result(query, [groupElement(group)]);
}

function allGroups({ world, device, query }: Question): BinaryNode {
  const groups = world.groups.filter((group) => group.members.has(device.owner));
  return result(query, [element("groups", {}, groups.map(groupElement))]);
}

function leaveGroup({ world, device, query, about }: Question): BinaryNode {
  const left = new Set(childrenOf(about, "group").map(({ attrs }) => attrs.id));
  for (const group of world.groups) {
    if (left.has(group.jid)) group.members.delete(device.owner);
  }
  return result(query);
}

function noAppState({ query, about }: Question): BinaryNode {
  const same = childrenOf(about, "collection").map(({ attrs }) => {
    return element("collection", { name: attrs.name, version: attrs.version, type: "result" });
  });
  return result(query, [element("sync", {}, same)]);
}

function mediaConnection({ query, mediaHost }: Question): BinaryNode {
  const host = element("host", { hostname: mediaHost, maxContentLengthBytes: String(2 ** 31) });
  return result(query, [element("media_conn", { auth: "stand-in", ttl: "3600", max_buckets: "12" }, [host])]);
}
