import type { BinaryNode } from "baileys";
import type { Arrival } from "./messages.ts";
import { element } from "./nodes.ts";
import { findPerson, isGroup, type LinkedDevice } from "./people.ts";
import { answerFromPhones, readMessage } from "./read-message.ts";
import { seconds, type World } from "./world.ts";

/** A message of a linked device: acknowledged as the faults say, then read by the phones that it is for. */
export async function receiveMessage(world: World, device: LinkedDevice, node: BinaryNode): Promise<void> {
  const arrival = toArrival(world, device, node);
  const { acks } = world.faults;
  const rule = typeof acks === "function" ? acks(arrival) : acks;
  world.arrivals.push(arrival);
  if (rule === "lost") {
    arrival.ack = "lost";
    return world.changed();
  }
  const refused = typeof rule === "object" && "refuse" in rule ? rule.refuse : refusal(arrival);
  if (refused !== undefined) {
    arrival.ack = { refused };
    device.connection?.send(ack(world, node, refused));
    return world.changed();
  }
  const acknowledge = () => {
    arrival.ack = "acked";
    device.connection?.send(ack(world, node));
    world.changed();
  };
  if (rule === "at once") acknowledge();
  if (rule === "held") world.held.push(acknowledge);
  if (typeof rule === "object" && "after" in rule) setTimeout(acknowledge, rule.after).unref();
  await readMessage(world, arrival);
  answerFromPhones(world, arrival);
  world.changed();
}

function toArrival({ people, groups }: World, device: LinkedDevice, node: BinaryNode): Arrival {
  const { id = "", to = "", category } = node.attrs;
  const chat = groups.find(({ jid }) => jid === to) ?? findPerson(people, node.attrs.recipient ?? to);
  return {
    ...{ id, to, chat, node, device, from: device.owner, peer: category === "peer", ack: "withheld" },
    ...{ content: undefined, text: undefined, readBy: [], unreadable: [] },
  };
}

/** Groups that one is not in, and announcements that are the admins' to make. */
function refusal({ chat, from }: Arrival): number | undefined {
  if (!chat || !isGroup(chat)) return undefined;
  const role = chat.members.get(from);
  return role === undefined || (role === "member" && chat.announceOnly) ? 403 : undefined;
}

function ack(world: World, { attrs }: BinaryNode, error?: number): BinaryNode {
  const { id, to, participant } = attrs;
  const about = { class: "message", id, from: to, participant };
  return element("ack", { ...about, t: seconds(world.now()), error: error === undefined ? undefined : String(error) });
}
