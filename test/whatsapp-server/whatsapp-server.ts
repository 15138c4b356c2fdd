import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { proto } from "baileys";
import { WebSocketServer } from "ws";
import { type Clients, handle, type Stanza, streamError, unlink } from "./clients.ts";
import { type Connection, serveConnection } from "./connection.ts";
import { text } from "./content.ts";
import type { Faults } from "./faults.ts";
import { changeGroup, type GroupChange } from "./group-events.ts";
import { approve, readQr } from "./link.ts";
import { enterCode } from "./link-by-code.ts";
import { type MediaHost, startMediaHost } from "./media.ts";
import type { Arrival, Posted } from "./messages.ts";
import { element } from "./nodes.ts";
import { createServerIdentity } from "./noise.ts";
import {
  type Chat,
  createGroup,
  createPerson,
  type Group,
  type GroupOptions,
  type LinkedDevice,
  type Person,
  type PersonOptions,
} from "./people.ts";
import { fewKeys, post, type PostOptions, repeat } from "./post.ts";
import { createWorld } from "./world.ts";

/** A WhatsApp Web server on loopback: the real client connects to it, all phones are simulated. */
export interface WhatsAppServer extends AsyncDisposable {
  /** For the client's `waWebSocketUrl`. */
  readonly url: string;
  /** The phone that links devices unless another one is named. */
  readonly phone: Person;
  readonly media: MediaHost;
  readonly faults: Faults;
  /** What `WA_CERT_DETAILS.PUBLIC_KEY` must be for a client that really checks signatures. */
  readonly trustedRoot: Uint8Array;
  /** Messages of linked devices in the order of arrival, repetitions included. */
  readonly received: Arrival[];
  /** Every stanza that a client sent. */
  readonly stanzas: Stanza[];
  /** What went wrong inside the server itself; empty in a sound test. */
  readonly problems: unknown[];
  /** How many clients are connected. */
  readonly connections: number;
  /** Stanzas that some device has not settled. */
  readonly waiting: number;

  person(options: PersonOptions): Person;
  group(options: GroupOptions): Group;
  change(group: Group, by: Person, change: GroupChange): void;

  /** Resolves when the device is linked and was told to connect anew (515). */
  scanQr(qr: string, by?: Person): Promise<LinkedDevice>;
  /** Waits for a client that asked for a code; rejects when this is not the one that it shows. */
  enterPairingCode(code: string, by?: Person): Promise<LinkedDevice>;
  /** On the phone: log this device out. */
  unlink(device: LinkedDevice): void;

  /** Resolves when it is under way, or waits for devices that are away. */
  send(from: Person, chat: Chat, content: string | proto.IMessage, options?: PostOptions): Promise<Posted>;
  repeat(posted: Posted, how: "same bytes" | "sealed anew"): Promise<void>;

  /** Waits until it holds; asked again whenever something happened here. */
  until(condition: () => boolean): Promise<void>;

  /** All connections, or one device's: gone without a word. */
  drop(device?: LinkedDevice): void;
  /** Open connections stay open and are dead; new ones work. */
  goDeaf(): void;
  /** `<stream:error>` to all devices; without a code it is `<conflict type=replaced>`. */
  streamError(code?: number): void;
  /** `<xmlstreamend/>` */
  endStreams(): void;
  releaseAcks(): void;
  /** Tells the device how many of its one-time keys are left, after taking all but `left`. */
  useUpKeys(device: LinkedDevice, left: number): void;
}

export interface ServerOptions {
  owner?: PersonOptions;
  /** How many QR codes a client may show before it must connect anew. */
  qrCodes?: number;
}

export async function startWhatsAppServer(options: ServerOptions = {}): Promise<WhatsAppServer> {
  const { owner = { name: "Olga" }, qrCodes = 6 } = options;
  const { world, until } = createWorld();
  const identity = createServerIdentity();
  const media = await startMediaHost();
  const clients: Clients = {
    world,
    mediaHost: media.host,
    qrCodes,
    candidates: [],
    links: [],
    stanzas: [],
    problems: [],
    open: new Set(),
  };
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  // A reset before the handshake is what an unreachable server looks like.
  http.on("connection", (socket) => void (world.faults.reachable || socket.resetAndDestroy()));
  sockets.on("connection", (socket) => void clients.open.add(serveConnection(socket, identity, handle(clients))));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  const person = (about: PersonOptions): Person => remember(world.people, createPerson(about));
  const phone = person(owner);
  const toAll = (action: (connection: Connection) => void) => {
    for (const connection of clients.open) action(connection);
  };
  return {
    ...{ url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/ws/chat`, phone, media, person, until },
    ...{ faults: world.faults, received: world.arrivals, stanzas: clients.stanzas, problems: clients.problems },
    trustedRoot: identity.root.public,
    get connections() {
      return clients.open.size;
    },
    get waiting() {
      const devices = world.people.flatMap((one) => one.devices);
      return devices.reduce((sum, { mailbox }) => sum + mailbox.unsettled().length, 0);
    },
    group: (about) => remember(world.groups, createGroup(about, world.now())),
    change: (group, by, change) => changeGroup(world, group, by, change),
    scanQr: (qr, by = phone) => {
      const { ref, noiseKey, advSecret } = readQr(qr);
      const candidate = clients.candidates.find((one) => one.refs.includes(ref) && one.noiseKey.equals(noiseKey));
      return candidate ? approve(candidate, by, advSecret) : Promise.reject(new Error("this QR code has expired"));
    },
    enterPairingCode: async (code, by = phone) => {
      const waits = () => clients.links.findLast((link) => link.owner === by && link.candidate.connection.open);
      await until(() => waits() !== undefined);
      const link = waits();
      if (!link) throw new Error("the client that asked for a code has gone");
      return enterCode(link, code.replace("-", ""));
    },
    unlink,
    send: (from, chat, content, how) =>
      post(world, from, chat, typeof content === "string" ? text(content) : content, how),
    repeat: (posted, how) => repeat(world, posted, how),
    drop: (device) => (device ? device.connection?.drop() : toAll((connection) => connection.drop())),
    goDeaf: () => toAll((connection) => connection.goDeaf()),
    streamError: (code) => toAll((connection) => connection.end(streamError(code))),
    endStreams: () => toAll((connection) => connection.end(element("xmlstreamend"))),
    releaseAcks: () => {
      for (const release of world.held.splice(0)) release();
    },
    useUpKeys: (device, left) => {
      device.stock.splice(left);
      device.connection?.send(fewKeys(device));
    },
    [Symbol.asyncDispose]: async () => {
      toAll((connection) => connection.drop());
      await closed(http, sockets);
      await media[Symbol.asyncDispose]();
      for (const one of world.people) one.phone[Symbol.dispose]();
    },
  };
}

function remember<T>(all: T[], one: T): T {
  all.push(one);
  return one;
}

async function closed(http: Server, sockets: WebSocketServer): Promise<void> {
  sockets.close();
  http.closeAllConnections();
  http.close();
  await once(http, "close");
}
