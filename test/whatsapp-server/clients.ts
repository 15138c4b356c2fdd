import type { BinaryNode } from "baileys";
import { answerQuery } from "./answer-query.ts";
import type { Connection, ConnectionEvents } from "./connection.ts";
import { type Candidate, completeLink, welcomeCandidate } from "./link.ts";
import { answerCodeLink, type CodeLink } from "./link-by-code.ts";
import { announceWaiting, deliverWaiting, recognise, welcomeDevice } from "./log-in.ts";
import { child, element, result } from "./nodes.ts";
import type { ClientFinish } from "./noise.ts";
import type { LinkedDevice } from "./people.ts";
import { receiveMessage } from "./receive.ts";
import { settle } from "./settle.ts";
import type { World } from "./world.ts";

export interface Stanza {
  from: LinkedDevice | undefined;
  node: BinaryNode;
}

/** Everybody who is connected, and who they are. */
export interface Clients {
  world: World;
  mediaHost: string;
  qrCodes: number;
  candidates: Candidate[];
  links: CodeLink[];
  stanzas: Stanza[];
  problems: unknown[];
  open: Set<Connection>;
}

/** What is done with whatever the clients send. */
export function handle(clients: Clients): ConnectionEvents {
  const { world, candidates, problems } = clients;
  const deviceOf = (connection: Connection) =>
    world.people.flatMap(({ devices }) => devices).find((device) => device.connection === connection);
  return {
    loggingIn: (connection: Connection, finish: ClientFinish) => {
      if (finish.payload.devicePairingData) candidates.push(welcomeCandidate(connection, finish, clients.qrCodes));
      else logIn(world, connection, finish);
      world.changed();
    },
    node: async (connection: Connection, node: BinaryNode) => {
      const device = deviceOf(connection);
      clients.stanzas.push({ from: device, node });
      const candidate = candidates.find((one) => one.connection === connection);
      if (candidate) candidateSays(clients, candidate, node);
      else if (device) await deviceSays(clients, device, node);
      world.changed();
    },
    closed: (connection: Connection) => {
      clients.open.delete(connection);
      const device = deviceOf(connection);
      if (device) Object.assign(device, { connection: undefined, online: false });
      const index = candidates.findIndex((one) => one.connection === connection);
      if (index >= 0) candidates.splice(index, 1);
      world.changed();
    },
    failed: (error: unknown) => void problems.push(error),
  };
}

function logIn(world: World, connection: Connection, finish: ClientFinish): void {
  const device = recognise(world, finish);
  const refused = world.faults.refuseLogin ?? (device ? undefined : 401);
  if (refused !== undefined) connection.end(element("failure", { reason: String(refused), location: "stand-in" }));
  else if (device) welcomeDevice(world, device, connection);
}

function candidateSays({ world, links }: Clients, candidate: Candidate, node: BinaryNode): void {
  if (node.tag !== "iq") return;
  if (node.attrs.type === "result") completeLink(candidate, node);
  else if (child(node, "link_code_companion_reg")) answerCodeLink(world, links, candidate, node);
  else candidate.connection.send(result(node));
}

async function deviceSays({ world, mediaHost }: Clients, device: LinkedDevice, node: BinaryNode): Promise<void> {
  if (node.tag === "message") return receiveMessage(world, device, node);
  if (node.tag === "receipt" || node.tag === "ack") return settle(world, device, node);
  if (child(node, "offline_batch")) return deliverWaiting(world, device);
  if (node.tag !== "iq" || !["get", "set", undefined].includes(node.attrs.type) || world.faults.unanswered(node))
    return;
  device.connection?.send(await answerQuery({ world, device, query: node, mediaHost }));
  if (child(node, "active")) announceWaiting(world, device);
  if (child(node, "remove-companion-device")) unlink(device);
}

export function unlink(device: LinkedDevice): void {
  const { devices } = device.owner;
  devices.splice(devices.indexOf(device), 1);
  device.connection?.end(streamError(401, element("conflict", { type: "device_removed" })));
}

export const streamError = (code?: number, why?: BinaryNode): BinaryNode =>
  code === undefined
    ? element("stream:error", {}, [element("conflict", { type: "replaced" })])
    : element("stream:error", { code: String(code) }, why ? [why] : undefined);
