import { mkdirSync } from "node:fs";
import type { Clock } from "../../domain/clock.ts";
import type { Folder, Jid } from "../../domain/ids.ts";
import type { Log } from "../../domain/log.ts";
import type { Attachment } from "../../domain/message.ts";
import { download } from "./download.ts";
import type { WhatsAppLedger } from "./ledger.ts";
import { mimeInWords } from "./media-file-kind.ts";
import type { Media } from "./read-content-media.ts";

export interface FetchMediaOptions {
  ledger: Pick<WhatsAppLedger, "folderOf">;
  inboxFolder(folder: Folder): string;
  /** The server that is not WhatsApp's own may have files of its own. */
  url: string | undefined;
  clock: Clock;
  log: Log;
}

export type FetchMedia = (media: Media, chat: Jid, stem: string, signal: AbortSignal) => Promise<Attachment>;

/** WhatsApp's own limit for documents is 2 GB: too much for a disk that a stranger can write to. */
const LIMIT_BYTES = 64 * 2 ** 20;
const PAUSES_MS = [2_000, 8_000];
/** The chat's next message waits for this file. */
const ALL_TRIES_MS = 90_000;
const AT_ONCE = 3;

/** A file of a message, tried a few times; what cannot be had is named, never waited for without end. */
export function createFetchMedia(options: FetchMediaOptions): FetchMedia {
  const slots = createSlots(AT_ONCE);
  const allowedHost = ownHost(options.url);
  return async (media, chat, stem, signal) => {
    const about = { kind: media.kind, name: media.name, mime: media.mime, bytes: media.bytes };
    const folder = options.ledger.folderOf(chat);
    if (folder === undefined) return { ...about, path: null, problem: "this chat is not answered" };
    const into = options.inboxFolder(folder);
    const problem = makeFolder(into);
    if (problem !== undefined) return { ...about, path: null, problem };
    using _slot = await slots.take();
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ALL_TRIES_MS)]);
    for (const pause of [...PAUSES_MS, undefined]) {
      const got = await download(media, { folder: into, stem, limit: LIMIT_BYTES, signal: deadline, ...allowedHost });
      if (got.ok) {
        const mime = mimeInWords(media.mime, got.looksLike);
        return { ...about, mime, path: `inbox/${got.file}`, bytes: got.bytes, problem: null };
      }
      options.log.info({ chat, problem: got.problem }, "A file could not be fetched");
      if (!got.again || pause === undefined || deadline.aborted) return { ...about, path: null, problem: got.problem };
      await options.clock.sleep(pause, deadline);
    }
    throw new Error("unreachable");
  };
}

/** In words, when it cannot be used. */
function makeFolder(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return undefined;
  } catch (error) {
    return `the folder for files cannot be used: ${(error as Error).message}`;
  }
}

/** A server that is named in the settings may serve files from its own host. */
function ownHost(url: string | undefined): { allowedHost?: (host: string) => boolean } {
  if (url === undefined) return {};
  const own = new URL(url).hostname;
  return { allowedHost: (host) => host === own };
}

function createSlots(count: number): { take(): Promise<Disposable> } {
  let free = count;
  const waiting: (() => void)[] = [];
  const give = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    take: async () => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
      return { [Symbol.dispose]: give };
    },
  };
}
