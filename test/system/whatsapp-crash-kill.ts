import { setTimeout as delay } from "node:timers/promises";
import type { WhatsAppHost } from "./whatsapp-host.ts";

/** What a dead host had not finished. */
export interface Left {
  raw: number;
  pending: number;
}

/** The host that runs dies; another one starts, and is online or about to die as well. */
export async function killAtRandom(site: WhatsAppHost): Promise<Left> {
  const way = Math.random();
  if (way < 0.15) {
    // While it stops.
    const stopping = site.end("SIGTERM");
    await delay(Math.random() * 600);
    await site.end("SIGKILL");
    await stopping;
  } else {
    await delay(Math.random() * 2_000);
    await site.end("SIGKILL");
  }
  const left = leftBy(site);
  if (way > 0.85) {
    // Before it is online.
    const started = site.start().catch(() => undefined);
    await delay(Math.random() * 1_200);
    await site.end("SIGKILL");
    await started;
  }
  await site.start();
  await site.online();
  return left;
}

function leftBy(site: WhatsAppHost): Left {
  const [raw] = site.state("SELECT count(DISTINCT message_key) AS n FROM inbox WHERE done_at IS NULL");
  const [pending] = site.ledger("SELECT count(*) AS n FROM outbox WHERE status = 'pending'");
  return { raw: Number(raw?.["n"]), pending: Number(pending?.["n"]) };
}
