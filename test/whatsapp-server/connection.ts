import { type BinaryNode, decodeBinaryNode, encodeBinaryNode } from "baileys";
import type { WebSocket } from "ws";
import { type ClientFinish, createHandshake, type ServerIdentity, type Transport } from "./noise.ts";

/** One client's socket after the handshake. */
export interface Connection {
  /** Does nothing on a closed connection: what was written then is lost, as on a network. */
  send(node: BinaryNode): void;
  /** Writes the node, if there is one, and closes. */
  end(last?: BinaryNode): void;
  /** Gone, without a word. */
  drop(): void;
  /** From now on nothing is heard or said, though the socket stays open. */
  goDeaf(): void;
  readonly open: boolean;
}

export interface ConnectionEvents {
  loggingIn(connection: Connection, finish: ClientFinish): void;
  node(connection: Connection, node: BinaryNode): void | Promise<void>;
  closed(connection: Connection): void;
  failed(error: unknown): void;
}

export function serveConnection(socket: WebSocket, identity: ServerIdentity, events: ConnectionEvents): Connection {
  const handshake = createHandshake(identity);
  let transport: Transport | undefined;
  let greeted = false;
  let deaf = false;
  let work = Promise.resolve();

  const write = (body: Uint8Array) => {
    if (!deaf && socket.readyState === socket.OPEN) socket.send(frame(body));
  };
  const connection: Connection = {
    send: (node) => {
      if (transport && connection.open) write(transport.seal(encodeBinaryNode(node)));
    },
    end: (last) => {
      if (last) connection.send(last);
      socket.close();
    },
    drop: () => socket.terminate(),
    goDeaf: () => {
      deaf = true;
    },
    get open() {
      return socket.readyState === socket.OPEN;
    },
  };
  const take = async (body: Buffer) => {
    if (transport) {
      await events.node(connection, await decodeBinaryNode(transport.open(body)));
    } else if (greeted) {
      const finish = handshake.finish(body);
      ({ transport } = finish);
      events.loggingIn(connection, finish);
    } else {
      greeted = true;
      write(handshake.hello(body));
    }
  };
  const read = createFrameReader((body) => {
    // In the order of arrival, though decoding and decrypting are asynchronous.
    work = work.then(() => (deaf ? undefined : take(body))).catch(events.failed);
  });
  socket.on("message", (data) => read(data as Buffer));
  socket.on("error", () => undefined); // "close" follows
  socket.on("close", () => events.closed(connection));
  return connection;
}

function frame(body: Uint8Array): Buffer {
  const length = Buffer.alloc(3);
  length.writeUIntBE(body.byteLength, 0, 3);
  return Buffer.concat([length, body]);
}

/** Cuts a stream into frames; before the first one stands `WA 06 03`, and routing information before that. */
function createFrameReader(onFrame: (body: Buffer) => void): (data: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  let intro = true;
  return (data) => {
    pending = Buffer.concat([pending, data]);
    if (intro) {
      const routing = pending.toString("latin1", 0, 2) === "ED" ? 7 + pending.readUIntBE(4, 3) : 0;
      pending = pending.subarray(routing + 4);
      intro = false;
    }
    while (pending.length >= 3 && pending.length >= 3 + pending.readUIntBE(0, 3)) {
      const end = 3 + pending.readUIntBE(0, 3);
      const body = pending.subarray(3, end);
      pending = pending.subarray(end);
      onFrame(body);
    }
  };
}
