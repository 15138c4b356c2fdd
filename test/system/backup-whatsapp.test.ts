import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { startHost } from "../../src/main.ts";
import { backupKit, rowsOf } from "./backup-kit.ts";
import { scriptedRunner } from "./site.ts";
import { until } from "./until.ts";
import { openWhatsAppHome, type WhatsAppHome } from "./whatsapp-home.ts";

const kit = backupKit();

/** A host on a restored home, at the same network. */
async function startOn(home: string, site: WhatsAppHome): Promise<AsyncDisposable & { isConnected(): boolean }> {
  const env = {
    ...{ TZ: "UTC", NANOCLAW_HOME: home, NANOCLAW_FREE_DISK: "1", NANOCLAW_WHATSAPP_URL: site.server.url },
    ...{ NANOCLAW_AGENT: "offline", NANOCLAW_AGENT_RUNTIME: "host" },
    ...{ NANOCLAW_WHATSAPP_RATE: "0", NANOCLAW_WHATSAPP_CHAT_RATE: "0" },
  };
  const host = await startHost({
    config: loadConfig({ env, defaultHome: home }),
    ...{ clock: systemClock, env: process.env, what: "system test", runner: scriptedRunner },
  });
  return {
    isConnected: () => host.channels().every(({ connected }) => connected),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

describe("a home with a WhatsApp link", { timeout: 90_000 }, () => {
  it("is brought back with its link: it connects, and answers, without linking anew", async () => {
    await using site = await openWhatsAppHome();
    const { server } = site;
    site.answers("before");
    await server.send(server.phone, server.phone, "one");
    await site.texts(server.phone, 1);
    await site.quiet();
    await site.stop();
    const file = join(kit.folder(), "b.tar.gz");
    expect((await kit.backup(site.path(), file)).exit).toBe(0);
    const home = kit.folder();
    const restored = await kit.restore(home, file);
    expect(restored).toMatchObject({ exit: 0, stdout: expect.stringMatching(/old machine must not run/) });
    for (const path of ["store/messages.db", "store/auth/state.db"])
      expect(rowsOf(join(home, path)), path).toEqual(rowsOf(site.path(path)));

    await using host = await startOn(home, site);
    await until(host.isConnected);
    await server.send(server.phone, server.phone, "two");
    expect(await site.texts(server.phone, 2)).toHaveLength(2);
    expect(server.problems).toEqual([]);
    expect(server.phone.devices).toHaveLength(1);
  });

  it("backed up under traffic has every message that it says was handed over, and goes on from there", async () => {
    await using site = await openWhatsAppHome();
    const { server } = site;
    const folder = kit.folder();
    const sent: string[] = [];
    let stopped = false;
    const traffic = (async () => {
      while (!stopped && sent.length < 60) {
        sent.push((await server.send(server.phone, server.phone, `word ${sent.length}`)).id);
        await delay(20);
      }
    })();
    await until(() => sent.length > 5);
    const files = [1, 2, 3].map((n) => join(folder, `${n}.tar.gz`));
    for (const file of files) expect((await kit.backup(site.path(), file)).exit).toBe(0);
    stopped = true;
    await traffic;
    await site.quiet();
    await site.stop();
    for (const [n, file] of files.entries()) {
      const home = join(folder, `home-${n}`);
      expect((await kit.restore(home, file)).exit).toBe(0);
      expect(lostIn(home, sent), file).toEqual([]);
    }
    const home = join(folder, "home-2");
    await using host = await startOn(home, site);
    await until(host.isConnected);
    await server.send(server.phone, server.phone, "after the restore");
    await until(() => messagesIn(home).some(({ content }) => content === "after the restore"));
  });
});

const messagesIn = (home: string): Record<string, unknown>[] =>
  rowsOf(join(home, "store", "messages.db"))["messages"] as Record<string, unknown>[];

/** Of these ids, those that the link's file calls handed over and that the ledger does not have. */
function lostIn(home: string, sent: readonly string[]): string[] {
  const ids = new Set(messagesIn(home).map(({ id }) => id));
  const inbox = rowsOf(join(home, "store", "auth", "state.db"))["inbox"] as Record<string, unknown>[];
  return inbox
    .filter((row) => row["done_at"] !== null)
    .map((row) => String(row["message_key"]).split("|")[1] ?? "")
    .filter((id) => sent.includes(id) && !ids.has(id));
}
