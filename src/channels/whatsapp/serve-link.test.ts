import { initAuthCreds } from "baileys";
import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { jidOf } from "../../../test/ledger-kit.ts";
import { manualClock } from "../../../test/manual-clock.ts";
import { memoryLinkStore } from "../../../test/memory-link-store.ts";
import { until } from "../../../test/system/until.ts";
import type { Folder } from "../../domain/ids.ts";
import { silentLog } from "../../domain/log.ts";
import { encode } from "./auth-state.ts";
import type { WhatsAppLedger } from "./ledger.ts";
import { serveLink } from "./serve-link.ts";

const full = (): never => {
  throw new Error("disk full");
};

/** A port on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}

test("a ledger that cannot be read does not end the waiting between connections", { timeout: 60_000 }, async () => {
  const clock = manualClock();
  const states: string[] = [];
  const stop = new AbortController();
  const creds = { ...initAuthCreds(), me: { id: "49151:3@s.whatsapp.net", lid: "9:3@lid" } };
  const { store } = memoryLinkStore();
  const ledger = {
    ...{ opened: () => {}, lastAlive: full, alive: full, tell: full, acknowledged: () => {} },
    ...{ registeredGroups: () => [], canonical: jidOf },
  } as unknown as WhatsAppLedger;
  const served = serveLink(
    {
      ...{ clock, zone: "UTC", ledger, log: silentLog, random: () => 0.5, ownNumber: false, textOf: (text) => text },
      link: { id: 1, store, creds: encode(creds), account: creds.me.id, isInPlace: () => true, close: () => {} },
      ...{ url: `ws://127.0.0.1:${await deadPort()}`, inboxFolder: (folder: Folder) => folder },
      ...{ onSession: () => {}, onSignal: () => {}, onState: (_, detail) => void states.push(detail) },
    },
    stop.signal,
  );
  const tries = () => states.filter((detail) => detail.startsWith("connecting as")).length;
  const failed = () => states.filter((detail) => /trying again at|connecting again/.test(detail)).length;
  await until(() => failed() === 1);
  await clock.advance(0);
  await until(() => failed() === 2);
  expect([tries(), states.at(-1)]).toEqual([2, expect.stringContaining("trying again at")]);
  stop.abort();
  await served.ended;
});
