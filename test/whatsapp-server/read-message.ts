import { type BinaryNode, normalizeMessageContent, proto, unpadRandomMax16 } from "baileys";
import type { Arrival } from "./messages.ts";
import { bigEndian, child, children, childrenOf, contentBytes, element } from "./nodes.ts";
import { addressOf, deviceNumber, findPerson, type Group, isGroup, type Person } from "./people.ts";
import type { Sealed } from "./signal-device.ts";
import { dispatch, seconds, type World } from "./world.ts";

interface Letter {
  person: Person;
  sealed: { type: string; ciphertext: Uint8Array };
}

/** Every simulated phone that the stanza is for opens its part. */
export async function readMessage(world: World, arrival: Arrival): Promise<void> {
  for (const letter of letters(world, arrival)) {
    try {
      note(arrival, letter.person, await open(arrival, letter));
    } catch (error) {
      arrival.unreadable.push({ person: letter.person, error: error instanceof Error ? error.message : String(error) });
    }
  }
}

/** What the phones tell the client: that it came, or that it must be sent again. */
export function answerFromPhones(world: World, arrival: Arrival): void {
  const { from, device, readBy, unreadable } = arrival;
  const received = world.faults.deliveryReceipts ? readBy.filter((person) => person !== from) : [];
  for (const person of received) dispatch(world, device, receipt(world, arrival, person));
  for (const { person } of unreadable) {
    const tries = world.arrivals.filter(
      ({ id, unreadable }) => id === arrival.id && unreadable.some((it) => it.person === person),
    );
    const retry = element("retry", { count: String(tries.length), id: arrival.id, t: seconds(world.now()), v: "1" });
    const registration = element("registration", {}, bigEndian(person.phone.registrationId, 4));
    dispatch(world, device, receipt(world, arrival, person, "retry", [retry, registration]));
  }
}

function receipt(
  world: World,
  { id, to, chat }: Arrival,
  person: Person,
  type?: string,
  content?: BinaryNode[],
): BinaryNode {
  const group = chat && isGroup(chat) ? chat : undefined;
  const by = group?.addressing ?? (to.endsWith("@lid") ? "lid" : "pn");
  const address = addressOf(person, by);
  const attrs = group ? { from: group.jid, participant: address } : { from: address };
  return element("receipt", { id, ...attrs, type, t: seconds(world.now()) }, content);
}

function letters(world: World, { node, chat }: Arrival): Letter[] {
  const sealed = (enc: BinaryNode) => ({ type: enc.attrs.type ?? "", ciphertext: contentBytes(enc) });
  const found: Letter[] = [];
  const address = (jid: string | undefined, encs: BinaryNode[]) => {
    const person = findPerson(world.people, jid);
    // The client also writes to its own device, and to other linked ones: they are no phones.
    if (!person || !jid || deviceNumber(jid) !== 0) return;
    found.push(...encs.map((enc) => ({ person, sealed: sealed(enc) })));
  };
  for (const to of children(child(node, "participants"))) address(to.attrs.jid, childrenOf(to, "enc"));
  for (const enc of childrenOf(node, "enc")) {
    if (enc.attrs.type === "skmsg" && chat && isGroup(chat)) found.push(...toAll(chat, sealed(enc)));
    else address(node.attrs.participant ?? node.attrs.to, [enc]);
  }
  return found;
}

const toAll = (group: Group, sealed: Letter["sealed"]): Letter[] =>
  [...group.members.keys()].map((person) => ({ person, sealed }));

/** @returns undefined for a part that only brings a group's key. */
async function open({ device, chat }: Arrival, { person, sealed }: Letter): Promise<proto.IMessage | undefined> {
  const plain =
    sealed.type === "skmsg" && chat && isGroup(chat)
      ? await person.phone.openGroup(chat.jid, device.lid, sealed.ciphertext)
      : await person.phone.open(device.lid, sealed as Sealed);
  const message = proto.Message.decode(unpadRandomMax16(plain));
  const { senderKeyDistributionMessage: key, ...rest } = message;
  if (key) await person.phone.takeSenderKey(device.lid, key);
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function note(arrival: Arrival, person: Person, message: proto.IMessage | undefined): void {
  if (!message) return;
  const content = message.deviceSentMessage?.message ?? message;
  arrival.readBy.push(person);
  arrival.content ??= content;
  arrival.text ??= textOf(content);
}

export function textOf(content: proto.IMessage): string | undefined {
  const inner = normalizeMessageContent(content) ?? content;
  const media = inner.imageMessage ?? inner.videoMessage ?? inner.documentMessage;
  const edited = inner.protocolMessage?.editedMessage;
  return (
    inner.conversation ||
    inner.extendedTextMessage?.text ||
    media?.caption ||
    (edited ? textOf(edited) : undefined) ||
    undefined
  );
}
