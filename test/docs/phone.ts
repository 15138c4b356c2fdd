import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { decodeQR } from "qr/decode.js";
import type { Group, LinkedDevice } from "../whatsapp-server/people.ts";
import { startWhatsAppServer, type WhatsAppServer } from "../whatsapp-server/whatsapp-server.ts";

/** Whose phone it is on the pages. */
export const NUMBER = "4915200000001";

/** A WhatsApp server, and a person with a phone in one hand while the other one types commands. */
export interface Phone extends AsyncDisposable {
  server: WhatsAppServer;
  /** The group that the pages speak of. */
  plans: Group;
  /** What the program must know to come here. */
  env: Record<string, string>;
  /** The device that was linked last, unless the phone has removed it. */
  device(): LinkedDevice | undefined;
}

/** @param auth the folder where `auth` leaves its codes: what is shown there is scanned, or typed. */
export async function openPhone(auth: string): Promise<Phone> {
  const server = await startWhatsAppServer({ owner: { name: "Olga", number: NUMBER } });
  const ann = server.person({ name: "Ann", number: "4915200000002" });
  const plans = server.group({ subject: "Plans", members: [server.phone, ann] });
  const over = new AbortController();
  const watching = watchCodes(server, auth, over.signal);
  return {
    ...{ server, plans },
    env: {
      ...{ NANOCLAW_WHATSAPP_URL: server.url, NODE_EXTRA_CA_CERTS: server.media.caFile },
      ...{ NANOCLAW_WHATSAPP_RATE: "0", NANOCLAW_WHATSAPP_CHAT_RATE: "0" },
    },
    device: () => server.phone.devices.at(-1),
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await watching;
      await server[Symbol.asyncDispose]();
    },
  };
}

async function watchCodes(server: WhatsAppServer, folder: string, signal: AbortSignal): Promise<void> {
  const seen = new Set<string>();
  const isNew = (text: string) => text !== "" && !seen.has(text) && seen.add(text).size > 0;
  // A code that expired meanwhile is followed by another one; what is wrong shows in the command.
  const ignore = () => {};
  while (!signal.aborted) {
    const [code, drawing] = [read(join(folder, "pairing-code.txt")), read(join(folder, "qr.txt"))];
    if (isNew(code)) void server.enterPairingCode(code).catch(ignore);
    if (isNew(drawing)) void server.scanQr(scan(drawing)).catch(ignore);
    await delay(50);
  }
}

const read = (path: string): string => {
  try {
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd() : "";
  } catch {
    return ""; // it went meanwhile
  }
};

const SCALE = 4;

/** Reads a code as a phone does that is held before a dark terminal: what is drawn is light. */
export function scan(drawing: string): string {
  const rows = drawing
    .split("\n")
    .flatMap((line) => [
      [...line].map((character) => "█▀".includes(character)),
      [...line].map((character) => "█▄".includes(character)),
    ]);
  const [width, height] = [Math.max(...rows.map((row) => row.length)) * SCALE, rows.length * SCALE];
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at += 1) {
    const light = rows[Math.floor(Math.floor(at / width) / SCALE)]?.[Math.floor((at % width) / SCALE)] === true;
    if (!light) data.fill(0, at * 4, at * 4 + 3);
  }
  return decodeQR({ width, height, data }, { timeLimit: 5_000 });
}
