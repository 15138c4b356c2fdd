import { randomUUID } from "node:crypto";
import { deflateSync } from "node:zlib";
import { proto } from "baileys";
import type { Connection } from "./connection.ts";
import { element, SERVER } from "./nodes.ts";
import type { ClientFinish } from "./noise.ts";
import type { LinkedDevice, Person } from "./people.ts";
import { post } from "./post.ts";
import { seconds, type World } from "./world.ts";

/** The linked device that this client is, by number and static key. */
export function recognise(world: World, { key, payload }: ClientFinish): LinkedDevice | undefined {
  const owner = world.people.find(({ number }) => number === String(payload.username));
  return owner?.devices.find((device) => device.number === payload.device && device.noiseKey.equals(key));
}

export function welcomeDevice(world: World, device: LinkedDevice, connection: Connection): void {
  device.connection?.end(element("stream:error", {}, [element("conflict", { type: "replaced" })]));
  Object.assign(device, { connection, online: false });
  connection.send(element("success", { t: seconds(world.now()), lid: device.lid }));
}

/** The client has said that it is ready: first it is told how much waits for it. */
export function announceWaiting(world: World, device: LinkedDevice): void {
  const waiting = device.mailbox.unsettled();
  if (waiting.length === 0) return deliverWaiting(world, device);
  const count = String(waiting.length);
  const messages = String(waiting.filter(({ node }) => node.tag === "message").length);
  device.connection?.send(element("ib", { from: SERVER }, [element("offline_preview", { count, message: messages })]));
}

/** What the device has not settled, marked as late; then it is live. */
export function deliverWaiting(world: World, device: LinkedDevice): void {
  const { connection } = device;
  if (!connection || device.online) return;
  const waiting = device.mailbox.unsettled();
  for (const [index, envelope] of waiting.entries()) {
    envelope.deliveries += 1;
    // The one of an earlier connection will not come any more.
    envelope.nackExpected = false;
    connection.send({ ...envelope.node, attrs: { ...envelope.node.attrs, offline: String(index) } });
  }
  connection.send(element("ib", { from: SERVER }, [element("offline", { count: String(waiting.length) })]));
  device.online = true;
  device.logins += 1;
  if (!device.hadHistory && world.faults.history) {
    device.hadHistory = true;
    void sendHistory(world, device.owner);
  }
  world.changed();
}

/** An empty one: it ends the client's wait for it. */
async function sendHistory(world: World, owner: Person): Promise<void> {
  const syncType = proto.HistorySync.HistorySyncType.INITIAL_BOOTSTRAP;
  const payload = proto.HistorySync.encode({ syncType, conversations: [] }).finish();
  const historySyncNotification = {
    syncType: proto.Message.HistorySyncType.INITIAL_BOOTSTRAP,
    initialHistBootstrapInlinePayload: deflateSync(payload),
    chunkOrder: 0,
    progress: 100,
  };
  const type = proto.Message.ProtocolMessage.Type.HISTORY_SYNC_NOTIFICATION;
  await post(
    world,
    owner,
    owner,
    { protocolMessage: { type, historySyncNotification } },
    { peer: true, id: randomUUID() },
  );
}
