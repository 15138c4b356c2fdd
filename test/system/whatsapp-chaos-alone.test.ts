import { describe, expect, it } from "vitest";
import { until } from "./until.ts";
import { answersTo } from "./whatsapp-crash-verdict.ts";
import { openWhatsAppHost, type WhatsAppHost } from "./whatsapp-host.ts";

interface ChannelState {
  name: string;
  connected: boolean;
  detail: string;
}

async function stateOf(site: WhatsAppHost): Promise<ChannelState | undefined> {
  const { channels } = await site.ask<{ channels: ChannelState[] }>("GET", "/control/status");
  return channels.find(({ name }) => name === "whatsapp");
}

const untilSaid = (site: WhatsAppHost, detail: RegExp) =>
  until(async () => {
    const state = await stateOf(site);
    return state?.connected === false && detail.test(state.detail);
  });

const onLocalChat = (site: WhatsAppHost, source: string): string[] =>
  site
    .ledger("SELECT content FROM outbox WHERE chat_jid = 'local:main' AND source = ? ORDER BY seq", source)
    .map(({ content }) => String(content));

/** Local chat and tasks need no network. */
async function expectAlive(site: WhatsAppHost): Promise<void> {
  await site.ask("POST", "/chat/main/messages", { id: "l1", text: "remind me in 1 second to wash the walrus" });
  const reminders = () => site.ledger("SELECT 1 FROM outbox WHERE task_id IS NOT NULL AND chat_jid = 'local:main'");
  await until(() => reminders().length > 0);
}

async function startOnline(): Promise<WhatsAppHost> {
  const site = await openWhatsAppHost();
  await site.start();
  await site.online();
  return site;
}

async function linkAnew(site: WhatsAppHost): Promise<void> {
  await using auth = site.auth();
  await site.server.scanQr((await auth.line("qr")).qr ?? "");
  expect(await auth.end()).toEqual({ exit: 0, error: "" });
  await site.online();
}

async function expectAnswer(site: WhatsAppHost, item: string): Promise<void> {
  const { server } = site;
  await server.send(server.phone, server.phone, `search for ${item}`);
  await server.until(() => answersTo(site, item).length === 1);
}

describe("what the server refuses for good", { timeout: 120_000 }, () => {
  const ways: Record<string, (site: WhatsAppHost) => void> = {
    "the phone removed it (401)": ({ server, device }) => server.unlink(device()),
    "the stream ends with 403": ({ server }) => server.streamError(403),
    "the login fails with 401": ({ server }) => {
      server.faults.refuseLogin = 401;
      server.drop();
    },
    "the login fails with 403": ({ server }) => {
      server.faults.refuseLogin = 403;
      server.drop();
    },
  };

  it.each(Object.keys(ways))("is not tried again, and all else goes on, until it is linked anew: %s", async (name) => {
    await using site = await startOnline();
    const { server } = site;
    await expectAnswer(site, "walrus");
    const before = site.device();
    ways[name]?.(site);
    await untilSaid(site, /unlinked this machine from \+\d+.*npm run auth/);
    const logins = server.stanzas.length;
    await expectAlive(site);
    expect(onLocalChat(site, "notice")).toEqual([
      expect.stringMatching(/^WhatsApp has unlinked this machine from \+\d+ \(code 40[13]\)\..*npm run auth$/),
    ]);
    expect([server.connections, server.stanzas.length]).toEqual([0, logins]);

    // What comes meanwhile is for the next link, or for nobody; the host is still the same process.
    server.faults.refuseLogin = undefined;
    await linkAnew(site);
    expect(site.device()).not.toBe(before);
    await expectAnswer(site, "seal");
    expect(await stateOf(site)).toMatchObject({ connected: true });
    expect(server.problems).toEqual([]);
  });
});

describe("what time may cure", { timeout: 120_000 }, () => {
  it("another program with this link is named, and not thrown out again", async () => {
    await using site = await startOnline();
    const { server } = site;
    const { logins } = site.device();
    server.streamError();
    await untilSaid(site, /another program uses this very link.*trying again at \d\d:\d\d \(UTC\)/);
    await expectAlive(site);
    expect([server.connections, site.device().logins]).toEqual([0, logins]);
    expect(onLocalChat(site, "notice")).toEqual([expect.stringContaining("another program uses this very link")]);
  });

  it.each([
    [402, /refuses this account for now \(code 402\).*6 hours/],
    [405, /wants a newer client/],
  ])("a login that is refused with %d is explained, and the link is kept", async (code, said) => {
    await using site = await startOnline();
    const { server } = site;
    server.faults.refuseLogin = code;
    server.drop();
    await untilSaid(site, said);
    await expectAlive(site);
    expect(server.connections).toBe(0);
    expect(onLocalChat(site, "notice")).toEqual([expect.stringMatching(said)]);
    server.faults.refuseLogin = undefined;
    // A person who is told does not wait: a new start tries at once.
    await site.end();
    await site.start();
    await site.online();
    await expectAnswer(site, "walrus");
  });

  it("what is refused as too much stays in the outbox, and goes out later under its id", async () => {
    await using site = await startOnline();
    const { server } = site;
    server.faults.acks = { refuse: 429 };
    await server.send(server.phone, server.phone, "search for walrus");
    await server.until(() => server.received.length === 1);
    const pending = () => site.ledger("SELECT status, message_id FROM outbox WHERE chat_jid NOT LIKE 'local:%'");
    await expectAlive(site);
    expect(pending()).toEqual([{ status: "pending", message_id: server.received[0]?.id }]);
    expect(server.received).toHaveLength(1);
    server.faults.acks = "at once";
    // Its pause of a minute is kept in memory alone.
    await site.end();
    await site.start();
    await server.until(() => answersTo(site, "walrus").length === 1);
    await until(() => pending()[0]?.["status"] === "sent");
    expect(server.received.map(({ id }) => id)).toEqual([server.received[0]?.id, server.received[0]?.id]);
  });
});
