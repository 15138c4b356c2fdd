import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { getMediaKeys, type MediaType } from "baileys";
import { createCertificate } from "./tls-certificate.ts";

/** What a message says of its file; spread it into an image, document, audio or video message. */
export interface MediaFields {
  url: string;
  directPath: string;
  mediaKey: Buffer;
  fileSha256: Buffer;
  fileEncSha256: Buffer;
  fileLength: number;
}

export type MediaFault = "gone" | "cut" | "spoiled" | "stalled";

/** The host that files lie on, over HTTPS on loopback. */
export interface MediaHost extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Trust it: by `NODE_EXTRA_CA_CERTS` in another process, by an agent or `tls.setDefaultCACertificates` in this one. */
  readonly caFile: string;
  readonly ca: string;
  put(bytes: Uint8Array, type: MediaType): Promise<MediaFields>;
  /** That many zeros, which are made while they are fetched. */
  putZeros(length: number, type: MediaType, claimed?: number): Promise<MediaFields>;
  /** How the file is served from now on. */
  fail(file: { directPath: string }, fault: MediaFault | undefined): void;
  /** Paths in the order in which they were fetched. */
  readonly fetched: string[];
  /** Decrypts what a client uploaded. */
  open(file: { directPath?: string | null; mediaKey?: Uint8Array | null }, type: MediaType): Promise<Buffer>;
}

interface StoredFile {
  read: () => Iterable<Uint8Array>;
  length: number;
  fault: MediaFault | undefined;
}

const MAC_LENGTH = 10;

export async function startMediaHost(): Promise<MediaHost> {
  const folder = mkdtempSync(join(tmpdir(), "whatsapp-media-"));
  const { key, cert } = createCertificate();
  const files = new Map<string, StoredFile>();
  const fetched: string[] = [];
  const server = createServer({ key, cert }, (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "https://localhost");
    const work = request.method === "POST" ? store(request, response, pathname) : serve(response, pathname);
    work.catch(() => response.destroy());
  });
  const store = async (request: IncomingMessage, response: ServerResponse, path: string) => {
    const bytes = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    files.set(path, { read: () => [bytes], length: bytes.length, fault: undefined });
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ url: `https://${host}${path}`, direct_path: path }));
  };
  const serve = async (response: ServerResponse, path: string) => {
    fetched.push(path);
    const file = files.get(path);
    if (!file || file.fault === "gone") return void response.writeHead(410).end();
    response.setHeader("content-length", file.length);
    if (file.fault === "stalled") return void response.flushHeaders();
    await pipeline(Readable.from(served(file)), response);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const caFile = join(folder, "ca.pem");
  writeFileSync(caFile, cert);
  const keep = (file: Omit<StoredFile, "fault">, about: Omit<MediaFields, "url" | "directPath">): MediaFields => {
    const directPath = `/v/${randomBytes(12).toString("hex")}`;
    files.set(directPath, { ...file, fault: undefined });
    return { ...about, directPath, url: `https://${host}${directPath}` };
  };
  return {
    ...{ host, caFile, ca: cert, fetched },
    put: async (bytes, type) => {
      const mediaKey = randomBytes(32);
      const sealed = await seal(bytes, mediaKey, type);
      const hashes = { fileSha256: sha256(bytes), fileEncSha256: sha256(sealed) };
      return keep({ read: () => [sealed], length: sealed.length }, { mediaKey, ...hashes, fileLength: bytes.length });
    },
    putZeros: async (length, type, claimed = length) => {
      const mediaKey = randomBytes(32);
      const keys = await getMediaKeys(mediaKey, type);
      const whole = length - (length % 16) + 16 + MAC_LENGTH;
      const unknown = { fileSha256: randomBytes(32), fileEncSha256: randomBytes(32) };
      return keep({ read: () => zeros(length, keys), length: whole }, { mediaKey, ...unknown, fileLength: claimed });
    },
    fail: ({ directPath }, fault) => {
      const file = files.get(directPath);
      if (file) file.fault = fault;
    },
    open: async ({ directPath, mediaKey }, type) => {
      const sealed = Buffer.concat([...(files.get(directPath ?? "")?.read() ?? [])]);
      return unseal(sealed, mediaKey ?? Buffer.alloc(0), type);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function* served({ read, length, fault }: StoredFile): Generator<Uint8Array> {
  let left = fault === "cut" ? Math.floor(length / 2) : length;
  for (const chunk of read()) {
    if (left <= 0) break;
    const bytes = Buffer.from(chunk.subarray(0, left));
    left -= bytes.length;
    if (fault === "spoiled") bytes.reverse();
    yield bytes;
  }
  if (fault === "cut") throw new Error("cut off");
}

type MediaKeys = Awaited<ReturnType<typeof getMediaKeys>>;

async function seal(bytes: Uint8Array, mediaKey: Uint8Array, type: MediaType): Promise<Buffer> {
  const keys = await getMediaKeys(mediaKey, type);
  const cipher = createCipheriv("aes-256-cbc", keys.cipherKey, keys.iv);
  const sealed = Buffer.concat([cipher.update(bytes), cipher.final()]);
  return Buffer.concat([sealed, mac(keys, sealed)]);
}

async function unseal(bytes: Buffer, mediaKey: Uint8Array, type: MediaType): Promise<Buffer> {
  const keys = await getMediaKeys(mediaKey, type);
  const [sealed, tag] = [bytes.subarray(0, -MAC_LENGTH), bytes.subarray(-MAC_LENGTH)];
  if (!tag.equals(mac(keys, sealed))) throw new Error("the upload is not authentic");
  const cipher = createDecipheriv("aes-256-cbc", keys.cipherKey, keys.iv);
  return Buffer.concat([cipher.update(sealed), cipher.final()]);
}

function* zeros(length: number, keys: MediaKeys): Generator<Uint8Array> {
  const cipher = createCipheriv("aes-256-cbc", keys.cipherKey, keys.iv);
  const hmac = createHmac("sha256", keys.macKey ?? Buffer.alloc(0)).update(keys.iv);
  const emit = (chunk: Buffer) => {
    hmac.update(chunk);
    return chunk;
  };
  const block = Buffer.alloc(2 ** 20);
  for (let left = length; left > 0; left -= block.length) yield emit(cipher.update(block.subarray(0, left)));
  yield emit(cipher.final());
  yield hmac.digest().subarray(0, MAC_LENGTH);
}

const mac = ({ macKey, iv }: MediaKeys, sealed: Buffer): Buffer =>
  createHmac("sha256", macKey ?? Buffer.alloc(0))
    .update(iv)
    .update(sealed)
    .digest()
    .subarray(0, MAC_LENGTH);

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
