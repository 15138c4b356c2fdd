import { randomInt } from "node:crypto";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PROTOCOL_VERSION, REQUEST_MAX_BYTES, type Request } from "../protocol/index.ts";
import type { ToolOutcome } from "../backends/backend.ts";
import { awaitResponse } from "./await-response.ts";

/** Whose requests these are. The host believes the folder they lie in, not this. */
export interface Requester {
  ipcDir: string;
  turn: string;
  attempt: number;
  /** JID of the chat of the turn. */
  chat: string;
}

export interface HostRequests {
  /** Never rejects for what the host says or does not say; rejects when the exchange folder is unusable. */
  call(tool: string, args: unknown, signal?: AbortSignal, enclosure?: Enclosure): Promise<ToolOutcome>;
}

/** What the host looks for under the request's id. */
export interface Enclosure {
  /** Before the request is asked. @returns why it cannot be, in words. */
  put(id: string): Promise<string | undefined>;
  /** The request could not be asked. */
  remove(id: string): Promise<void>;
}

const ANSWER_LIMIT_MS = 60_000;

/** Asks the host through files, one request per call; calls may overlap. */
export function createHostRequests(requester: Requester, limitMs = ANSWER_LIMIT_MS): HostRequests {
  const { ipcDir, turn, attempt, chat } = requester;
  return {
    async call(tool, args, signal, enclosure) {
      const request = { protocol: PROTOCOL_VERSION, turn, attempt, chat, tool, args } satisfies Request;
      const content = JSON.stringify(request);
      const bytes = Buffer.byteLength(content);
      if (bytes > REQUEST_MAX_BYTES) return tooLarge(bytes);
      const id = newRequestId();
      const problem = await enclosure?.put(id);
      if (problem !== undefined) return { ok: false, error: `${problem}. Nothing was done.` };
      try {
        await submit(join(ipcDir, "requests"), id, content);
      } catch (error) {
        await enclosure?.remove(id);
        throw error;
      }
      return awaitResponse(join(ipcDir, "responses"), id, limitMs, signal);
    },
  };
}

/** The host sees only complete files: names that start with a dot are not requests. */
async function submit(folder: string, id: string, content: string): Promise<void> {
  const temporary = join(folder, `.${id}.tmp`);
  await writeFile(temporary, content, { flag: "wx", mode: 0o600 });
  await rename(temporary, join(folder, `${id}.json`));
}

function newRequestId(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  return Array.from({ length: 16 }, () => alphabet[randomInt(alphabet.length)]).join("");
}

function tooLarge(bytes: number): ToolOutcome {
  const error = `This request has ${bytes} bytes, more than the ${REQUEST_MAX_BYTES} that are allowed. Nothing was done.`;
  return { ok: false, error };
}
