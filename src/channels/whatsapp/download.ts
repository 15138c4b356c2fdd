import { DEFAULT_ORIGIN, getMediaKeys } from "baileys";
import { addressOf, type AllowedHost, isWhatsAppHost, permitted } from "./download-address.ts";
import { createPatience, type Patience, type PatienceLimits } from "./download-patience.ts";
import { createUnsealer, type Unsealer } from "./download-unseal.ts";
import { HEAD_BYTES, looksLike } from "./media-file-kind.ts";
import { createMediaFile, MediaFileError } from "./media-file.ts";
import type { Media } from "./read-content-media.ts";
import { safeName } from "./safe-name.ts";

export interface DownloadOptions extends Partial<PatienceLimits> {
  /** The host's; it is made when it is missing. */
  folder: string;
  /** Unique in the folder; the file's name begins with it. A repeated download replaces the file. */
  stem: string;
  /** Largest file, in bytes. */
  limit?: number;
  allowedHost?: AllowedHost;
  fetch?: typeof fetch;
  signal: AbortSignal;
}

export type Download =
  | {
      ok: true;
      /** Name within the folder. */
      file: string;
      bytes: number;
      /** What its first bytes say; null when they are of no kind known here. */
      looksLike: string | null;
    }
  | {
      ok: false;
      /** For people and the agent: "the file could not be had: …". */
      problem: string;
      /** Another try may succeed. */
      again: boolean;
    };

export const DEFAULT_MEDIA_LIMIT = 64 * 2 ** 20;
const IDLE_MS = 30_000;
const WHOLE_MS = 5 * 60_000;
const MOST_REDIRECTS = 3;
const BROKEN = "the download broke off";

class Refusal extends Error {
  readonly again: boolean;
  constructor(problem: string, again: boolean) {
    super(problem);
    this.again = again;
  }
}

/**
 * Fetches, opens and verifies a file. It has its name only when all of it is there; whatever goes
 * wrong leaves nothing. Baileys' own way ends the process when a connection breaks off. Never rejects.
 */
export async function download(media: Media, options: DownloadOptions): Promise<Download> {
  const { idleMs = IDLE_MS, wholeMs = WHOLE_MS, limit = DEFAULT_MEDIA_LIMIT } = options;
  using patience = createPatience(options.signal, { idleMs, wholeMs });
  try {
    if (media.bytes !== null && media.bytes > limit) throw tooLarge(media.bytes, limit);
    const response = await request(media, options, patience, limit);
    return await save(response, media, options, patience, limit);
  } catch (error) {
    return { ok: false, ...failure(error, patience) };
  }
}

/** The response itself: Node ends a body that nobody reads yet when its response is out of reach. */
async function request(media: Media, options: DownloadOptions, { signal }: Patience, limit: number): Promise<Response> {
  const { allowedHost = isWhatsAppHost, fetch: get = fetch } = options;
  let address = addressOf(media, allowedHost);
  for (let redirects = 0; address && redirects <= MOST_REDIRECTS; redirects += 1) {
    const headers = { origin: DEFAULT_ORIGIN, "accept-encoding": "identity" };
    const response = await get(address, { headers, redirect: "manual", signal });
    if (response.ok && response.body) return checkLength(response, limit);
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (!location || response.status < 300 || response.status > 399) throw refusedBy(response.status);
    address = permitted(URL.parse(location, address.href), allowedHost);
  }
  throw new Refusal("it does not lie on WhatsApp's servers", false);
}

/** Padding and HMAC add 11 to 26 bytes. */
async function checkLength(response: Response, limit: number): Promise<Response> {
  const length = Number(response.headers.get("content-length") ?? 0);
  if (length <= limit + 26) return response;
  await response.body?.cancel();
  throw tooLarge(length, limit);
}

async function save(
  response: Response,
  media: Media,
  options: DownloadOptions,
  patience: Patience,
  limit: number,
): Promise<Download> {
  const { folder, stem } = options;
  const unsealer = createUnsealer(await getMediaKeys(media.mediaKey, media.mediaType), media.fileSha256);
  await using file = await createMediaFile(folder, stem);
  let bytes = 0;
  let head = Buffer.alloc(0);
  const write = async (plain: Buffer) => {
    bytes += plain.length;
    if (bytes > limit) throw new Refusal(`it has more than the limit of ${size(limit)}`, false);
    if (head.length < HEAD_BYTES) head = Buffer.concat([head, plain.subarray(0, HEAD_BYTES)]);
    await file.write(plain);
  };
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    patience.heard();
    await write(unsealer.take(chunk));
    patience.heard();
  }
  await write(lastOf(unsealer, bytes, media.bytes));
  // Aborted while the last of it was on its way: nobody waits for it any more.
  patience.signal.throwIfAborted();
  const name = safeName(media.name, media.mime, stem);
  await file.keep(name);
  return { ok: true, file: name, bytes, looksLike: looksLike(head) };
}

function lastOf(unsealer: Unsealer, bytes: number, claimed: number | null): Buffer {
  try {
    return unsealer.end();
  } catch {
    // The last block is still missing here.
    if (claimed !== null && bytes + 16 < claimed) throw new Refusal(BROKEN, true);
    throw new Refusal("it arrived damaged", false);
  }
}

function failure(error: unknown, patience: Patience): { problem: string; again: boolean } {
  if (error instanceof Refusal) return { problem: error.message, again: error.again };
  const verdict = patience.verdict();
  if (verdict !== null) return { problem: verdict, again: true };
  if (error instanceof MediaFileError) return { problem: error.message, again: true };
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
  return { problem: code === undefined ? BROKEN : `${BROKEN} (${code})`, again: true };
}

function refusedBy(status: number): Refusal {
  const gone = [403, 404, 410].includes(status);
  if (gone) return new Refusal("WhatsApp's servers do not have it any more", false);
  return new Refusal(`WhatsApp's servers refused it (HTTP ${status})`, status === 429 || status >= 500);
}

const tooLarge = (bytes: number, limit: number): Refusal =>
  new Refusal(`it has ${size(bytes)}; the limit is ${size(limit)}`, false);

function size(bytes: number): string {
  const [unit, name] = bytes < 2 ** 30 ? [2 ** 20, "MiB"] : [2 ** 30, "GiB"];
  return `${Number((bytes / unit).toPrecision(3))} ${name}`;
}
