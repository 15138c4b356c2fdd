import { randomBytes, randomUUID } from "node:crypto";
import { type BinaryNode, encodeWAMessage, normalizeMessageContent, type proto } from "baileys";
import type { Copy, Posted } from "./messages.ts";
import { element, SERVER } from "./nodes.ts";
import {
  type Addressing,
  addressOf,
  type Chat,
  type Group,
  isGroup,
  type LinkedDevice,
  type Person,
  senderKeyOf,
} from "./people.ts";
import type { KeyBundle, Sealed } from "./signal-device.ts";
import { dispatch, seconds, transmit, type World } from "./world.ts";

export interface PostOptions {
  id?: string;
  /** Which addresses the stanza names; default: LID, in groups the group's own way. */
  by?: Addressing;
  /** The stanza does not name the sender's other address. */
  alone?: boolean;
  /** When the phone says that it was written, in ms. */
  at?: number;
  /** Nobody can read its first copy. */
  spoiled?: boolean;
  /** The `edit` attribute: 1 edit, 7 deletion, 8 deletion by an admin. */
  edit?: string;
  /** From the own phone to the own devices alone, as history is. */
  peer?: boolean;
}

/** A message of a simulated phone, to all linked devices that get it: the recipients' and the sender's own. */
export function post(
  world: World,
  from: Person,
  chat: Chat,
  content: proto.IMessage,
  options: PostOptions = {},
): Promise<Posted> {
  const by = isGroup(chat) ? chat.addressing : (options.by ?? "lid");
  const id = options.id ?? `3A${randomBytes(9).toString("hex").toUpperCase()}`;
  const posted: Posted = { id, from, chat, content, by, copies: [] };
  world.posted.push(posted);
  return world.inOrder(async () => {
    for (const [device, node] of await sealFor(world, posted, options)) {
      posted.copies.push({ device, envelope: dispatch(world, device, node) });
    }
    return posted;
  });
}

/** The same id once more: as the very same bytes, or encrypted anew. */
export function repeat(world: World, posted: Posted, how: "same bytes" | "sealed anew"): Promise<void> {
  return world.inOrder(async () => {
    const same = new Map(posted.copies.map(({ device, envelope }) => [device, envelope.node]));
    for (const [device, node] of how === "same bytes" ? same : await sealFor(world, posted, {})) {
      posted.copies.push({ device, envelope: dispatch(world, device, node) });
    }
  });
}

/** What a phone does after a retry receipt: another session, and the message for this device alone. */
export function resend(world: World, posted: Posted, { device, envelope }: Copy, keys?: KeyBundle): Promise<void> {
  return world.inOrder(async () => {
    const { chat, from, content } = posted;
    await from.phone.meet(device.lid, keys ?? takeBundle(device));
    const whole = isGroup(chat) ? { ...content, ...distribution(chat, from) } : contentFor(posted, device);
    if (isGroup(chat)) senderKeyOf(chat, from).holders.add(device);
    const sealed = await from.phone.seal(device.lid, encodeWAMessage(whole));
    envelope.node = { ...envelope.node, content: [enc(sealed, { count: String(envelope.retries) })] };
    transmit(device, envelope);
    world.changed();
  });
}

async function sealFor(world: World, posted: Posted, options: PostOptions): Promise<Map<LinkedDevice, BinaryNode>> {
  const { chat, from } = posted;
  const people = options.peer ? [from] : isGroup(chat) ? [...chat.members.keys()] : [...new Set([chat, from])];
  const nodes = new Map<LinkedDevice, BinaryNode>();
  const forGroup = isGroup(chat) ? senderKeyOf(chat, from) : undefined;
  // Distributed as it was before this message took a step.
  const keys = forGroup && isGroup(chat) ? distribution(chat, from) : undefined;
  const shared = forGroup?.key.seal(encodeWAMessage(posted.content));
  for (const device of people.flatMap(({ devices }) => devices)) {
    const encs: BinaryNode[] = [];
    if (!forGroup?.holders.has(device)) {
      const content = keys ?? (options.peer ? posted.content : contentFor(posted, device));
      encs.push(enc(await seal(from, device, content)));
      forGroup?.holders.add(device);
    }
    if (shared) encs.push(enc({ type: "skmsg", ciphertext: shared }));
    nodes.set(device, stanza(world, posted, device, options, options.spoiled ? encs.map(spoil) : encs));
  }
  return nodes;
}

async function seal({ phone }: Person, device: LinkedDevice, content: proto.IMessage): Promise<Sealed> {
  if (!(await phone.knows(device.lid))) await phone.meet(device.lid, takeBundle(device));
  return phone.seal(device.lid, encodeWAMessage(content));
}

/** The client uploads more when it is told that few are left. */
const FEW_KEYS = 4;

export function takeBundle(device: LinkedDevice): KeyBundle {
  const oneTime = device.stock.shift();
  if (device.stock.length === FEW_KEYS) device.connection?.send(fewKeys(device));
  return { ...device.keys, oneTime };
}

export const fewKeys = ({ stock }: LinkedDevice): BinaryNode =>
  element("notification", { from: SERVER, type: "encrypt", id: randomUUID() }, [
    element("count", { value: String(stock.length) }),
  ]);

/** Lets read what this member writes from here on. */
function distribution(group: Group, person: Person): proto.IMessage {
  const axolotlSenderKeyDistributionMessage = senderKeyOf(group, person).key.distribution();
  return { senderKeyDistributionMessage: { groupId: group.jid, axolotlSenderKeyDistributionMessage } };
}

/** Own devices are told where it went. */
function contentFor({ chat, from, content, by }: Posted, device: LinkedDevice): proto.IMessage {
  if (isGroup(chat) || device.owner !== from) return content;
  return { deviceSentMessage: { destinationJid: addressOf(chat, by), message: content } };
}

function stanza(
  world: World,
  posted: Posted,
  device: LinkedDevice,
  options: PostOptions,
  encs: BinaryNode[],
): BinaryNode {
  const { id, from, content } = posted;
  const common = {
    id,
    type: stanzaType(content),
    t: seconds(options.at ?? world.now()),
    notify: from.name,
    edit: options.edit,
  };
  if (options.peer) return element("message", { ...common, from: from.pn, category: "peer" }, encs);
  const named = addresses(posted, device);
  const known = options.alone
    ? Object.entries(named).filter(([name]) => !/_(lid|pn)$/.test(name))
    : Object.entries(named);
  return element("message", { ...common, ...Object.fromEntries(known) }, encs);
}

function addresses({ chat, from, by }: Posted, device: LinkedDevice): Record<string, string> {
  const other: Addressing = by === "lid" ? "pn" : "lid";
  const address = addressOf(from, by);
  if (isGroup(chat)) {
    return {
      from: chat.jid,
      participant: address,
      [`participant_${other}`]: addressOf(from, other),
      addressing_mode: by,
    };
  }
  if (device.owner === from) {
    const peer = { recipient: addressOf(chat, by), [`peer_recipient_${other}`]: addressOf(chat, other) };
    return { from: address, ...peer, addressing_mode: by };
  }
  return { from: address, [`sender_${other}`]: addressOf(from, other), addressing_mode: by };
}

function enc(
  { type, ciphertext }: { type: string; ciphertext: Uint8Array },
  attrs: Record<string, string> = {},
): BinaryNode {
  return element("enc", { v: "2", type, ...attrs }, ciphertext);
}

function spoil(node: BinaryNode): BinaryNode {
  const bytes = Buffer.from(node.content as Uint8Array);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 0xff, bytes.length - 1);
  return { ...node, content: bytes };
}

function stanzaType(content: proto.IMessage): string {
  const inner = normalizeMessageContent(content) ?? content;
  if (inner.reactionMessage) return "reaction";
  if (inner.pollCreationMessage ?? inner.pollCreationMessageV3) return "poll";
  const media = [
    "imageMessage",
    "videoMessage",
    "audioMessage",
    "documentMessage",
    "stickerMessage",
    "contactMessage",
    "locationMessage",
  ] as const;
  return media.some((kind) => inner[kind]) ? "media" : "text";
}
