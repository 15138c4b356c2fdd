import { keepKeysOffConsole } from "../src/channels/whatsapp/quiet-console.ts";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { openWhatsAppHost, type WhatsAppHost } from "../test/system/whatsapp-host.ts";
import type { Person } from "../test/whatsapp-server/people.ts";
import type { WhatsAppServer } from "../test/whatsapp-server/whatsapp-server.ts";
import { row, type Row } from "./table.ts";

const ROUNDS = 60;
const BARE = "bare Baileys";
const program = fileURLToPath(new URL("bare-whatsapp.ts", import.meta.url));

const answered = z.object({ id: z.string(), heard: z.number(), acknowledged: z.number() });
type Answered = z.infer<typeof answered>;

interface Samples {
  heard: number[];
  acknowledged: number[];
}

/** The host and a bare client beside each other, on one server, a message to each in turn. */
export async function whatsAppRows(): Promise<Row[]> {
  keepKeysOffConsole(console);
  await using site = await openWhatsAppHost();
  const host = await site.start();
  await site.online();
  const { server } = site;
  await using bare = await startBare(server, server.person({ name: "Bob" }));
  const [ours, theirs]: [Samples, Samples] = [
    { heard: [], acknowledged: [] },
    { heard: [], acknowledged: [] },
  ];
  const friend = server.person({ name: "Finn" });
  for (let round = 0; round <= ROUNDS; round += 1) {
    const toUs = await sayToHost(site, `search for item${round}`);
    const toBare = await bare.say(friend, `item${round}`);
    // The first round makes sessions and fills caches.
    if (round === 0) continue;
    for (const [samples, one] of [
      [ours, toUs],
      [theirs, toBare],
    ] as const) {
      samples.heard.push(one.heard);
      samples.acknowledged.push(one.acknowledged);
    }
  }
  const memory = { ours: [rss(host.child.pid)], theirs: [rss(bare.pid)] };
  return [
    row(
      "WhatsApp in",
      ours.heard,
      BARE,
      theirs.heard,
      "from the server's send until it is in the ledger; bare: until its event",
    ),
    row(
      "WhatsApp out",
      ours.acknowledged,
      BARE,
      theirs.acknowledged,
      "from the row in the outbox until the server's acknowledgement is noted; bare: from sendMessage",
    ),
    row(
      "WhatsApp memory (MiB)",
      memory.ours,
      BARE,
      memory.theirs,
      "resident memory of the whole host, connected, after these messages; bare: of that program",
    ),
  ];
}

async function sayToHost(site: WhatsAppHost, text: string): Promise<{ heard: number; acknowledged: number }> {
  const { server } = site;
  const before = site.said(server.phone).length;
  const start = Date.now();
  const { id } = await server.send(server.phone, server.phone, text);
  await site.texts(server.phone, before + 1);
  const find = () =>
    site.ledger(
      `SELECT m.received_at AS heard, o.sent_at - o.created_at AS acknowledged FROM messages m
         JOIN turns t ON t.chat_jid = m.chat_jid AND m.seq BETWEEN t.from_seq AND t.to_seq
         JOIN outbox o ON o.turn_id = t.id WHERE m.id = ? AND o.sent_at IS NOT NULL`,
      id,
    )[0];
  while (find() === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  const found = find();
  return { heard: Number(found?.["heard"]) - start, acknowledged: Number(found?.["acknowledged"]) };
}

interface Bare extends AsyncDisposable {
  pid: number | undefined;
  say(from: Person, text: string): Promise<{ heard: number; acknowledged: number }>;
}

async function startBare(server: WhatsAppServer, by: Person): Promise<Bare> {
  const child = spawn(process.execPath, [program, server.url], { stdio: ["ignore", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? "null");
  const { qr } = z.object({ qr: z.string() }).parse(await next());
  const device = await server.scanQr(qr, by);
  await next();
  await server.until(() => device.online);
  return {
    pid: child.pid,
    say: async (from, text) => {
      const start = Date.now();
      const { id } = await server.send(from, by, text);
      let said: Answered;
      do said = answered.parse(await next());
      while (said.id !== id);
      return { heard: said.heard - start, acknowledged: said.acknowledged };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

function rss(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}
